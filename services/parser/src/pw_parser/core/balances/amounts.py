"""Net changes per owner: what each wallet or pool gained and lost, SOL and WSOL as one.

Amounts are raw units, positive for a gain. SOL excludes what the ledger says was
beside the trade (network fee, tips, rent, gifts).
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from solders.pubkey import Pubkey

from pw_parser.core.calls.ledger import Ledger
from pw_parser.core.decode.programs import QUOTE_MINTS, SOL_MINT
from pw_parser.core.decode.transaction import Malformed, View

Changes: TypeAlias = dict[str, int]
KEY_CACHE_SIZE: Final = 16_384


class Balances(NamedTuple):
    """`base[owner][mint]` and `quote[owner][mint]` net changes; zero changes are kept.

    `decimals` by mint. NFTs (one unit without decimals) are left out. Owners are base58;
    an account without owner metadata belongs to the owner named "" and never trades.
    """

    base: dict[str, Changes]
    quote: dict[str, Changes]
    decimals: dict[str, int]


def token_changes(view: View) -> Balances:
    """Sum token account changes by owner and mint; SOL still without lamports."""
    base: defaultdict[str, Changes] = defaultdict(dict)
    quote: defaultdict[str, Changes] = defaultdict(dict)
    decimals: dict[str, int] = {}
    for _, mint, owner, places, pre_raw, post_raw, _existed in view.tokens:
        decimals[mint] = places
        if places == 0 and -1 <= post_raw - pre_raw <= 1:
            # A single indivisible unit is a picture or a domain, whatever was paid for it.
            continue
        changes = quote[owner] if mint in QUOTE_MINTS else base[owner]
        changes[mint] = changes.get(mint, 0) + post_raw - pre_raw
    return Balances(dict(base), dict(quote), decimals)


def add_lamports(balances: Balances, view: View, ledger: Ledger, owners: dict[str, int]) -> None:
    """Add each owner's own lamports, beside-the-trade SOL taken out, to its SOL change.

    `owners` maps an owner to its account index in this transaction.
    """
    for owner, index in owners.items():
        moved = view.post_lamports[index] - view.pre_lamports[index]
        change = moved - ledger.beside_lamports.get(index, 0)
        if index >= view.signer_count and change < 0:
            # Who did not sign paid no SOL: at most its program did.
            change = max(change, min(0, moved))
        changes = balances.quote.setdefault(owner, {})
        changes[SOL_MINT] = changes.get(SOL_MINT, 0) + change


def account_indexes(view: View, owners: list[str]) -> dict[str, int]:
    """Where each owner stands among the accounts of the transaction, if it does.

    Raises:
        Malformed: an owner that is not a base58 public key.
    """
    positions = dict(zip(view.keys, range(len(view.keys)), strict=True))
    found: dict[str, int] = {}
    for owner in owners:
        index = positions.get(_key_of(owner))
        if index is not None:
            found[owner] = index
    return found


@lru_cache(maxsize=KEY_CACHE_SIZE)
def _key_of(owner: str) -> bytes:
    """Pools and bots come again and again."""
    return bytes(public_key(owner))


@lru_cache(maxsize=KEY_CACHE_SIZE)
def public_key(text: str) -> Pubkey:
    """Raises Malformed for anything but a base58 public key."""
    try:
        return Pubkey.from_string(text)
    except ValueError as error:
        raise Malformed(f"{text[:60]!r} is not a public key") from error
