"""Why a swap reads as it does: every reason by name, what it costs in confidence, and a sentence.

Confidence is 1 less the penalties of a swap's reasons, at least 0. Reasons without a penalty
only explain an amount.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

# Few sets of reasons occur, again and again.
REASONS_CACHE_SIZE: Final = 1_024


class Reason(NamedTuple):
    """A penalty of 0..1 and one sentence for the person who reads it."""

    penalty: float
    sentence: str


REASONS: Final[dict[str, Reason]] = {
    "network_fee": Reason(0.0, "The network and priority fee was taken out of the SOL."),
    "tip": Reason(0.0, "A tip to a known tip account was taken out of the SOL."),
    "rent_paid": Reason(0.0, "Rent of accounts that were opened was taken out of the SOL."),
    "rent_returned": Reason(0.0, "Rent of accounts that were closed was taken out of the SOL."),
    "sent_beside": Reason(0.0, "SOL sent beside the trade (a fee, tip or gift) was taken out."),
    "received_beside": Reason(0.0, "SOL received beside the trade was taken out."),
    "token_to_token": Reason(0.0, "A token was paid with a token: both legs are given."),
    "keeper_paid": Reason(0.0, "Somebody else paid the fee: a keeper or relayer sent it."),
    "owner_derived": Reason(0.1, "Old metadata names no owners; they were derived."),
    "quote_from_pool": Reason(0.1, "Fees or rent drown the price; the pool's side gives it."),
    "quote_from_event": Reason(0.1, "Balances leave the price open; the venue's event states it."),
    "no_quote_value": Reason(0.2, "No quote says what the trade was worth."),
    "not_signer": Reason(0.2, "The trader did not sign: the order was placed before."),
    "gifted": Reason(0.1, "Another wallet paid for it: anybody can do that for anybody."),
    "by_delegate": Reason(
        0.15, "A delegate sold it without the owner: a mint can name one for every account."
    ),
    "program_vault": Reason(0.3, "The trader is a program's account: a bot's vault."),
    "from_escrow": Reason(0.0, "A program's account gave the token for the wallet that was paid."),
    "paid_by_another": Reason(0.1, "An escrow or another wallet paid; the price is what it paid."),
    "stable_coin": Reason(0.0, "The token is a dollar itself: a payment in it is no purchase."),
    "venue_unlisted": Reason(0.0, "A program that is not listed exchanged it; its id is shown."),
    "route_unlisted": Reason(0.1, "No listed venue, and no single pool took both sides."),
    "sides_apart": Reason(
        0.35,
        "No account of the unlisted program took both sides: a deposit that pays out does too.",
    ),
    "like_rent": Reason(
        0.35, "No more SOL moved than an account's rent, which a refund or a fee would be too."
    ),
    "venue_unknown": Reason(0.3, "Only a router was recognised, no venue below it."),
    "event_agrees": Reason(0.0, "The venue's own event states the same amounts."),
    "event_disagrees": Reason(0.3, "The venue's own event states other amounts."),
}


@lru_cache(maxsize=REASONS_CACHE_SIZE)
def confidence(reasons: tuple[str, ...]) -> float:
    """1 less the penalties, rounded to hundredths, at least 0. Raises KeyError if undeclared."""
    return round(max(0.0, 1.0 - sum(REASONS[reason].penalty for reason in reasons)), 2)
