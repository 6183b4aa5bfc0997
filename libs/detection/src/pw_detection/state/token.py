"""One token: its trades, the two windows over them, and what it says of itself."""

from __future__ import annotations

import heapq
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from pw_detection.state.prices import weighted_median
from pw_detection.state.trades import Trades
from pw_detection.state.windows import BUY, FIVE_MINUTES, HOUR, MARK_BITS, STEPS_MOD, Span, Window

# A token's price is read from its newest trades within five minutes.
PRICE_TRADES: Final = 21
# Where a token trades is known for this long after a trade that named it.
VENUES_MS: Final = 3_600_000
NEVER_MS: Final = 2**63 - 1
FIVE_STEP_MS: Final = FIVE_MINUTES.step_ms
HOUR_STEP_MS: Final = HOUR.step_ms


class Bought(NamedTuple):
    """A wallet's purchases within a window."""

    buys: int
    lamports: int


class Token:
    """A token's windows and facts. `leaves_ms` is when something falls out next."""

    __slots__ = (
        "_named_ms", "_price", "decimals", "deferred", "due", "five", "hour", "last_trade_ms",
        "leaves_ms", "mint", "names", "trades", "venues",
    )  # fmt: skip

    def __init__(self, mint: str, names: list[str]) -> None:
        self.mint = mint
        # Of wallets, by number: the market's own list.
        self.names = names
        self.trades = Trades()
        self.five = Window(FIVE_MINUTES)
        self.hour = Window(HOUR)
        self.decimals: int | None = None
        self.venues: tuple[str, ...] = ()
        self.last_trade_ms = 0
        self.leaves_ms = NEVER_MS
        # The minute at whose turn the market looks at it next.
        self.due = NEVER_MS
        # Whether the windows hold nothing but where they begin, until `settle`.
        self.deferred = False
        self._named_ms = 0
        # What `price` said, until a trade comes or goes.
        self._price: Fraction | Literal["unread"] | None = "unread"

    def window(self, name: str) -> Window:
        """The window of a span's name."""
        return self.five if name == FIVE_MINUTES.name else self.hour

    def named(self, venues: tuple[str, ...], event_time_ms: int) -> None:
        """A trade named where it was done; none says nothing, nor does one older than the last."""
        if venues and event_time_ms >= self._named_ms:
            self.venues, self._named_ms = venues, event_time_ms

    def forget_venues(self, event_time_ms: int) -> None:
        """What was named too long ago is unknown by now."""
        if event_time_ms - self._named_ms >= VENUES_MS:
            self.venues = ()

    def add(
        self, ms: int, wallet: int, marks: int, lamports: int, base_raw: int, signature: str
    ) -> None:
        """Count the newest trade; the windows have been brought to its time."""
        self.trades.append(ms, wallet << MARK_BITS | marks, lamports, base_raw, signature)
        self._price = "unread"
        name = self.names[wallet]
        self.five.add(name, marks, lamports, ms // FIVE_STEP_MS % STEPS_MOD)
        self.hour.add(name, marks, lamports, ms // HOUR_STEP_MS % STEPS_MOD)

    def defer(
        self, ms: int, wallet: int, marks: int, lamports: int, base_raw: int, signature: str
    ) -> None:
        """Keep the newest trade, and leave it to `settle` to count it."""
        self.deferred = True
        self.trades.append(ms, wallet << MARK_BITS | marks, lamports, base_raw, signature)
        self._price = "unread"

    def settle(self) -> None:
        """Count in one go what was deferred, and what was counted before it."""
        if not self.deferred:
            return
        self.deferred = False
        five_start, trades = self.five.start, self.trades
        self.five, self.hour = Window(FIVE_MINUTES), Window(HOUR)
        self.five.start = five_start
        for window in (self.five, self.hour):
            window.add_all(trades.slice(window.start, len(trades)), self.names)

    def insert(
        self,
        ms: int,
        wallet: int,
        marks: int,
        lamports: int,
        base_raw: int,
        signature: str,
        *,
        first_five_ms: int,
    ) -> None:
        """Count a trade of the past at its index; the windows have been brought to the present.

        Args:
            ms: Its event time, within the hour.
            first_five_ms: Where the five minutes begin.
        """
        at = self.trades.insert(ms, wallet << MARK_BITS | marks, lamports, base_raw)
        self._price = "unread"
        name = self.names[wallet]
        self.hour.add(name, marks, lamports, self.hour.step_of(name, marks, ms))
        if ms < first_five_ms:
            self.five.start += 1
            self.trades.signed += 1
        else:
            self.trades.signatures.insert(at - self.trades.signed, signature)
            self.five.add(name, marks, lamports, self.five.step_of(name, marks, ms))
        self._set_leaves()

    def advance(self, event_time_ms: int) -> tuple[int, int]:
        """Drop what has fallen out by now; returns how many of five minutes, and of the hour."""
        if event_time_ms < self.leaves_ms:
            return 0, 0
        return self.cut(FIVE_MINUTES.first_ms(event_time_ms), HOUR.first_ms(event_time_ms))

    def cut(self, first_five_ms: int, first_hour_ms: int) -> tuple[int, int]:
        """Drop what is older; returns how many of five minutes, and of the hour."""
        trades, five, hour = self.trades, self.five, self.hour
        self._price = "unread"
        recent = trades.before(first_five_ms) - five.start
        if recent > 0:
            if self.deferred:
                five.start += recent
            else:
                five.drop(trades.slice(five.start, five.start + recent), self.names)
            trades.unsign(five.start)
        old = trades.before(first_hour_ms)
        if old:
            if not self.deferred:
                hour.drop(trades.slice(0, old), self.names)
            trades.forget(old)
            five.start -= old
            hour.start = 0
        self._set_leaves()
        return max(0, recent), old

    def _set_leaves(self) -> None:
        times, start = self.trades.times, self.five.start
        leaves_ms = HOUR.leaves_ms(times[0]) if times else NEVER_MS
        if start < len(times):
            leaves_ms = min(leaves_ms, FIVE_MINUTES.leaves_ms(times[start]))
        self.leaves_ms = leaves_ms

    def top_buy_lamports(self, window: Window, count: int) -> int:
        """What the largest buyers of a window paid together."""
        return window.top_buy_lamports(count, self.trades.sums(window.start), self.names)

    def price(self) -> Fraction | None:
        """Lamports for one raw unit: the weighted median of its newest valued trades."""
        if self._price == "unread":
            first = max(self.five.start, len(self.trades) - PRICE_TRADES)
            lamports, base = self.trades.lamports[first:], self.trades.base[first:]
            self._price = weighted_median(list(zip(lamports, base, strict=True)))
        return self._price

    def first_price(self, span: Span) -> Fraction | None:
        """Lamports for one raw unit in the first valued trade of a window."""
        trades = self.trades
        for at in range(self.window(span.name).start, len(trades)):
            if trades.lamports[at] and trades.base[at]:
                return Fraction(trades.lamports[at], trades.base[at])
        return None

    def top_buyers(self, count: int) -> list[tuple[str, Bought]]:
        """The largest buyers of five minutes, by what they paid, then by address."""
        buys: dict[str, int] = {}
        paid: dict[str, int] = {}
        for marks, lamports in self.trades.sums(self.five.start):
            if marks & BUY:
                name = self.names[marks >> MARK_BITS]
                buys[name] = buys.get(name, 0) + 1
                paid[name] = paid.get(name, 0) + lamports
        largest = heapq.nsmallest(count, paid, key=lambda one: (-paid[one], one))
        return [(one, Bought(buys[one], paid[one])) for one in largest]

    def evidence(self, count: int) -> list[str]:
        """Signatures of the largest purchases of five minutes, in the order of time."""
        trades, start = self.trades, self.five.start
        buys = [
            (-lamports, signature, ms)
            for (ms, marks, lamports), signature in zip(
                trades.slice(start, len(trades)), trades.signatures, strict=True
            )
            if marks & BUY
        ]
        largest = heapq.nsmallest(count, buys, key=lambda one: one[:2])
        largest.sort(key=lambda one: (one[2], one[1]))
        return list(dict.fromkeys(signature for _, signature, _ in largest))

    def rest(self) -> None:
        """What nobody asked for is not kept ready any longer."""
        self.five.rest()
        self.hour.rest()
