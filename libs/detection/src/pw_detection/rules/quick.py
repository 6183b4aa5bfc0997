"""Whether a condition can hold, from whole numbers alone, before its metric is read.

Most tokens are far from most rules, and a metric is an exact fraction with a reason: that is
for those that come near. What these say is only ever "cannot hold"; the metric decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from pw_detection.rules.rules import Compiled, Condition
from pw_detection.state.metrics import TOP_SHARE
from pw_detection.state.prices import LAMPORTS_PER_SOL
from pw_detection.state.token import Token
from pw_detection.state.windows import SPANS, Window

# Whether a token may fulfil a condition.
MayHold: TypeAlias = Callable[[Token], bool]
# A metric as a quotient of whole numbers of a window, by its name without the span.
_Whole: TypeAlias = Callable[[Window], int]

_BELOW: Final[dict[str, _Whole]] = {
    "avg_buy_size": lambda window: window.valued_buys * LAMPORTS_PER_SOL,
    "buy_sell_ratio": lambda window: window.sells,
    "new_wallet_pct": lambda window: len(window.buyers),
}
_ABOVE: Final[dict[str, _Whole]] = {
    "buy_count": lambda window: window.buys,
    "sell_count": lambda window: window.sells,
    "unique_buyers": lambda window: len(window.buyers),
    "unique_sellers": lambda window: len(window.sellers),
    "buy_volume_sol": lambda window: window.buy_lamports,
    "sell_volume_sol": lambda window: window.sell_lamports,
    "avg_buy_size": lambda window: window.buy_lamports,
    "buy_sell_ratio": lambda window: window.buys,
    "new_wallet_pct": lambda window: window.fresh_buys,
}
_SOL: Final = ("buy_volume_sol", "sell_volume_sol")


def quick(rule: Compiled) -> tuple[MayHold, ...]:
    """What tells soonest that a rule cannot hold."""
    found = [check for one in rule.cheap_first if (check := _check(one)) is not None]
    return tuple(found)


def decided(condition: Condition) -> bool:
    """Whether its quick answer is the metric's, for a token that has just traded.

    What only grows fulfils "at least" with any part of a window, seen wholly or not.
    """
    stem, _, name = condition.metric.rpartition("_")
    grows = stem in _ABOVE and stem not in _BELOW and name in {span.name for span in SPANS}
    return grows and condition.op in {">", ">="} and condition.number > 0


def _check(condition: Condition) -> MayHold | None:
    stem, _, name = condition.metric.rpartition("_")
    if name not in {span.name for span in SPANS}:
        return None
    if f"{stem}_" == TOP_SHARE:
        return _share(condition, name)
    above = _ABOVE.get(stem)
    if above is None or condition.op == "==":
        return None
    below = _BELOW.get(stem)
    number = condition.number
    if below is not None:
        return _quotient(condition, name, above, below)
    scale = LAMPORTS_PER_SOL if stem in _SOL else 1
    # The whole numbers that fulfil it are those up to a bound, or from a bound on.
    least, rest = divmod(number.numerator * scale, number.denominator)
    return {
        ">=": lambda token: above(token.window(name)) >= least + (rest > 0),
        ">": lambda token: above(token.window(name)) > least,
        "<=": lambda token: above(token.window(name)) <= least,
        "<": lambda token: above(token.window(name)) < least + (rest > 0),
    }[condition.op]


def _quotient(condition: Condition, name: str, above: _Whole, below: _Whole) -> MayHold:
    over, under = condition.number.numerator, condition.number.denominator
    rising = condition.op in {">", ">="}

    def may_hold(token: Token) -> bool:
        window = token.window(name)
        whole, part = above(window) * under, below(window) * over
        # Equal ones, and those without a divisor, are for the metric to decide.
        return whole >= part if rising else whole <= part

    return may_hold


def _share(condition: Condition, name: str) -> MayHold | None:
    if condition.op not in {">", ">="}:
        return None
    number = condition.number
    return lambda token: not token.window(name).top_surely_below(number)


def all_may(checks: tuple[MayHold, ...], token: Token) -> bool:
    """Whether none of these says that the rule does not hold."""
    for check in checks:  # noqa: SIM110 -- `all` costs more than what it asks
        if not check(token):
            return False
    return True


def ready(
    rules: Iterable[Compiled],
) -> tuple[tuple[Compiled, tuple[MayHold, ...], tuple[Condition, ...]], ...]:
    """Those that are on, with what tells soonest that they do not hold, and what is left to ask."""
    return tuple(
        (rule, quick(rule), tuple(one for one in rule.cheap_first if not decided(one)))
        for rule in rules
        if rule.rule.enabled
    )
