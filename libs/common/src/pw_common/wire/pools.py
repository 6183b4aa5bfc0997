"""What venues state of their pools: the event `pool.v1`, one of those in a batch."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

PoolChange: TypeAlias = Literal[
    "trade", "created", "added", "removed", "burned", "completed", "migrated"
]


class PoolEvent(msgspec.Struct, frozen=True, kw_only=True, tag="pool.v1", omit_defaults=True):
    """What happened to a pool, as its venue stated it.

    `what` is a trade (for the reserves after it), liquidity `added` or `removed`, a pool
    `created`, a curve `completed` or `migrated` to the pool `to`, or tokens `burned` by their
    holder (`mint_a`, `amount_a_raw`), which may be shares of a pool: `lp_mint` of a pool that
    was created tells. `a` is the base where a venue has one. Amounts are positive raw units;
    reserves are those after the change, null where the venue does not state them. `virtual`
    reserves are what a bonding curve computes its price from.
    """

    signature: str
    ordinal: int
    slot: int
    index: int
    what: PoolChange
    venue: str = ""
    pool: str = ""
    mint_a: str | None = None
    mint_b: str | None = None
    amount_a_raw: int | None = None
    amount_b_raw: int | None = None
    reserve_a_raw: int | None = None
    reserve_b_raw: int | None = None
    virtual_a_raw: int | None = None
    virtual_b_raw: int | None = None
    shares_raw: int | None = None
    lp_mint: str = ""
    user: str = ""
    to: str = ""
