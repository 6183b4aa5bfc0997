"""Every metric that a rule may name: formula, unit, and when it has no value. One table.

Values are integers or exact fractions; `as_float` is the only place where one becomes a
float, so the same input gives the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

from pw_common.wire.alerts import Unknown
from pw_detection.state.market import Market, Token
from pw_detection.state.prices import LAMPORTS_PER_SOL
from pw_detection.state.windows import SPANS, Span, Window

Exact: TypeAlias = int | Fraction
TOP: Final = 3
NO_SELLS: Final = "no_sells"
TOP_SHARE: Final = f"top_{TOP}_buyers_volume_share_"


class Reading(NamedTuple):
    """A metric's value, or why it has none.

    `least` says that the window was not wholly seen and the value can only be larger.
    """

    value: Exact | None
    unknown: Unknown | None = None
    least: bool = False


class Metric(NamedTuple):
    """One declaration. `formula` is for people; `grows` that a partial window is a bound."""

    name: str
    unit: str
    formula: str
    unknown: str
    grows: bool
    read: Callable[[Market, Token], Reading]


def as_float(value: Exact | None) -> float | None:
    """A value for JSON, rounded to 12 significant digits."""
    return None if value is None else float(f"{float(value):.12g}")


def _sol(lamports: int) -> Fraction:
    return Fraction(lamports, LAMPORTS_PER_SOL)


class _Windowed:
    """The metrics of one span of time."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def all(self) -> tuple[Metric, ...]:
        """In the order of the catalogue."""
        return (*self._counts(), *self._sums(), *self._shares())

    def _counts(self) -> tuple[Metric, ...]:
        metric = self._metric
        return (
            metric("buy_count", "trades", "buys", lambda w: Reading(w.buys), grows=True),
            metric("sell_count", "trades", "sells", lambda w: Reading(w.sells), grows=True),
            metric(
                "unique_buyers", "wallets", "wallets that bought",
                lambda w: Reading(len(w.buyers)), grows=True,
            ),
            metric(
                "unique_sellers", "wallets", "wallets that sold",
                lambda w: Reading(len(w.sellers)), grows=True,
            ),
        )  # fmt: skip

    def _sums(self) -> tuple[Metric, ...]:
        metric = self._metric
        return (
            metric(
                "buy_volume_sol", "SOL", "sum of what buys paid; sells are no part of it",
                lambda w: Reading(_sol(w.buy_lamports)), grows=True,
            ),
            metric(
                "sell_volume_sol", "SOL", "sum of what sells got",
                lambda w: Reading(_sol(w.sell_lamports)), grows=True,
            ),
            metric(
                "net_volume_sol", "SOL", "buy_volume_sol - sell_volume_sol",
                lambda w: Reading(_sol(w.buy_lamports - w.sell_lamports)),
            ),
            metric(
                "avg_buy_size", "SOL", "buy_volume_sol / valued buys", _average,
                unknown="no trades, no buys, or none with a value",
            ),
            metric(
                "buy_sell_ratio", "", "buys / sells; infinite without sells: `>` and `>=` hold",
                _ratio, unknown="no trades; null with `no_sells`",
            ),
        )  # fmt: skip

    def _shares(self) -> tuple[Metric, ...]:
        name = self._span.name
        return (
            Metric(
                f"{TOP_SHARE}{name}", "0..1",
                "largest three buyers' volume / buy volume",
                "no trades, no buys, or none with a value", False, self._share,
            ),
            Metric(
                f"new_wallet_pct_{name}", "0..1",
                "buyers of whom the stream saw no trade for an hour before / unique buyers",
                "no trades, no buys, or less than an hour seen before the window", False,
                self._fresh,
            ),
            self._metric(
                "unvalued_count", "trades", "trades whose quote has no value in SOL",
                lambda w: Reading(w.unvalued), grows=True,
            ),
            Metric(
                f"price_change_{name}", "1 = +100 %",
                "price / price of the window's first valued trade - 1",
                "no trades, no price, or the window not wholly seen", False, self._change,
            ),
        )  # fmt: skip

    def _metric(
        self,
        stem: str,
        unit: str,
        formula: str,
        read: Callable[[Window], Reading],
        *,
        grows: bool = False,
        unknown: str = "no trades",
    ) -> Metric:
        """A metric of what the window holds; while it fills, a bound or unknown."""
        span = self._span

        def whole(market: Market, token: Token) -> Reading:
            window = token.window(span.name)
            if not window.count:
                return Reading(None, "no_trades")
            reading = read(window)
            if reading.unknown == NO_SELLS and not market.is_alike(span):
                # No sell was seen where less was seen: that is not that nobody sold.
                return Reading(None, "cold")
            if reading.value is None or market.covers(token.mint, span):
                return reading
            return reading._replace(least=True) if grows else Reading(None, "cold")

        return Metric(f"{stem}_{span.name}", unit, formula, unknown, grows, whole)

    def _share(self, market: Market, token: Token) -> Reading:
        window = token.window(self._span.name)
        if not window.count:
            return Reading(None, "no_trades")
        if not window.buys:
            return Reading(None, "no_buys")
        if not window.buy_lamports:
            return Reading(None, "unvalued")
        if not market.covers(token.mint, self._span):
            return Reading(None, "cold")
        return Reading(Fraction(token.top_buy_lamports(window, TOP), window.buy_lamports))

    def _fresh(self, market: Market, token: Token) -> Reading:
        window = token.window(self._span.name)
        if not window.count:
            return Reading(None, "no_trades")
        if not window.buyers:
            return Reading(None, "no_buys")
        if not market.covers_wallets(self._span):
            return Reading(None, "cold")
        return Reading(Fraction(window.fresh_buys, len(window.buyers)))

    def _change(self, market: Market, token: Token) -> Reading:
        if not token.window(self._span.name).count:
            return Reading(None, "no_trades")
        if not market.covers(token.mint, self._span):
            return Reading(None, "cold")
        now, first = token.price(), token.first_price(self._span)
        if now is None or first is None:
            return Reading(None, "no_price")
        return Reading(now / first - 1)


def _average(window: Window) -> Reading:
    if not window.buys:
        return Reading(None, "no_buys")
    if not window.valued_buys:
        return Reading(None, "unvalued")
    return Reading(Fraction(window.buy_lamports, LAMPORTS_PER_SOL * window.valued_buys))


def _ratio(window: Window) -> Reading:
    if not window.sells:
        return Reading(None, NO_SELLS)
    return Reading(Fraction(window.buys, window.sells))


def _price(_market: Market, token: Token) -> Reading:
    price = token.price()
    if price is None or token.decimals is None:
        return Reading(None, "no_price")
    return Reading(price * 10**token.decimals / LAMPORTS_PER_SOL)


def _supply(market: Market, token: Token) -> Reading:
    facts = market.facts.get(token.mint)
    if facts is None or facts.supply_raw is None:
        return Reading(None, "no_supply")
    decimals = facts.decimals if facts.decimals is not None else token.decimals or 0
    return Reading(Fraction(facts.supply_raw, 10**decimals))


def _market_cap(market: Market, token: Token) -> Reading:
    price, supply = _price(market, token), _supply(market, token)
    if supply.value is None:
        return supply
    return price if price.value is None else Reading(price.value * supply.value)


METRICS: Final[tuple[Metric, ...]] = (
    *(metric for span in SPANS for metric in _Windowed(span).all()),
    Metric(
        "price_sol", "SOL a token", "volume-weighted median of the newest 21 valued trades in 5m",
        "no valued trade in 5m", False, _price,
    ),
    Metric("supply", "tokens", "as the launch stated it", "launch not seen", False, _supply),
    Metric(
        "market_cap_sol", "SOL", "price_sol x supply", "no price or no supply", False, _market_cap
    ),
)  # fmt: skip
BY_NAME: Final = {metric.name: metric for metric in METRICS}


def read_all(market: Market, token: Token) -> tuple[dict[str, float | None], dict[str, Unknown]]:
    """Every metric as a float for JSON, and why those without a value have none."""
    values: dict[str, float | None] = {}
    unknown: dict[str, Unknown] = {}
    for metric in METRICS:
        reading = metric.read(market, token)
        values[metric.name] = as_float(reading.value)
        if reading.unknown is not None:
            unknown[metric.name] = reading.unknown
        elif reading.least:
            unknown[metric.name] = "cold"
    return values, unknown
