"""The market by the words of its definition: flat lists, recounted at every question.

Whatever the windows do to be small and quick, they must answer what this answers.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.messages import Swap
from pw_detection.state.market import FRESH_AFTER_MS, Market
from pw_detection.state.prices import weighted_median
from pw_detection.state.token import PRICE_TRADES, Bought
from pw_detection.state.windows import FIVE_MINUTES, HOUR, Span


class Done(NamedTuple):
    """A trade, with all that is known of it."""

    ms: int
    trader: str
    buy: bool
    lamports: int | None
    base: int
    fresh: bool
    signature: str


class NaiveWindow:
    """All trades of a span, in the order of time; every number is counted when asked for."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.done: list[Done] = []

    def bring_to(self, now_ms: int) -> None:
        self.done = [one for one in self.done if one.ms >= self.span.first_ms(now_ms)]

    def take(self, one: Done) -> None:
        at = sum(other.ms <= one.ms for other in self.done)
        self.done.insert(at, one)

    def side(self, *, buy: bool) -> list[Done]:
        return [one for one in self.done if one.buy is buy]

    def paid(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for one in self.side(buy=True):
            found[one.trader] += one.lamports or 0
        return found

    count = property(lambda self: len(self.done))
    buys = property(lambda self: len(self.side(buy=True)))
    sells = property(lambda self: len(self.side(buy=False)))
    buyers = property(lambda self: {one.trader for one in self.side(buy=True)})
    sellers = property(lambda self: {one.trader for one in self.side(buy=False)})
    buy_lamports = property(lambda self: sum(self.paid().values()))
    sell_lamports = property(lambda self: sum(o.lamports or 0 for o in self.side(buy=False)))
    unvalued = property(lambda self: sum(one.lamports is None for one in self.done))
    valued_buys = property(
        lambda self: sum(one.lamports is not None for one in self.side(buy=True))
    )
    fresh_buys = property(
        lambda self: len({one.trader for one in self.side(buy=True) if one.fresh})
    )

    def top_surely_below(self, _share: Fraction) -> bool:
        return False


class NaiveToken:
    """A token of such windows."""

    def __init__(self, mint: str) -> None:
        self.mint = mint
        self.five, self.hour = NaiveWindow(FIVE_MINUTES), NaiveWindow(HOUR)
        self.decimals: int | None = None
        self.last_trade_ms = 0
        self.venues: tuple[str, ...] = ()
        self.named_ms = 0

    def window(self, name: str) -> NaiveWindow:
        return {"5m": self.five, "1h": self.hour}[name]

    def bring_to(self, now_ms: int) -> None:
        self.five.bring_to(now_ms)
        self.hour.bring_to(now_ms)

    def top_buy_lamports(self, window: NaiveWindow, count: int) -> int:
        return sum(sorted(window.paid().values(), reverse=True)[:count])

    def price(self) -> Fraction | None:
        newest = self.five.done[-PRICE_TRADES:]
        return weighted_median([(one.lamports or 0, one.base) for one in newest])

    def first_price(self, span: Span) -> Fraction | None:
        valued = [one for one in self.window(span.name).done if one.lamports and one.base]
        return Fraction(valued[0].lamports or 0, valued[0].base) if valued else None

    def top_buyers(self, count: int) -> list[tuple[str, Bought]]:
        buys = Counter(one.trader for one in self.five.side(buy=True))
        order = sorted(self.five.paid().items(), key=lambda one: (-one[1], one[0]))
        return [(trader, Bought(buys[trader], paid)) for trader, paid in order[:count]]

    def evidence(self, count: int) -> list[str]:
        buys = sorted(self.five.side(buy=True), key=lambda o: (-(o.lamports or 0), o.signature))
        shown = sorted(buys[:count], key=lambda one: (one.ms, one.signature))
        return list(dict.fromkeys(one.signature for one in shown))


class NaiveWallets:
    """When every wallet traded; each name is its own number."""

    def __init__(self) -> None:
        self.traded: dict[str, list[int]] = {}

    def fresh(self, name: str, ms: int, now_ms: int) -> bool:
        """Nothing known within the hour before it; of a filled-in one, nor since."""
        known = [at for at in self.traded.get(name, []) if at > now_ms - FRESH_AFTER_MS]
        self.traded[name] = [*known, ms]
        return not known


class NaiveMarket(Market):
    """The market over them; facts, prices of SOL and what is covered are the real one's."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, Any] = {}
        self.wallets: Any = NaiveWallets()

    bytes_held = 0

    def reset(self) -> None:
        super().reset()
        self.wallets = NaiveWallets()

    def advance(self, mints: Any) -> None:
        for token in (self.tokens[mint] for mint in mints if mint in self.tokens):
            token.bring_to(self.event_time_ms)
            self._age(token)

    def _age(self, token: NaiveToken) -> None:
        if self.event_time_ms - token.named_ms >= 3_600_000:
            token.venues = ()

    def sweep(self) -> list[str]:
        self.advance(list(self.tokens))
        gone = [mint for mint, token in self.tokens.items() if not token.hour.done]
        for mint in gone:
            del self.tokens[mint]
        return gone

    def _done(self, swap: Swap, ms: int) -> Done:
        fresh = self.wallets.fresh(swap.trader, ms, self.event_time_ms)
        return Done(
            ms, swap.trader, swap.side == "buy", self._lamports(swap), swap.base_amount_raw,
            fresh, swap.signature,
        )  # fmt: skip

    def _trade(self, swap: Swap, event_time_ms: int) -> bool:
        if swap.trader in self.muted_wallets or swap.confidence < 0.7:
            return False
        token = self.tokens.setdefault(swap.mint, NaiveToken(swap.mint))
        token.bring_to(event_time_ms)
        token.decimals, token.last_trade_ms = swap.base_decimals, event_time_ms
        if swap.venues:
            token.venues, token.named_ms = swap.venues, event_time_ms
        self._age(token)
        done = self._done(swap, event_time_ms)
        for window in (token.five, token.hour):
            window.take(done)
        return True

    def _insert(self, swap: Swap, event_time_ms: int) -> None:
        if swap.mint not in self.tokens:
            token = self.tokens[swap.mint] = NaiveToken(swap.mint)
            token.decimals = swap.base_decimals
        token = self.tokens[swap.mint]
        if swap.venues and event_time_ms >= token.named_ms:
            token.venues, token.named_ms = swap.venues, event_time_ms
        token.bring_to(self.event_time_ms)
        token.last_trade_ms = max(token.last_trade_ms, event_time_ms)
        done = self._done(swap, event_time_ms)
        for window in (token.five, token.hour):
            if event_time_ms >= window.span.first_ms(self.event_time_ms):
                window.take(done)


def take_slot(detector: Any, closed: ClosedSlot) -> Any:
    """What a slot fires, and how the projections look then."""
    alerts = detector.step(closed)
    return alerts, detector.tokens(4)
