"""What a trade cost where its trader did not pay: an escrow did, or the wallet that signed."""

from __future__ import annotations

from typing import Final

from pw_parser.core.balances.amounts import Changes
from pw_parser.core.balances.context import Context, Leg
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.decode.programs import DOLLARS
from pw_parser.core.trades.stated import PRICED_ELSEWHERE
from pw_parser.core.trades.traders import opposed_quote

# Programs must have got more than half of what was paid; the rest are fees.
TAKEN_MIN: Final = 2


def paid_by_another(context: Context, leg: Leg) -> Leg:
    """A purchase at what was paid for it, where the pools show another quote or none.

    The last pool of a route shows the route's middle, and a keeper's spread hides the price;
    the account that paid and got nothing shows both. Where the pool got that very quote, its
    amount stays.
    """
    if leg.base_raw <= 0 or not PRICED_ELSEWHERE.intersection(leg.reasons):
        return leg
    paid = opposed_quote(_paid(context, leg.trader), leg.base_raw)
    if paid is None or (paid[0] == leg.quote_mint and leg.quote_raw is not None):
        return leg
    mint, paid_raw = paid
    taken_raw = _taken(context, mint)
    if taken_raw * TAKEN_MIN < paid_raw:
        return leg
    reasons = tuple(reason for reason in leg.reasons if reason not in PRICED_ELSEWHERE)
    return leg._replace(
        quote_mint=mint,
        quote_raw=min(paid_raw, taken_raw),
        reasons=(*reasons, "paid_by_another"),
    )


def _paid(context: Context, trader: str) -> Changes:
    """What others gave in quotes and other dollars, and got nothing for."""
    paid: Changes = {}
    balances = context.balances
    for owner, quotes in balances.quote.items():
        changes = {mint: raw for mint, raw in balances.base.get(owner, {}).items() if raw}
        if not owner or owner == trader or changes.keys() - DOLLARS:
            continue
        changes.update({mint: raw for mint, raw in quotes.items() if raw})
        if changes and max(changes.values()) < 0:
            for mint, raw in changes.items():
                paid[mint] = paid.get(mint, 0) + raw
    return paid


def _taken(context: Context, mint: str) -> int:
    """What accounts of programs gained of a mint."""
    side = context.balances.base if mint in DOLLARS else context.balances.quote
    return sum(
        raw
        for owner, changes in side.items()
        if (raw := changes.get(mint, 0)) > 0
        and owner
        and owner not in context.signers
        and not is_wallet(owner)
    )
