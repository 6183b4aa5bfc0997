"""Prices from the stream itself: what SOL is worth in dollars, and what a token is in SOL."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from pw_common.messages import QuoteTrade

# A minute of slots: what SOL is worth is read from these, the one under way left out.
PRICE_SLOTS: Final = 150
# However slow the chain is, an older price is none.
PRICE_MS: Final = 600_000
LAMPORTS_PER_SOL: Final = 10**9


class SolPrice:
    """SOL against the dollar: the volume-weighted median of the last slots' averages."""

    def __init__(self) -> None:
        # (event time, lamports, micro-dollars) of each slot.
        self._slots: deque[tuple[int, int, int]] = deque(maxlen=PRICE_SLOTS)
        # (lamports, micro-dollars) of the median, None while no slot told a price.
        self._price: tuple[int, int] | None = None

    def close_slot(self, quotes: Iterable[QuoteTrade], event_time_ms: int) -> None:
        """Take a closed slot's trades of SOL; from the next slot on they count."""
        trades = list(quotes)
        sol_raw = sum(trade.sol_amount_raw for trade in trades)
        usd_raw = sum(trade.usd_amount_raw for trade in trades)
        self._slots.append((event_time_ms, sol_raw, usd_raw))
        while self._slots[0][0] <= event_time_ms - PRICE_MS:
            self._slots.popleft()
        told = [(sol, usd) for _, sol, usd in self._slots if sol and usd]
        self._price = _median(told) if told else None

    def lamports(self, usd_raw: int) -> int | None:
        """What micro-dollars are worth, None where the stream tells no price."""
        if self._price is None:
            return None
        sol_raw, price_usd_raw = self._price
        return usd_raw * sol_raw // price_usd_raw


def _median(told: list[tuple[int, int]]) -> tuple[int, int]:
    told.sort(key=lambda pair: Fraction(pair[1], pair[0]))
    total = sum(sol for sol, _ in told)
    passed = 0
    for sol, usd in told:
        passed += sol
        if 2 * passed >= total:
            return sol, usd
    return told[-1]


def weighted_median(pairs: list[tuple[int, int]]) -> Fraction | None:
    """Median of value/amount over (value, amount) pairs, weighted by value; None of nothing."""
    told = [(value, amount) for value, amount in pairs if value and amount]
    if not told:
        return None
    told.sort(key=lambda pair: Fraction(pair[0], pair[1]))
    total = sum(value for value, _ in told)
    passed = 0
    for value, amount in told:
        passed += value
        if 2 * passed >= total:
            return Fraction(value, amount)
    raise AssertionError("the weights add up to their total")
