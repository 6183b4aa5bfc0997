"""What wallets hand each other beside a trade: tokens that no exchange moved.

A sender may add such transfers for nothing. Left in the balances they would replace the price of
a trade, make a trade of an exchange of quotes, or hide who bought.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pw_parser.core.balances.amounts import Balances
from pw_parser.core.balances.wallets import is_wallet, signers_of
from pw_parser.core.calls.beside import RENT_LAMPORTS_MAX
from pw_parser.core.calls.ledger import Handed
from pw_parser.core.calls.shape import NATIVE, Move, Shape
from pw_parser.core.decode.programs import QUOTE_MINTS
from pw_parser.core.decode.transaction import View


def without_handed(view: View, balances: Balances, handed: Iterable[Handed]) -> None:
    """Take out of the balances what outer instructions moved from one wallet to another."""
    tokens = {token.account_index: token for token in view.tokens}
    signers = signers_of(view)
    for source, destination, raw in handed:
        given, got = tokens.get(source), tokens.get(destination)
        if given is not None and got is not None:
            _take_out(view, balances, signers, (given.owner, got.owner, given.mint, raw))


def without_passed(view: View, balances: Balances, shape: Shape) -> None:
    """The same for what programs moved between wallets, of tokens that no exchange moved."""
    exchanged = {mint for hop in shape.hops for mint in hop.mints}
    signers = signers_of(view)
    # The first are those of outer instructions, which `without_handed` has seen.
    for moves in shape.beside[1:]:
        for move in moves:
            if move[2] not in exchanged and move[2] != NATIVE:
                _take_out(view, balances, signers, move)


def _take_out(view: View, balances: Balances, signers: Sequence[str], move: Move) -> None:
    source, destination, mint, raw = move
    if source == destination or not source or not destination:
        return
    if not all(owner in signers or is_wallet(owner) for owner in (source, destination)):
        return
    side = balances.quote if mint in QUOTE_MINTS else balances.base
    gave, got = side.get(source, {}), side.get(destination, {})
    if mint not in gave or mint not in got:
        return
    if mint not in QUOTE_MINTS and not got[mint]:
        # A keeper that sells for an owner what it was handed: the trade is the owner's.
        return
    if mint not in QUOTE_MINTS and not gave[mint] and not _paid(view, balances, signers, source):
        # A keeper that hands on what it filled an order with.
        return
    gave[mint] += raw
    got[mint] -= raw


def _paid(view: View, balances: Balances, signers: Sequence[str], owner: str) -> bool:
    """Whether an owner gave anything of its own, be it more SOL than accounts cost."""
    changes = (balances.quote.get(owner, {}), balances.base.get(owner, {}))
    if any(raw < 0 for one in changes for raw in one.values()):
        return True
    if owner not in signers:
        return False
    at = signers.index(owner)
    return view.pre_lamports[at] - view.post_lamports[at] > RENT_LAMPORTS_MAX
