"""An hour that is over: its swaps are sorted by mint, its minutes and wallets derived whole.

Mainnet has three million swaps an hour: closed in one piece they would stop reading for half a
minute. So it is done in steps of about `STEP_ROWS`, each in a transaction of its caller:

| step               | what it does                            | what a reader sees meanwhile   |
| ------------------ | --------------------------------------- | ------------------------------ |
| a range of mints   | sorts their rows, derives their minutes | the same rows, in either table |
| a range of traders | sums them in `wallet_hours`             | sums of rows: the hour is open |
| the last           | counts the hour as closed, once more    | the hour is closed             |

One that is given up half way leaves nothing wrong: it is begun again, over both tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import duckdb

from pw_history.store.derived import IN_ORDER, minutes_of, wallet_hours_of
from pw_history.store.schema import HOUR_MS

# So many rows are sorted at a time.
STEP_ROWS: Final = 250_000
# Traders are told apart by so many characters: some 900 parts on mainnet.
PREFIX_CHARACTERS: Final = 2


class Range(NamedTuple):
    """Keys from one to another, both within, and how many rows they have."""

    first: str
    last: str
    rows: int


class HourClosing:
    """The closing of one hour; `step` until it is closed."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, hour_ms: int, step_rows: int = STEP_ROWS
    ) -> None:
        self.hour_ms = hour_ms
        self._step_rows = step_rows
        self.is_closed = False
        self._connection = connection
        self._within = f"event_time_ms >= {hour_ms} AND event_time_ms < {hour_ms + HOUR_MS}"
        self._steps = self._every_step()

    def whole(self) -> None:
        """All steps, within one transaction of the caller; raises as `step`."""
        while not self.is_closed:
            self.step()

    def step(self) -> int:
        """Take the next step; returns how many rows it went over, at least one.

        Raises:
            duckdb.Error: the disk is full or the file damaged; it must be begun anew.
        """
        return max(next(self._steps), 1)

    def _every_step(self) -> Iterator[int]:
        execute = self._connection.execute
        swaps = 0
        for mints in self._ranges("mint"):
            self._sort(mints)
            swaps += mints.rows
            yield mints.rows
        execute(f"DELETE FROM wallet_hours WHERE hour_ms = {self.hour_ms}")
        prefix = f"left(trader, {PREFIX_CHARACTERS})"
        for traders in self._ranges(prefix):
            where = f"{self._within} AND {prefix} BETWEEN $first AND $last"
            execute(
                f"INSERT INTO wallet_hours {wallet_hours_of(where)} ORDER BY trader, mint",
                {"first": traders.first, "last": traders.last},
            )
            yield traders.rows
        if swaps:
            execute(
                "INSERT INTO closed_hours VALUES (?, 1, ?) ON CONFLICT (hour_ms) DO UPDATE "
                "SET revision = revision + 1, swaps = excluded.swaps",
                [self.hour_ms, swaps],
            )
        self.is_closed = True
        yield 0

    def _sort(self, mints: Range) -> None:
        """Rows that were closed and are amended are sorted anew with those that came."""
        execute = self._connection.execute
        of_mints = {"first": mints.first, "last": mints.last}
        where = f"{self._within} AND mint BETWEEN $first AND $last"
        execute(
            "CREATE OR REPLACE TEMP TABLE sorted_rows AS "
            "FROM (FROM closed_rows UNION ALL FROM open_rows) "
            f"WHERE {where} ORDER BY mint, {IN_ORDER}",
            of_mints,
        )
        for table in ("closed_rows", "open_rows"):
            execute(f"DELETE FROM {table} WHERE {where}", of_mints)
        execute("INSERT INTO closed_rows FROM sorted_rows")
        execute("DROP TABLE sorted_rows")
        of_minutes = f"minute_ms >= {self.hour_ms} AND minute_ms < {self.hour_ms + HOUR_MS}"
        execute(
            f"DELETE FROM minutes WHERE {of_minutes} AND mint BETWEEN $first AND $last", of_mints
        )
        execute(
            f"INSERT INTO minutes {minutes_of(where)} ORDER BY mint, quote_mint, minute_ms",
            of_mints,
        )

    def _ranges(self, key: str) -> list[Range]:
        counts = self._connection.execute(
            f"SELECT {key} AS key, count(*) FROM swaps WHERE {self._within} "
            "GROUP BY key ORDER BY key"
        ).fetchall()
        return ranges(counts, self._step_rows)


def ranges(counts: Sequence[tuple[str, int]], rows_max: int) -> list[Range]:
    """Keys in order, as parts that are taken one after the other, so that memory is bounded.

    A key with more rows than a part may have is a part by itself.
    """
    found: list[Range] = []
    for key, count in counts:
        if found and found[-1].rows + count <= rows_max:
            found[-1] = Range(found[-1].first, key, found[-1].rows + count)
        else:
            found.append(Range(key, key, count))
    return found
