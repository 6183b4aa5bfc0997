"""One transaction as the rules of trades see it: who gained and lost what, and who signed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from solders.signature import Signature

from pw_parser.core.balances.amounts import (
    Balances,
    account_indexes,
    add_lamports,
    token_changes,
)
from pw_parser.core.balances.handed import without_handed
from pw_parser.core.balances.owners import with_owners
from pw_parser.core.balances.wallets import signers_of
from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.decode.programs import QUOTE_MINTS
from pw_parser.core.decode.transaction import View

# Every event of a transaction names it.
SIGNATURE_CACHE_SIZE: Final = 8


class Leg(NamedTuple):
    """One trader's net trade of one mint by the balances, before identity and order are known.

    `base_raw` is positive for a buy. Both quote fields are None where the balances cannot tell.
    """

    trader: str
    mint: str
    base_raw: int
    quote_mint: str | None
    quote_raw: int | None
    reasons: tuple[str, ...]


class Context(NamedTuple):
    """One transaction as the rules below see it; `indexes` maps an owner to its account."""

    view: View
    ledger: Ledger
    balances: Balances
    signers: tuple[str, ...]
    indexes: dict[str, int]
    owners_derived: bool


def context_of(ledger: Ledger) -> Context | None:
    """Who gained and lost what; None where no token changed hands."""
    given = ledger.view
    for _, mint, _, _, pre_raw, post_raw, _ in given.tokens:
        if pre_raw != post_raw and mint not in QUOTE_MINTS:
            break
    else:
        # Prices that makers set, orders and fees: most of what some venues run.
        return None
    view = with_owners(given)
    balances = token_changes(view)
    if ledger.handed:
        without_handed(view, balances, ledger.handed)
    if not any(any(changes.values()) for changes in balances.base.values()):
        return None
    signers = signers_of(view)
    owners = [owner for owner in balances.base if owner and owner not in signers]
    indexes = account_indexes(view, owners)
    indexes.update({signer: index for index, signer in enumerate(signers)})
    add_lamports(balances, view, ledger, indexes)
    return Context(view, ledger, balances, signers, indexes, owners_derived=view is not given)


@lru_cache(maxsize=SIGNATURE_CACHE_SIZE)
def signature_text(signature: bytes) -> str:
    """Base58 of a 64 byte signature."""
    return str(Signature.from_bytes(signature))
