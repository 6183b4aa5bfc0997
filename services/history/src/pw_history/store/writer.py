"""Writing: rows and the position in one transaction; what follows from rows when time closes it.

| what is written         | when                                                        |
| ----------------------- | ----------------------------------------------------------- |
| swaps, tokens, position | with each group of slots, in one transaction                |
| a minute                | once event time has passed it, or its session ends; again   |
|                         | where more comes into it                                    |
| an hour                 | once event time has passed it by `LATE_MS`, in steps: its   |
|                         | swaps are sorted by mint, its wallets summed; again where   |
|                         | more comes (closing.py)                                     |

A swap of a slot that was stored before is looked up by slot, so that each counts once, whatever
was read again after a crash, and whatever session it came in. A minute that is not derived yet is
`open`: a reader derives it from its swaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np

from pw_history.core.progress import StoredPosition
from pw_history.core.rows import TOKEN_COLUMNS, Rows, Session
from pw_history.store.closing import STEP_ROWS, HourClosing
from pw_history.store.columns import arrays, selected
from pw_history.store.derived import HASHES, minutes_of
from pw_history.store.pools import PoolWriter
from pw_history.store.schema import HOUR_MS, MINUTE_MS

# An hour is closed when nothing but an amendment can still come into it.
LATE_MS: Final = 5 * MINUTE_MS
# Some 20 MB; what is forgotten is asked of the file again.
MINTS_REMEMBERED: Final = 200_000


class Written(NamedTuple):
    """What a write did."""

    swaps: int
    # What was stored before, and what is of a time whose swaps are not kept any more.
    repeats: int
    beyond: int = 0


class Writer:
    """The one writer of the file."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, *, step_rows: int = STEP_ROWS
    ) -> None:
        self._connection = connection
        self._step_rows = step_rows
        self._pools = PoolWriter(connection)
        # Slots above it were never stored: nothing of theirs can be a repeat.
        self._newest_slot = self._number("SELECT max(slot) FROM swaps")
        kept = connection.execute("FROM kept").fetchone() or (0, 0, None)
        # Before these nothing is kept any more; what amends a time before is not stored.
        self.swaps_since_ms, self.minutes_since_ms = int(kept[0]), int(kept[1])
        # The time of the oldest swap that was ever stored.
        self._oldest_ms: int | None = kept[2]
        # Minutes of which a part is in no row of `minutes`, and hours with unsorted swaps.
        self._minutes = self._begins("FROM open_minutes")
        self._hours = self._begins("FROM open_hours")
        self._closing: HourClosing | None = None
        # What the tables of open minutes and hours hold, and mints that are in theirs.
        self._noted: dict[str, frozenset[int]] = {}
        self._written_mints: set[str] = set()
        # Event time, as of the last write.
        self._time_ms = 0

    @property
    def open_minutes(self) -> frozenset[int]:
        """The beginnings of minutes that are not derived yet."""
        return frozenset(self._minutes)

    @property
    def is_closing(self) -> bool:
        """Whether an hour is closed half way: `close_more` goes on."""
        return self._closing is not None

    def position(self) -> StoredPosition | None:
        """Where writing had come to; None in a new file."""
        found = self._connection.execute("FROM position").fetchone()
        if found is None:
            return None
        return StoredPosition._make((*found[:4], tuple(found[4] or ()), *found[5:]))

    def missing(self) -> str:
        """Why something is missing after what is stored; empty where nothing is."""
        found = self._connection.execute("SELECT why FROM missing").fetchone()
        return "" if found is None else str(found[0])

    def newest(self) -> tuple[int, int]:
        """The newest swap's slot and time by event time; zeros where there is none."""
        found = self._connection.execute(
            "SELECT max_by(slot, event_time_ms), max(event_time_ms) FROM swaps"
        ).fetchone()
        return (int(found[0]), int(found[1])) if found is not None and found[1] else (0, 0)

    def session(self, number: int | None = None) -> Session | None:
        """This session, or the newest."""
        found = self._connection.execute(
            "SELECT number, began_slot, began_ms FROM sessions WHERE number = ? OR ? IS NULL "
            "ORDER BY number DESC LIMIT 1",
            [number, number],
        ).fetchone()
        return None if found is None else Session(*found)

    def write(self, rows: Rows, position: StoredPosition) -> Written:
        """Store rows and position, and derive what they close; all of it or nothing.

        Raises:
            duckdb.Error: the disk is full or the file damaged; nothing of it was stored.
        """
        minutes, hours = set(self._minutes), set(self._hours)
        self._connection.begin()
        try:
            given, rows = len(rows), self._kept(rows)
            beyond = given - len(rows)
            # What fills a gap of one of these may be among the swaps.
            self._insert("sessions", rows.sessions)
            stored = self._swaps(rows)
            self._tokens(rows)
            self._insert("holes", rows.holes)
            self._insert("clock", rows.clock)
            self._connection.execute("DELETE FROM missing")
            if rows.missing is not None:
                self._connection.execute("INSERT INTO missing VALUES (?, ?, ?)", rows.missing)
            self._derive(rows, position.event_time_ms)
            self._pools.write(rows, position.event_time_ms)
            oldest_ms = min(rows.times_ms, default=None)
            if oldest_ms is not None and (self._oldest_ms is None or oldest_ms < self._oldest_ms):
                self._keep(self.swaps_since_ms, self.minutes_since_ms, oldest_ms)
            self._connection.execute("DELETE FROM position")
            self._connection.execute(
                f"INSERT INTO position VALUES ({', '.join('?' * len(position))})",
                [list(one) if isinstance(one, tuple) else one for one in position],
            )
        except BaseException:
            self._connection.rollback()
            self._forget_written()
            self._minutes, self._hours, self._closing = minutes, hours, None
            raise
        self._connection.commit()
        if oldest_ms is not None:
            known_ms = oldest_ms if self._oldest_ms is None else self._oldest_ms
            self._oldest_ms = min(oldest_ms, known_ms)
        self._newest_slot = max(self._newest_slot, *rows.slots, 0)
        return Written(stored, len(rows) - stored, beyond)

    def drop_before(self, swaps_ms: int, minutes_ms: int) -> None:
        """Forget swaps of hours that end before one time, and all else that ends before another.

        An hour that is still to be closed is kept: its wallets are not summed yet.
        """
        swaps_ms = min([swaps_ms, *self._hours])
        swaps_ms = max(self.swaps_since_ms, swaps_ms // HOUR_MS * HOUR_MS)
        minutes_ms = min(swaps_ms, max(self.minutes_since_ms, minutes_ms // HOUR_MS * HOUR_MS))
        if (swaps_ms, minutes_ms) == (self.swaps_since_ms, self.minutes_since_ms):
            return
        execute = self._connection.execute
        self._connection.begin()
        try:
            execute("DELETE FROM closed_rows WHERE event_time_ms < ?", [swaps_ms])
            execute("DELETE FROM open_rows WHERE event_time_ms < ?", [swaps_ms])
            execute("DELETE FROM minutes WHERE minute_ms < ?", [minutes_ms])
            execute("DELETE FROM wallet_hours WHERE hour_ms < ?", [minutes_ms])
            execute("DELETE FROM pool_minutes WHERE minute_ms < ?", [minutes_ms])
            execute("DELETE FROM clock WHERE event_time_ms < ?", [minutes_ms])
            execute(
                "UPDATE kept SET swaps_since_ms = ?, minutes_since_ms = ?", [swaps_ms, minutes_ms]
            )
        except BaseException:
            self._connection.rollback()
            self._forget_written()
            raise
        self._connection.commit()
        self.swaps_since_ms, self.minutes_since_ms = swaps_ms, minutes_ms

    def _keep(self, swaps_since_ms: int, minutes_since_ms: int, oldest_ms: int | None) -> None:
        self._connection.execute("DELETE FROM kept")
        self._connection.execute(
            "INSERT INTO kept VALUES (?, ?, ?)", [swaps_since_ms, minutes_since_ms, oldest_ms]
        )

    def _insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of a small table; those that it has are left as they are."""
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(
                f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING", rows
            )

    def _swaps(self, rows: Rows) -> int:
        if not len(rows):
            return 0
        new_swaps = arrays(self._connection, "open_rows", rows.swaps)
        old = sorted(slot for slot in rows.slots if slot <= self._newest_slot)
        where = ""
        if old:
            where = f"""WHERE NOT EXISTS (
                SELECT 1 FROM swaps AS stored
                WHERE stored.slot BETWEEN {old[0]} AND {old[-1]} AND stored.slot = new.slot
                AND stored.signature = new.signature AND stored.ordinal = new.ordinal)"""
        # Two sessions may each have brought the same one, and so may a session and a gap's filling.
        new_swaps["place"] = np.arange(len(rows))
        first = "QUALIFY row_number() OVER (PARTITION BY signature, ordinal ORDER BY place) = 1"
        once = first if rows.sessions or any(rows.swaps["amended"]) else ""
        self._connection.register("new_swaps", new_swaps)
        of_session = {"session": _SESSION} if 0 in rows.swaps["session"] else {}
        columns = selected(rows.swaps, **of_session)
        self._mints(rows)
        return self._number(
            f"INSERT INTO open_rows SELECT {columns}, {HASHES} FROM new_swaps AS new {where} {once}"
        )

    def _mints(self, rows: Rows) -> None:
        """Most were written before: asking the file for each costs as much as the swaps do."""
        new = set(rows.swaps["mint"]) - self._written_mints
        if new:
            self._connection.execute(
                "INSERT INTO mints SELECT unnest(?) ON CONFLICT DO NOTHING", [sorted(new)]
            )
        if len(self._written_mints) > MINTS_REMEMBERED:
            self._written_mints.clear()
        self._written_mints |= new

    def _kept(self, rows: Rows) -> Rows:
        """Without swaps whose hour was forgotten, and what amends any that old.

        Their minutes and wallets' hours stay as they are: of these swaps alone they would be wrong.
        What lies so far back in an hour that was never closed is another history: it is stored.
        """
        since_ms = self.swaps_since_ms
        if all(one >= since_ms for one in rows.times_ms):
            return rows
        forgotten = self._begins(f"SELECT hour_ms FROM closed_hours WHERE hour_ms < {since_ms}")
        return rows.only(
            one >= since_ms or not (amended or one // HOUR_MS * HOUR_MS in forgotten)
            for one, amended in zip(rows.swaps["event_time_ms"], rows.swaps["amended"], strict=True)
        )

    def _tokens(self, rows: Rows) -> None:
        """A token's facts are those of its first creation that was seen."""
        if not rows.tokens["mint"]:
            return
        values = list(zip(*(rows.tokens[name] for name in TOKEN_COLUMNS), strict=True))
        marks = ", ".join("?" * len(TOKEN_COLUMNS))
        self._connection.executemany(
            f"INSERT INTO tokens VALUES ({marks}) ON CONFLICT DO NOTHING", values
        )

    def _derive(self, rows: Rows, event_time_ms: int) -> None:
        """Minutes and hours that are past."""
        # What was open when a session ended is whole: the next one may lie before it.
        ended = set(self._minutes) if rows.sessions else set()
        self._minutes |= {one // MINUTE_MS * MINUTE_MS for one in rows.times_ms}
        hours = {one // HOUR_MS * HOUR_MS for one in rows.times_ms}
        self._hours |= hours
        due = {one for one in self._minutes if one + MINUTE_MS <= event_time_ms} | ended
        for first_ms, last_ms in _spans(sorted(due), MINUTE_MS):
            within = f"event_time_ms >= {first_ms} AND event_time_ms < {last_ms}"
            self._connection.execute(
                f"DELETE FROM minutes WHERE minute_ms >= {first_ms} AND minute_ms < {last_ms}"
            )
            self._connection.execute(f"INSERT INTO minutes {minutes_of(within)}")
        self._minutes -= due
        self._note("open_minutes", self._minutes)
        if self._closing is not None and self._closing.hour_ms in hours:
            # What came belongs to steps that were taken.
            self._closing = None
        self._time_ms = event_time_ms
        self._close()
        self._note("open_hours", self._hours)

    def close_more(self) -> bool:
        """Go on closing an hour while nothing else is written; whether there was one.

        Raises:
            duckdb.Error: the disk is full or the file damaged.
        """
        if self._closing is None:
            return False
        hours = set(self._hours)
        self._connection.begin()
        try:
            self._close()
            self._note("open_hours", self._hours)
        except BaseException:
            self._connection.rollback()
            self._forget_written()
            self._hours, self._closing = hours, None
            raise
        self._connection.commit()
        return True

    def _close(self) -> None:
        """Some steps of what is due: as many rows as one step may have, or few more."""
        rows = 0
        while rows < self._step_rows:
            if self._closing is None:
                due = {one for one in self._hours if one + HOUR_MS + LATE_MS <= self._time_ms}
                if not due:
                    return
                self._closing = HourClosing(self._connection, min(due), self._step_rows)
            rows += self._closing.step()
            if self._closing.is_closed:
                self._hours.discard(self._closing.hour_ms)
                self._closing = None

    def _note(self, table: str, begins: set[int]) -> None:
        if self._noted.get(table) == frozenset(begins):
            return
        self._connection.execute(f"DELETE FROM {table}")
        if begins:
            self._connection.execute(f"INSERT INTO {table} SELECT unnest(?)", [sorted(begins)])
        self._noted[table] = frozenset(begins)

    def _forget_written(self) -> None:
        """A transaction was given up: what is remembered of the file may not be in it."""
        self._noted.clear()
        self._written_mints.clear()

    def _begins(self, query: str) -> set[int]:
        return {int(one) for (one,) in self._connection.execute(query).fetchall()}

    def _number(self, query: str) -> int:
        found = self._connection.execute(query).fetchone()
        return int(found[0]) if found is not None and found[0] is not None else 0


# What was filled in from before a session is of the one that had begun by then; 0 where none had.
_SESSION: Final = """
    CASE WHEN session > 0 THEN session ELSE coalesce(
        (SELECT max(number) FROM sessions WHERE began_ms <= new.event_time_ms), 0) END AS session
"""


def _spans(begins: list[int], step_ms: int) -> list[tuple[int, int]]:
    """Steps that follow each other as one span, its end excluded."""
    spans: list[tuple[int, int]] = []
    for begin in begins:
        if spans and spans[-1][1] == begin:
            spans[-1] = (spans[-1][0], begin + step_ms)
        else:
            spans.append((begin, begin + step_ms))
    return spans
