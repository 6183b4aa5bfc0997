"""Profit of one wallet in one token, first in first out: pure, exact, and honest about gaps.

Theory. Each buy opens a lot: so many raw tokens for so much quote. A sell closes the oldest lots
first. What is sold beyond all lots came from somewhere that was not seen (a transfer, an airdrop,
a buy before what is kept): its cost is unknown, and so is the profit of that part. Amounts are
whole raw units; a part of a lot costs its share of the lot, rounded down, and what is left keeps
the rest, so that no unit is lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Trade(NamedTuple):
    """One trade of the wallet, in chain order. `quote_raw` is None where it is not known."""

    side: Literal["buy", "sell"]
    base_raw: int
    quote_raw: int | None


class _Lot:
    __slots__ = ("base_raw", "cost_raw")

    def __init__(self, base_raw: int, cost_raw: int | None) -> None:
        self.base_raw = base_raw
        self.cost_raw = cost_raw

    def take(self, base_raw: int) -> int | None:
        """What this part of the lot cost, None where that is unknown."""
        if self.cost_raw is None:
            self.base_raw -= base_raw
            return None
        cost_raw = self.cost_raw * base_raw // self.base_raw
        self.base_raw -= base_raw
        self.cost_raw -= cost_raw
        return cost_raw


@dataclass(frozen=True)
class Profit:
    """In raw quote and raw tokens.

    `realized_raw` is of the tokens sold whose cost and price are known, `unknown_sold_raw` how
    many were sold without that. `held_raw` are bought and not sold, `held_cost_raw` what those of
    known cost did cost, `held_unknown_raw` those of unknown cost.
    """

    realized_raw: int = 0
    cost_of_sold_raw: int = 0
    unknown_sold_raw: int = 0
    held_raw: int = 0
    held_cost_raw: int = 0
    held_unknown_raw: int = 0


def profit_of(trades: Iterable[Trade]) -> Profit:
    """The profit after these trades."""
    lots: deque[_Lot] = deque()
    realized = cost_of_sold = unknown_sold = 0
    for trade in trades:
        if trade.base_raw <= 0:
            continue
        if trade.side == "buy":
            lots.append(_Lot(trade.base_raw, trade.quote_raw))
            continue
        known_base, known_cost = _sell(lots, trade.base_raw)
        if trade.quote_raw is None:
            known_base = 0
        unknown_sold += trade.base_raw - known_base
        if known_base:
            assert trade.quote_raw is not None
            realized += trade.quote_raw * known_base // trade.base_raw - known_cost
            cost_of_sold += known_cost
    held_known = [lot for lot in lots if lot.cost_raw is not None]
    return Profit(
        realized_raw=realized,
        cost_of_sold_raw=cost_of_sold,
        unknown_sold_raw=unknown_sold,
        held_raw=sum(lot.base_raw for lot in lots),
        held_cost_raw=sum(lot.cost_raw or 0 for lot in held_known),
        held_unknown_raw=sum(lot.base_raw for lot in lots if lot.cost_raw is None),
    )


def _sell(lots: deque[_Lot], base_raw: int) -> tuple[int, int]:
    """Close the oldest lots; how many tokens of known cost that were, and what they cost."""
    known_base = known_cost = 0
    left = base_raw
    while left and lots:
        part = min(left, lots[0].base_raw)
        cost_raw = lots[0].take(part)
        left -= part
        if cost_raw is not None:
            known_base += part
            known_cost += cost_raw
        if not lots[0].base_raw:
            lots.popleft()
    return known_base, known_cost
