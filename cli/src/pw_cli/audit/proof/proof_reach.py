"""How far the blocks of a proof reach back, and what of an alert rests on more than they hold.

The detector says itself which windows it saw whole. What it did not see it treats as unknown but
for two things: without a sell the ratio is infinite, and who was watched is counted in what was
seen. So a proof that begins late could make a rule hold. Pure.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_cli.audit.proof.proof_basis import as_rule
from pw_common.documents.proofs import ProvenRule
from pw_common.wire.alerts import Alert
from pw_common.wire.alerts import Condition as JudgedCondition
from pw_detection.rules.rules import LIST_METRICS, Condition, compile_rule
from pw_detection.state.market import Market
from pw_detection.state.metrics import BY_NAME
from pw_detection.state.windows import FIVE_MINUTES, SPANS

# Metrics that rest on the token's creation.
OF_CREATION: Final = frozenset({"supply", "market_cap_sol", "watched_creator"})
# Metrics of the price, which is of five minutes.
OF_PRICE: Final = frozenset({"price_sol", "market_cap_sol"})
RISING: Final = frozenset({">", ">="})


class Reach(NamedTuple):
    """What the detector saw whole at the alert's slot.

    `windows` names the windows of the token that were seen whole, `wallets` those before which
    an hour was seen too, as new wallets need it. `created`: the token's creation was seen.
    """

    back_ms: int = 0
    windows: frozenset[str] = frozenset()
    wallets: frozenset[str] = frozenset()
    created: bool = False


def reach_of(market: Market, mint: str, begin_ms: int) -> Reach:
    """What a detector saw if it began at this event time."""
    return Reach(
        back_ms=market.event_time_ms - begin_ms,
        windows=frozenset(one.name for one in SPANS if market.covers(mint, one)),
        wallets=frozenset(one.name for one in SPANS if market.covers_wallets(one)),
        created=mint in market.facts,
    )


def is_part(metric: str, reach: Reach) -> bool:
    """Whether a metric's value covers only a part of its window."""
    if metric in OF_PRICE:
        return FIVE_MINUTES.name not in reach.windows
    whole = reach.wallets if metric.startswith("new_wallet_") else reach.windows
    return any(metric.endswith(f"_{one.name}") and one.name not in whole for one in SPANS)


def parts(reach: Reach) -> tuple[str, ...]:
    """Every metric that covers only a part of its window."""
    return tuple(name for name in (*BY_NAME, *LIST_METRICS) if is_part(name, reach))


def rests_on_more(rule: ProvenRule, alert: Alert, reach: Reach) -> tuple[str, ...]:
    """Conditions and gates on which blocks before these might decide otherwise.

    Args:
        rule: What fired.
        alert: What these blocks gave.
        reach: What was seen for it.

    Raises:
        BadRules: it is not a rule.
    """
    compiled = compile_rule(as_rule(rule))
    if alert.kind != "closed":
        held = (*compiled.conditions, *compiled.gates)
        return tuple(one.text for one in held if not _holds_surely(one, reach))
    shown = tuple(zip(compiled.conditions, alert.conditions, strict=False))
    if any(_fails_surely(one, reading, reach) for one, reading in shown):
        return ()
    return tuple(one.text for one, reading in shown if reading.verdict != "holds")


def _holds_surely(one: Condition, reach: Reach) -> bool:
    # What only grows can only be more than was seen.
    return not _needs_more(one.metric, reach) or (_grows(one.metric) and one.op in RISING)


def _fails_surely(one: Condition, reading: JudgedCondition, reach: Reach) -> bool:
    if reading.verdict == "holds":
        return False
    if not _needs_more(one.metric, reach):
        return True
    is_over = reading.value is not None and reading.value > one.number
    return _grows(one.metric) and one.op not in RISING and is_over


def _needs_more(metric: str, reach: Reach) -> bool:
    return is_part(metric, reach) or (metric in OF_CREATION and not reach.created)


def _grows(metric: str) -> bool:
    return metric in LIST_METRICS or BY_NAME[metric].grows
