"""What only went through: the dust that a route or arbitrage leaves is no trade.

A sender can move a token back and forth between accounts, so the volume alone proves little: only
accounts that exchanged something count, and the owner must not have lost much on the way.
"""

from __future__ import annotations

from typing import Final

from pw_parser.core.balances.context import Context
from pw_parser.core.balances.wallets import is_wallet

# Less than this part of what programs both gave and took is what a route or arbitrage keeps.
DUST_DIVISOR: Final = 50
# One account gave and one took.
MOVED_THROUGH_MIN: Final = 2
# A pool's change and its trader's are apart by a fee.
MET_DIVISOR: Final = 33


def passed_through(context: Context, mint: str, raw: int) -> bool:
    """Whether a change is only what is left of a token that programs both gave and took.

    The middle of a route leaves such dust, and so does arbitrage that keeps its profit in the
    token. Wallets do not count: several may trade one token in one transaction.
    """
    if abs(raw) * DUST_DIVISOR > min(gross(context, mint)):
        return False
    if abs(raw) * DUST_DIVISOR > min(gross(context, mint, exchanged=True)):
        return False
    return not met_by(context, mint, raw)


def met_by(context: Context, mint: str, raw: int) -> list[str]:
    """The programs of which one account moved just what an owner did, against something else.

    Then that was a trade, whatever else went through. On a route no account is so near the rest.
    """
    return [
        owner
        for _, token_mint, owner, _, pre_raw, post_raw, _ in context.view.tokens
        if owner
        and token_mint == mint
        and (post_raw - pre_raw) * raw < 0
        and abs(post_raw - pre_raw + raw) * MET_DIVISOR <= abs(raw)
        and owner not in context.signers
        and not is_wallet(owner)
        and any(
            (change * raw) > 0
            for changes in (context.balances.quote, context.balances.base)
            for other, change in changes.get(owner, {}).items()
            if other != mint
        )
    ]


def ended_far_below(context: Context, opposed: tuple[str, int] | None) -> bool:
    """Whether what an owner gave or got for dust is too much to be the cost of a route.

    Arbitrage ends a little below what went through it; who ends far below paid for the token.
    """
    return opposed is not None and not is_little(context, *opposed)


def is_little(context: Context, mint: str, raw: int, through_raw: int = 0) -> bool:
    """Whether an amount of a quote is dust beside what programs gave and took of it.

    `through_raw` is what calls show of the latter.
    """
    return raw * DUST_DIVISOR <= max(through_raw, min(gross(context, mint)))


def gross(context: Context, mint: str, *, exchanged: bool = False) -> tuple[int, int]:
    """What accounts of programs together gave and took of a mint.

    By account, not by owner: some venues hold all their pools under one authority. With
    `exchanged`, owners that moved nothing else do not count: a token that only passes from one
    account of a program to another hides no trade.
    """
    given_raw = taken_raw = moved = 0
    signers = context.signers
    movers = _movers_of_others(context, mint) if exchanged else frozenset()
    for _, token_mint, owner, _, pre_raw, post_raw, _ in context.view.tokens:
        if token_mint != mint or post_raw == pre_raw or not owner:
            continue
        moved += 1
        if owner in signers or is_wallet(owner):
            continue
        if exchanged and owner not in movers:
            continue
        if post_raw > pre_raw:
            taken_raw += post_raw - pre_raw
        else:
            given_raw += pre_raw - post_raw
    return (given_raw, taken_raw) if moved >= MOVED_THROUGH_MIN else (0, 0)


def _movers_of_others(context: Context, mint: str) -> frozenset[str]:
    """The owners of which an account gave or got something else, be it lamports."""
    view = context.view
    movers = {
        token.owner
        for token in view.tokens
        if token.mint != mint and token.pre_raw != token.post_raw
    }
    movers |= {
        owner
        for owner, index in context.indexes.items()
        if view.pre_lamports[index] != view.post_lamports[index]
    }
    return frozenset(movers)
