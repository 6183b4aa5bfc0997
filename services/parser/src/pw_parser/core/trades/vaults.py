"""A program's vault that trades with a pool, where no instruction or event names its user.

Both are accounts of programs, and each mirrors the other. Two things tell them apart: on a
route the trader takes part in every exchange and each pool in one; and a trader holds its
tokens in associated accounts, while most pools open accounts of their own. Where both or
neither do, nobody is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from solders.pubkey import Pubkey

from pw_parser.core.balances.amounts import public_key
from pw_parser.core.balances.context import Context, Leg
from pw_parser.core.balances.owners import ASSOCIATED_PROGRAM
from pw_parser.core.balances.wallets import is_wallet
from pw_parser.core.calls.shape import Shape
from pw_parser.core.decode.programs import TOKEN_PROGRAMS
from pw_parser.core.trades.traders import legs_of_owner

# A vault and the pools of a route. Deriving an address costs tens of microseconds.
CANDIDATES_MIN: Final = 2
CANDIDATES_MAX: Final = 4


def vault_legs(context: Context, shaped: Callable[[], Shape]) -> list[Leg]:
    """The trade of the one program's account that is no pool; empty where that is not certain."""
    found = {
        owner: legs
        for owner, changes in context.balances.base.items()
        if owner
        and any(changes.values())
        and owner not in context.signers
        and not is_wallet(owner)
        and (legs := legs_of_owner(context, owner))
    }
    if not CANDIDATES_MIN <= len(found) <= CANDIDATES_MAX:
        return []
    trader = _in_most_hops(shaped(), found) or _with_associated_accounts(context, found)
    if trader is None:
        return []
    return [
        leg._replace(reasons=(*leg.reasons, "not_signer", "program_vault")) for leg in found[trader]
    ]


def _in_most_hops(shape: Shape, candidates: dict[str, list[Leg]]) -> str | None:
    """Who took part in several hops, and in more of them than any other."""
    counts: Counter[str] = Counter()
    for moves in shape.moves:
        counts.update({end for move in moves for end in move[:2]} & candidates.keys())
    first, second = (*counts.most_common(2), ("", 0), ("", 0))[:2]
    return first[0] if first[1] > max(1, second[1]) else None


def _with_associated_accounts(context: Context, candidates: dict[str, list[Leg]]) -> str | None:
    """The one candidate that holds all that it traded in associated accounts."""
    named = [owner for owner, legs in candidates.items() if _is_associated(context, owner, legs)]
    return named[0] if len(named) == 1 else None


def _is_associated(context: Context, owner: str, legs: list[Leg]) -> bool:
    return all(
        any(
            context.view.keys[token.account_index] == _associated(owner, token.mint, program)
            for token in context.view.tokens
            if token.owner == owner and token.mint == leg.mint
            for program in TOKEN_PROGRAMS
        )
        for leg in legs
    )


def _associated(owner: str, mint: str, program: bytes) -> bytes:
    seeds = [bytes(public_key(owner)), program, bytes(public_key(mint))]
    derived, _ = Pubkey.find_program_address(seeds, ASSOCIATED_PROGRAM)
    return bytes(derived)
