"""A sliding window over one token's trades, in steps of event time: exact sums and sets.

A window of n steps covers the step that is under way and the n-1 before it. Nothing is
estimated: what falls out is subtracted. A window holds no trade itself: it is the end of its
token's list of them (`trades.py`), which says what to subtract.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from fractions import Fraction
from sys import getsizeof
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

    def leaves_ms(self, event_time_ms: int) -> int:
        """When a trade of this event time falls out."""
        return (event_time_ms // self.step_ms + self.steps) * self.step_ms


FIVE_MINUTES: Final = Span("5m", 10_000, 30)
HOUR: Final = Span("1h", 60_000, 60)
SPANS: Final = (FIVE_MINUTES, HOUR)

# A trade's marks, below its wallet's number.
BUY: Final = 1
VALUED: Final = 2
FRESH: Final = 4
MARK_BITS: Final = 3
# A wallet's newest step, modulo this: more than a window has, and a number that costs nothing.
STEPS_MOD: Final = 256
STEP_BITS: Final = 8
# How many of the largest buyers are kept apart when the largest are asked for.
KEPT: Final = 64
# A map that takes more for each key, some aside, is copied: a new one takes 22 to 44.
AIRY_BYTES: Final = 48


class Window:
    """What is summed over the trades of one span; `start` is where they begin in the list.

    `buyers` and `sellers` map a wallet to the step of its newest trade, modulo 256: it leaves
    with that step. Their keys are the names that `Wallets` holds anyhow, since a map of strings
    takes a third less than one of numbers. Asked for the largest buyers, a window also sums
    what each one paid, in the same map, and keeps the largest apart, until nobody has asked
    for a while.
    """

    __slots__ = (
        "_asked", "_exact", "_floor", "_largest", "_top_bound", "buy_lamports", "buyers", "buys",
        "fresh_buys", "sell_lamports", "sellers", "sells", "span", "start", "unvalued",
        "valued_buys",
    )  # fmt: skip

    def __init__(self, span: Span) -> None:
        self.span = span
        self.start = 0
        self.buys = 0
        self.sells = 0
        self.buy_lamports = 0
        self.sell_lamports = 0
        self.unvalued = 0
        self.valued_buys = 0
        # A wallet is fresh once in an hour, so its fresh purchases are at most one.
        self.fresh_buys = 0
        self.buyers: dict[str, int] = {}
        self.sellers: dict[str, int] = {}
        # The largest buyers paid at most this together; exactly this if that many were asked for.
        self._top_bound = 0
        self._exact = 0
        self._asked = False
        # Wallet -> what it paid, of at least those that paid more than `_floor`.
        self._largest: dict[str, int] | None = None
        self._floor = 0

    @property
    def count(self) -> int:
        """All trades."""
        return self.buys + self.sells

    def add(self, wallet: str, mark: int, lamports: int, step: int) -> None:
        """Count a trade. `step` is that of the wallet's newest trade on this side, modulo 256."""
        if not mark & VALUED:
            self.unvalued += 1
        if not mark & BUY:
            self.sells += 1
            self.sell_lamports += lamports
            self.sellers[wallet] = step
            return
        self.buys += 1
        self.buy_lamports += lamports
        self._top_bound += lamports
        self._exact = 0
        if mark & VALUED:
            self.valued_buys += 1
        if mark & FRESH:
            self.fresh_buys += 1
        if self._largest is None:
            self.buyers[wallet] = step
            return
        paid = (self.buyers.get(wallet, 0) >> STEP_BITS) + lamports
        self.buyers[wallet] = paid << STEP_BITS | step
        if paid > self._floor:
            self._largest[wallet] = paid

    def add_all(self, trades: Iterable[tuple[int, int, int]], names: list[str]) -> None:
        """Count trades in their order: (event time, mark, lamports)."""
        step_ms, add = self.span.step_ms, self.add
        for event_time_ms, mark, lamports in trades:
            wallet = names[mark >> MARK_BITS]
            add(wallet, mark, lamports, event_time_ms // step_ms % STEPS_MOD)

    def step_of(self, wallet: str, mark: int, event_time_ms: int) -> int:
        """The step of a wallet's newest trade on this side, were one added at this time."""
        step = event_time_ms // self.span.step_ms % STEPS_MOD
        known = (self.buyers if mark & BUY else self.sellers).get(wallet)
        if known is None:
            return step
        newest = known % STEPS_MOD
        return newest if (newest - step) % STEPS_MOD < STEPS_MOD // 2 else step

    def drop(self, trades: Iterable[tuple[int, int, int]], names: list[str]) -> None:
        """Subtract trades that fall out, all of a step together: (event time, mark, lamports)."""
        for event_time_ms, mark, lamports in trades:
            self.start += 1
            wallet = names[mark >> MARK_BITS]
            step = event_time_ms // self.span.step_ms % STEPS_MOD
            if not mark & VALUED:
                self.unvalued -= 1
            if not mark & BUY:
                self.sells -= 1
                self.sell_lamports -= lamports
                if self.sellers.get(wallet) == step:
                    del self.sellers[wallet]
                continue
            self.buys -= 1
            self.buy_lamports -= lamports
            self._exact = 0
            if mark & VALUED:
                self.valued_buys -= 1
            if mark & FRESH:
                self.fresh_buys -= 1
            known = self.buyers.get(wallet)
            if known is None:
                continue
            if known % STEPS_MOD == step:
                del self.buyers[wallet]
                if self._largest is not None:
                    self._largest.pop(wallet, None)
            elif self._largest is not None:
                self._shrink(wallet, known - (lamports << STEP_BITS))

    def _shrink(self, wallet: str, known: int) -> None:
        self.buyers[wallet] = known
        largest = self._largest
        if largest is not None and wallet in largest:
            paid = known >> STEP_BITS
            if paid < self._floor:
                del largest[wallet]
            else:
                largest[wallet] = paid

    def top_surely_below(self, share: Fraction) -> bool:
        """Whether the largest buyers' share of the volume is less, for all that is known.

        Since they were summed last they can have gained no more than was bought.
        """
        return self._top_bound * share.denominator < share.numerator * self.buy_lamports

    def top_buy_lamports(
        self, count: int, trades: Iterable[tuple[int, int]], names: list[str]
    ) -> int:
        """What the largest buyers paid together. `trades`: mark and lamports of all of them."""
        self._asked = True
        if self._exact == count:
            return self._top_bound
        self._exact = count
        if self._largest is None:
            paid: dict[str, int] = {}
            for mark, lamports in trades:
                if mark & BUY:
                    wallet = names[mark >> MARK_BITS]
                    paid[wallet] = paid.get(wallet, 0) + lamports
            if self.count <= KEPT:
                self._top_bound = sum(heapq.nlargest(count, paid.values()))
                return self._top_bound
            for wallet, step in self.buyers.items():
                self.buyers[wallet] = paid[wallet] << STEP_BITS | step
            self._largest = {}
        found = heapq.nlargest(count, self._largest.values())
        if len(found) < min(count, len(self.buyers)) or len(self._largest) > 4 * KEPT:
            found = self._keep_largest()[:count]
        self._top_bound = sum(found)
        return self._top_bound

    def _keep_largest(self) -> list[int]:
        # Of equals the newest, since they stay longest.
        newest_first = (
            (wallet, self.buyers[wallet] >> STEP_BITS) for wallet in reversed(self.buyers)
        )
        kept = heapq.nlargest(KEPT, newest_first, key=lambda one: one[1])
        self._largest = dict(kept)
        self._floor = kept[-1][1] if len(kept) == KEPT else 0
        return [paid for _, paid in kept]

    def rest(self) -> None:
        """Keep no sums that nobody asked for since the last call, and no maps that are mostly air.

        A dict that gains and loses keys grows to six times what it holds.
        """
        if self._largest is not None and not self._asked:
            self._largest = None
            for wallet, known in self.buyers.items():
                self.buyers[wallet] = known % STEPS_MOD
        self._asked = False
        if getsizeof(self.buyers) > AIRY_BYTES * (len(self.buyers) + KEPT):
            self.buyers = {**self.buyers}
        if getsizeof(self.sellers) > AIRY_BYTES * (len(self.sellers) + KEPT):
            self.sellers = {**self.sellers}
