"""Prices from the stream itself: what SOL is worth in dollars, and what a token is in SOL."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from pw_common.wire.messages import QuoteTrade

# A minute of slots: what SOL is worth is read from these, the one under way left out.
PRICE_SLOTS: Final = 150
# However slow the chain is, an older price is none.
PRICE_MS: Final = 600_000
LAMPORTS_PER_SOL: Final = 10**9


class SolPrice:
    """SOL against the dollar: the volume-weighted median of the last slots' averages."""

    def __init__(self) -> None:
        # (event time, lamports, micro-dollars) of each slot.
        self._slots: deque[tuple[int, int, int]] = deque()
        # (price, lamports, micro-dollars) of those that gave one, in the order of the price.
        self._priced: list[tuple[Fraction, int, int]] = []
        self._lamports = 0
        # (lamports, micro-dollars) of the median; None until somebody asks.
        self._price: tuple[int, int] | None = None

    def close_slot(self, quotes: Iterable[QuoteTrade], event_time_ms: int) -> None:
        """Take a closed slot's trades of SOL; from the next slot on they count."""
        trades = list(quotes)
        sol_raw = sum(trade.sol_amount_raw for trade in trades)
        usd_raw = sum(trade.usd_amount_raw for trade in trades)
        self._slots.append((event_time_ms, sol_raw, usd_raw))
        if sol_raw and usd_raw:
            insort(self._priced, (Fraction(usd_raw, sol_raw), sol_raw, usd_raw))
            self._lamports += sol_raw
            self._price = None
        while len(self._slots) > PRICE_SLOTS or self._slots[0][0] <= event_time_ms - PRICE_MS:
            self._forget(*self._slots.popleft()[1:])

    def lamports(self, usd_raw: int) -> int | None:
        """What micro-dollars are worth, None where the stream gives no price."""
        if self._price is None:
            if not self._priced:
                return None
            self._price = self._median()
        sol_raw, price_usd_raw = self._price
        return usd_raw * sol_raw // price_usd_raw

    def _forget(self, sol_raw: int, usd_raw: int) -> None:
        if sol_raw and usd_raw:
            priced = (Fraction(usd_raw, sol_raw), sol_raw, usd_raw)
            del self._priced[bisect_left(self._priced, priced)]
            self._lamports -= sol_raw
            self._price = None

    def _median(self) -> tuple[int, int]:
        passed = 0
        for _, sol, usd in self._priced:
            passed += sol
            if 2 * passed >= self._lamports:
                return sol, usd
        raise AssertionError("the weights add up to their total")


def weighted_median(pairs: list[tuple[int, int]]) -> Fraction | None:
    """Median of value/amount over (value, amount) pairs, weighted by value; None of nothing."""
    priced = [(value, amount) for value, amount in pairs if value and amount]
    if not priced:
        return None
    # Quotients of these differ by more than one in as many bits, so whole parts are in order.
    bits = 2 * max(amount for _, amount in priced).bit_length()
    priced.sort(key=lambda pair: (pair[0] << bits) // pair[1])
    total = sum(value for value, _ in priced)
    passed = 0
    for value, amount in priced:
        passed += value
        if 2 * passed >= total:
            return Fraction(value, amount)
    raise AssertionError("the weights add up to their total")
