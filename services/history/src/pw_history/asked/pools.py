"""A token's pools as they were last, and what they held around a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pw_common.wire.history import ROWS_MAX, SOL_MINT, Pool, PoolsAsked
from pw_history.asked.reader import Reader
from pw_history.store.pools import NEWEST

OF_MINT: Final = "(mint_a = $mint OR mint_b = $mint)"


def pools_of(reader: Reader, asked: PoolsAsked) -> Iterator[Pool]:
    """A token's pools as they were last, those that changed last first."""
    rows = reader.rows(
        f"""
        WITH last AS (
            FROM pool_minutes WHERE {OF_MINT}
            QUALIFY row_number() OVER (
                PARTITION BY pool ORDER BY slot DESC, tx_index DESC, ordinal DESC) = 1
        ), changed AS (
            SELECT pool, min(event_time_ms) FILTER (what = 'created') AS created_ms,
                max(event_time_ms) FILTER (what = 'completed') AS completed_ms,
                max(to_pool) FILTER (what = 'migrated') AS to_pool
            FROM pool_changes WHERE {OF_MINT} GROUP BY pool
        )
        SELECT last.pool, venue, mint_a, mint_b, minute_ms, reserve_a_raw, reserve_b_raw,
            virtual_a_raw, virtual_b_raw, created_ms, completed_ms, to_pool
        FROM last LEFT JOIN changed USING (pool)
        ORDER BY slot DESC, tx_index DESC, last.pool LIMIT {ROWS_MAX}
        """,
        {"mint": asked.mint},
    )
    for row in rows:
        yield Pool(**dict(zip(Pool.__struct_fields__, row, strict=True)))


class Liquidity:
    """What a token's pools held of SOL, around a time."""

    def __init__(self, reader: Reader, mint: str, first_ms: int, end_ms: int) -> None:
        values = {"mint": mint, "quote": SOL_MINT, "first_ms": first_ms, "end_ms": end_ms}
        query = f"""
            SELECT pool, minute_ms, CASE WHEN mint_a = $quote THEN reserve_a_raw
                ELSE reserve_b_raw END AS held
            FROM pool_minutes WHERE {OF_MINT} AND (mint_a = $quote OR mint_b = $quote)
            AND minute_ms >= $first_ms AND minute_ms < $end_ms {NEWEST} ORDER BY minute_ms
        """
        self._rows = list(reader.rows(query, values))

    def at(self, time_ms: int) -> int | None:
        """In raw units, by what each pool said last in a minute before; None where none did."""
        held: dict[str, int] = {}
        for pool, minute_ms, raw in self._rows:
            if minute_ms >= time_ms:
                break
            if raw is not None:
                held[pool] = raw
        return sum(held.values()) if held else None
