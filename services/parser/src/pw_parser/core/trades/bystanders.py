"""Bystanders: strangers who move the same token in the transaction of a trade.

A sender can add transfers to a transaction for free. Where many owners moved a token and no
signer's own balances show the trade, only these count: those who took part in an exchange, those
who passed the token to or from them, and those whose tokens were minted or burned by the
instruction that exchanged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from pw_parser.core.balances.context import Context
from pw_parser.core.calls.shape import Shape

# A trader and a pool, and two who stand by.
CROWD_MIN: Final = 4


def without_bystanders(context: Context, shaped: Callable[[], Shape]) -> Context:
    """The context without the tokens of those who took no part in any exchange."""
    crowded, signers = _crowded_mints(context), context.signers
    if not crowded or context.owners_derived:
        return context
    shape = shaped()
    if not shape.hops:
        return context
    present = {mint: shape.connected(mint) for mint in crowded}
    kept = {
        owner: {
            mint: raw
            for mint, raw in changes.items()
            if mint not in crowded or not owner or owner in present[mint] or owner in signers
        }
        for owner, changes in context.balances.base.items()
    }
    if kept == context.balances.base:
        return context
    return context._replace(balances=context.balances._replace(base=kept))


def _crowded_mints(context: Context) -> set[str]:
    """The mints that enough owners moved."""
    moved: Counter[str] = Counter()
    base = context.balances.base
    if len(base) < CROWD_MIN:
        return set()
    for changes in base.values():
        for mint, raw in changes.items():
            if raw:
                moved[mint] += 1
    return {mint for mint, count in moved.items() if count >= CROWD_MIN}
