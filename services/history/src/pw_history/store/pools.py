"""Pools: what each held at the end of a minute, and what changed it otherwise than by a trade."""

from __future__ import annotations

from typing import Final

import duckdb

from pw_history.core.progress import HORIZON_MS
from pw_history.core.rows import CHANGE_COLUMNS, POOL_COLUMNS, Rows
from pw_history.store.columns import insert_columns
from pw_history.store.schema import MINUTE_MS

# A minute may be written several times while it lasts: the newest counts.
NEWEST: Final = """
    QUALIFY row_number() OVER (
        PARTITION BY pool, minute_ms ORDER BY slot DESC, tx_index DESC, ordinal DESC) = 1
"""


class PoolWriter:
    """Writes within the one writer's transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        # Minutes that may be there several times. It costs room alone: readers take the newest.
        found = connection.execute(
            "SELECT DISTINCT minute_ms FROM pool_minutes, position "
            "WHERE minute_ms >= position.event_time_ms - ?",
            [HORIZON_MS],
        ).fetchall()
        self._minutes = {int(one) for (one,) in found}

    def write(self, rows: Rows, event_time_ms: int) -> None:
        """Store what the rows say of pools, and make one row of each pool's minute that is past."""
        if rows.pools:
            columns = dict(zip(POOL_COLUMNS, zip(*rows.pools.values(), strict=True), strict=True))
            insert_columns(self._connection, "pool_minutes", columns)
        if rows.changes:
            marks = ", ".join("?" * len(CHANGE_COLUMNS))
            self._connection.executemany(
                f"INSERT INTO pool_changes VALUES ({marks}) ON CONFLICT DO NOTHING", rows.changes
            )
        self._minutes |= {minute_ms for _, minute_ms in rows.pools}
        for minute_ms in sorted(self._minutes):
            if minute_ms + MINUTE_MS <= event_time_ms:
                self._pack(minute_ms)
                self._minutes.discard(minute_ms)

    def _pack(self, minute_ms: int) -> None:
        execute = self._connection.execute
        execute(
            "CREATE OR REPLACE TEMP TABLE packed AS FROM pool_minutes "
            f"WHERE minute_ms = {minute_ms} {NEWEST}"
        )
        execute(f"DELETE FROM pool_minutes WHERE minute_ms = {minute_ms}")
        execute("INSERT INTO pool_minutes FROM packed ORDER BY pool")
        execute("DROP TABLE packed")
