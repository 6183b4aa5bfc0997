"""A sliding window over one token's trades, in steps of event time: exact sums and sets.

A window of n steps covers the step that is under way and the n-1 before it. Nothing is
estimated: what falls out is subtracted, and a set is a count by wallet.
"""

from __future__ import annotations

import heapq
from collections import deque
from itertools import takewhile
from typing import Final, NamedTuple


class Span(NamedTuple):
    """A window's name, its step in ms, and how many steps it has."""

    name: str
    step_ms: int
    steps: int

    @property
    def length_ms(self) -> int:
        """The most that it covers."""
        return self.step_ms * self.steps

    def first_ms(self, event_time_ms: int) -> int:
        """Where the window begins at an event time."""
        return (event_time_ms // self.step_ms - self.steps + 1) * self.step_ms


FIVE_MINUTES: Final = Span("5m", 10_000, 30)
HOUR: Final = Span("1h", 60_000, 60)
SPANS: Final = (FIVE_MINUTES, HOUR)


class Trade(NamedTuple):
    """One swap as the windows count it. `lamports` is None where nothing tells its value.

    `fresh` says that the stream saw no trade of this wallet in the hour before.
    """

    event_time_ms: int
    trader: str
    buy: bool
    lamports: int | None
    base_raw: int
    fresh: bool
    signature: str


class Bought(NamedTuple):
    """A wallet's purchases within a window."""

    buys: int
    lamports: int
    fresh: int


NOTHING: Final = Bought(0, 0, 0)


class Window:
    """The trades of one span, with what is summed over them."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.trades: deque[Trade] = deque()
        self.buys = 0
        self.sells = 0
        self.buy_lamports = 0
        self.sell_lamports = 0
        self.unvalued = 0
        self.valued_buys = 0
        self.buyers: dict[str, Bought] = {}
        self.sellers: dict[str, int] = {}

    def add(self, trade: Trade) -> None:
        """Count a trade; trades come in the order of event time."""
        self.trades.append(trade)
        self._count(trade, 1)

    def insert(self, trade: Trade) -> None:
        """Count a trade of the past at its place; one that has fallen out changes nothing."""
        if not self.trades or trade.event_time_ms >= self.trades[-1].event_time_ms:
            self.add(trade)
            return
        later = takewhile(
            lambda one: one.event_time_ms > trade.event_time_ms, reversed(self.trades)
        )
        after = sum(1 for _ in later)
        self.trades.insert(len(self.trades) - after, trade)
        self._count(trade, 1)

    def advance(self, event_time_ms: int) -> bool:
        """Drop what has fallen out by now; returns whether anything did."""
        first_ms = self.span.first_ms(event_time_ms)
        dropped = False
        while self.trades and self.trades[0].event_time_ms < first_ms:
            self._count(self.trades.popleft(), -1)
            dropped = True
        return dropped

    def top_buy_lamports(self, count: int) -> int:
        """What the largest buyers paid together."""
        return sum(heapq.nlargest(count, [one.lamports for one in self.buyers.values()]))

    def _count(self, trade: Trade, sign: int) -> None:
        lamports = trade.lamports or 0
        self.unvalued += sign * (trade.lamports is None)
        if not trade.buy:
            self.sells += sign
            self.sell_lamports += sign * lamports
            count = self.sellers.get(trade.trader, 0) + sign
            if count:
                self.sellers[trade.trader] = count
            else:
                del self.sellers[trade.trader]
            return
        self.buys += sign
        self.valued_buys += sign * (trade.lamports is not None)
        self.buy_lamports += sign * lamports
        old = self.buyers.get(trade.trader, NOTHING)
        if old.buys + sign:
            self.buyers[trade.trader] = Bought(
                old.buys + sign, old.lamports + sign * lamports, old.fresh + sign * trade.fresh
            )
        else:
            del self.buyers[trade.trader]
