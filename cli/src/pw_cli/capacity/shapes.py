"""What each subscription brings, as measured on whole blocks. Pure.

The blocks are the three whole ones of PW_CORPUS_DIR (2024 and 2025, votes and failures included);
the bytes and shares are checked against them by `pytest cli/tests/test_shapes.py`. Blocks differ:
of all but votes, 31 to 80 % succeeded, so a rate is right within a factor of two.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from pw_common.wire.coverage import ALL, ALL_NON_VOTE, PROGRAMS, SUCCESSFUL, TOKEN_PROGRAMS

# Mainnet without votes, failures included: 1,303 a second was the mean of the first quarter of
# 2026, 1,713 that of its fullest day (Messari; docs/adr/0021-subscription.md).
MAINNET_TPS: Final = 1_500
# A busy minute against the mean: the exchange feed was planned for 3,000 a second, its mean is
# below 1,000.
PEAK: Final = 3
MONTH_S: Final = 30 * 86_400


class Shape(NamedTuple):
    """One transaction of a subscription, on average, and how many there are.

    `share` is of all transactions but votes. `raw_bytes` as the source sends it, `zstd_bytes` its
    part of a full body in PW_TX, `batch_bytes` its part of the batch in PW_SWAP.
    """

    share: float
    raw_bytes: int
    zstd_bytes: int
    batch_bytes: int
    swaps: float
    sees: str


SHAPES: Final = {
    SUCCESSFUL: Shape(0.52, 3_920, 915, 82, 0.24, "every venue, every SOL transfer"),
    TOKEN_PROGRAMS: Shape(0.31, 5_510, 1_140, 118, 0.40, "every venue; SOL beside tokens only"),
    PROGRAMS: Shape(0.24, 5_660, 1_085, 143, 0.52, "venues of the list, routes through them"),
    ALL_NON_VOTE: Shape(1.0, 4_890, 1_065, 49, 0.125, "as successful, and what failed"),
    ALL: Shape(1.74, 3_080, 725, 32, 0.072, "everything, votes too"),
}


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription at mainnet's mean: transactions and bytes a second, and what a month adds."""

    programs: str
    sees: str
    tps: int
    mb_s: float
    tb_month: float


def feeds() -> tuple[Feed, ...]:
    """Every subscription, the default first."""
    return tuple(_feed(name, shape) for name, shape in SHAPES.items())


def mean_tps(programs: str) -> float:
    """Transactions a second of a subscription, at mainnet's mean."""
    return MAINNET_TPS * SHAPES[programs].share


def markdown() -> str:
    """The feeds as the README shows them."""
    rows = ["| `PW_INGEST_PROGRAMS` | sees | tx/s | MB/s | TB a month |", "|---|---|--:|--:|--:|"]
    rows += [
        f"| `{one.programs}` | {one.sees} | {one.tps:,} | {one.mb_s:.1f} | {one.tb_month:.1f} |"
        for one in feeds()
    ]
    return "\n".join(rows)


def _feed(name: str, shape: Shape) -> Feed:
    bytes_s = mean_tps(name) * shape.raw_bytes
    return Feed(
        programs=name,
        sees=shape.sees,
        tps=10 * round(mean_tps(name) / 10),
        mb_s=round(bytes_s / 1e6, 1),
        tb_month=round(bytes_s * MONTH_S / 1e12, 1),
    )
