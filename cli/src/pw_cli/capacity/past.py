"""What history keeps of a rate of swaps, from measured sizes. Pure."""

from __future__ import annotations

import math
from typing import Final

import msgspec

# Bytes a swap on disk, all of `python bench/bench_history.py`, whose texts are as random as real
# ones: a swap in the file; its share of minutes and wallets' hours; and in Parquet. The file has a
# quarter more than its rows need, from which what is forgotten makes room for what comes.
SWAP_BYTES: Final = 190
DERIVED_BYTES: Final = 90
PARQUET_BYTES: Final = 137
HOURS: Final = 24
DAYS: Final = 30
PARQUET_HOURS: Final = 24 * 30


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that history keeps: how long, and what it comes to."""

    what: str
    hours: int
    held_bytes: int
    setting: str


def kept(swaps_s: float) -> tuple[Kept, ...]:
    """What history's folder will hold as it is shipped.

    Args:
        swaps_s: Swaps a second, on average.
    """
    each = (
        ("swaps", HOURS, SWAP_BYTES, f"PW_HISTORY_HOURS={HOURS}"),
        ("candles, wallets", 24 * DAYS, DERIVED_BYTES, f"PW_HISTORY_DAYS={DAYS}"),
        ("Parquet", PARQUET_HOURS, PARQUET_BYTES, f"PW_HISTORY_PARQUET_HOURS={PARQUET_HOURS}"),
    )
    return tuple(
        Kept(
            what=what,
            hours=hours,
            held_bytes=math.ceil(swaps_s * 3600 * hours * bytes_each),
            setting=setting,
        )
        for what, hours, bytes_each, setting in each
    )
