"""A file made again from exported hours: what they hold, and what follows from it.

No position comes with them: history then reads PW_SWAP from its beginning, and leaves out what it
has. What lies between is a hole, and so is an hour of which there is no file. Holes within an hour
are in no file, and are not known any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from pw_history.core.rows import CLOCK_EVERY_MS, SEPARATOR, SWAP_COLUMNS, TOKEN_COLUMNS
from pw_history.store.closing import HourClosing
from pw_history.store.derived import HASHES
from pw_history.store.schema import HOUR_MS

# Between hours that do not follow each other.
_HOLES: Final = f"""
    INSERT INTO holes SELECT 'not exported', before_slot, first_slot, before_ms, first_ms FROM (
        SELECT hour_ms, first_slot, first_ms,
            lag(hour_ms) OVER hours AS before_hour_ms,
            lag(last_slot) OVER hours AS before_slot, lag(last_ms) OVER hours AS before_ms
        FROM (
            SELECT event_time_ms // {HOUR_MS} * {HOUR_MS} AS hour_ms,
                min_by(slot, event_time_ms) AS first_slot, min(event_time_ms) AS first_ms,
                max_by(slot, event_time_ms) AS last_slot, max(event_time_ms) AS last_ms
            FROM closed_rows GROUP BY 1
        ) WINDOW hours AS (ORDER BY hour_ms)
    ) WHERE hour_ms > before_hour_ms + {HOUR_MS} ON CONFLICT DO NOTHING
"""
_LISTS: Final = ("venues", "reasons", "signers")


class Restoring:
    """Puts exported hours into a new file, oldest first; `close` it at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def hour(self, hour_ms: int, files: Mapping[str, Path]) -> int:
        """Take one hour's files, by table; gives how many swaps they held.

        Raises:
            duckdb.Error: a file cannot be read, or there is no room; nothing of the hour is kept.
        """
        self._connection.begin()
        try:
            swaps = self._swaps(files["swaps"]) if "swaps" in files else 0
            if "tokens" in files:
                names = ", ".join(TOKEN_COLUMNS)
                self._connection.execute(
                    f"INSERT INTO tokens ({names}) SELECT {names} FROM read_parquet(?) "
                    "ON CONFLICT DO NOTHING",
                    [str(files["tokens"])],
                )
            if swaps:
                HourClosing(self._connection, hour_ms).whole()
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
        return swaps

    def close(self) -> None:
        """What follows from all of it: sessions, clocks, and since when there is anything."""
        execute = self._connection.execute
        execute(
            "INSERT INTO sessions SELECT session, min(slot), min(event_time_ms) FROM closed_rows "
            "WHERE session > 0 GROUP BY session ON CONFLICT DO NOTHING"
        )
        execute(
            "INSERT INTO clock SELECT min(slot), min(event_time_ms) FROM closed_rows "
            f"GROUP BY session, event_time_ms // {CLOCK_EVERY_MS} ON CONFLICT DO NOTHING"
        )
        execute(_HOLES)
        execute("UPDATE kept SET oldest_ms = (SELECT min(event_time_ms) FROM closed_rows)")
        execute("CHECKPOINT")

    def _swaps(self, file: Path) -> int:
        columns = ", ".join(_read(name) for name in SWAP_COLUMNS)
        names = ", ".join(SWAP_COLUMNS)
        found = self._connection.execute(
            f"INSERT INTO open_rows ({names}, signature_hash, trader_hash) "
            f"SELECT {columns}, {HASHES} FROM read_parquet(?)",
            [str(file)],
        ).fetchone()
        self._connection.execute(
            "INSERT INTO mints SELECT DISTINCT mint FROM read_parquet(?) ON CONFLICT DO NOTHING",
            [str(file)],
        )
        return int(found[0]) if found is not None else 0


def _read(name: str) -> str:
    """A column of the file as the table has it: what is said twice is null there."""
    if name == "fee_payer":
        return "nullif(fee_payer, trader) AS fee_payer"
    if name == "signers":
        return (
            f"CASE WHEN signers <> [fee_payer] THEN array_to_string(signers, '{SEPARATOR}') END "
            "AS signers"
        )
    return f"array_to_string({name}, '{SEPARATOR}') AS {name}" if name in _LISTS else name
