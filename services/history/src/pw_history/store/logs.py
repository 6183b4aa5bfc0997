"""What is kept of PW_ALERT and PW_GAP: each message once, with how far its stream was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import duckdb
import msgspec

from pw_common.topology.stream_end import StreamEnd
from pw_common.topology.subjects import STREAM_ALERT, STREAM_GAP
from pw_common.wire.alerts import Alert, ended_of
from pw_common.wire.messages import Gap

# Why alerts are missing. A gap leaves its stream once it is filled: of gaps nothing is.
TRIMMED: Final = "alerts trimmed"
MADE_AGAIN: Final = "alert stream made again"
TABLES: Final = {STREAM_ALERT: "alerts", STREAM_GAP: "gaps"}


class LogPosition(NamedTuple):
    """How far a stream was read; `created` tells it from another of its name."""

    stream: str
    created: str
    read_seq: int


class LogWriter:
    """Writes with the one writer's connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        # Looked up before reading begins: a new file gets its first swaps soon.
        kept = connection.execute("SELECT oldest_ms FROM kept").fetchone()
        self._has_swaps = kept is not None and kept[0] is not None

    def position(self, stream: str) -> LogPosition | None:
        """How far a stream of this name was read; None where none was."""
        found = self._connection.execute(
            "SELECT created, read_seq FROM logs WHERE stream = ?", [stream]
        ).fetchone()
        return LogPosition(stream, str(found[0]), int(found[1])) if found else None

    def begin(self, stream: str, end: StreamEnd) -> tuple[LogPosition, str]:
        """Where reading begins in the stream that is there, and why something is missing before.

        | the stream                       | is read                | and missing is               |
        | -------------------------------- | ---------------------- | ---------------------------- |
        | is the one that was read         | from there on          | what was trimmed meanwhile   |
        | is another of its name           | from its beginning     | what was not read of the one |
        | was never read                   | from its beginning     | nothing                      |
        | was never read into a file that  | from its beginning     | what was trimmed: it may     |
        | was made again, so holds swaps   |                        | have been in the former file |
        """
        known = self.position(stream)
        beginning = LogPosition(stream, end.created, end.first_seq - 1)
        if known is None:
            return beginning, TRIMMED if self._has_swaps and beginning.read_seq else ""
        if known.created != end.created:
            return beginning, MADE_AGAIN
        return (beginning, TRIMMED) if beginning.read_seq > known.read_seq else (known, "")

    def has(self, stream: str, message_id: str) -> bool:
        """Whether this message of one of the streams is stored."""
        query = f"SELECT count(*) FROM {TABLES[stream]} WHERE id = ?"
        return self._connection.execute(query, [message_id]).fetchone() == (1,)

    def write_alerts(
        self, alerts: Sequence[Alert], position: LogPosition, missed: str = ""
    ) -> None:
        """Store alerts and how far PW_ALERT was read, together.

        Args:
            missed: Why alerts are missing before these. It is said from then on, and is a hole up
                to the next alert once there is one.
        """
        if not alerts and not missed and self.position(position.stream) == position:
            return
        rows = [
            (
                one.id, one.event_time_ms, one.slot, one.mint, one.trigger, one.kind,
                [one.mint, *(ended.mint for ended in ended_of(one))],
                msgspec.json.encode(one).decode(),
            )
            for one in alerts
        ]  # fmt: skip
        with self._together(position):
            self._insert("alerts", rows, "DO NOTHING")
            self._read_on(alerts, missed)

    def _read_on(self, alerts: Sequence[Alert], missed: str) -> None:
        """What follows the alert that was read last: these, or nothing yet."""
        found = self._connection.execute("FROM alerts_read").fetchone()
        if found is None and not alerts and not missed:
            return
        slot, at_ms, before = found or (0, 0, "")
        why = before or missed
        if alerts and why:
            # In the order of the stream: event time may have gone back, as for a recording.
            first = alerts[0]
            self._connection.execute(
                "INSERT INTO holes VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (why, first_slot, last_slot) DO UPDATE SET "
                "first_ms = least(first_ms, excluded.first_ms), "
                "last_ms = greatest(last_ms, excluded.last_ms)",
                [
                    why, *sorted((slot, first.slot)), *sorted((at_ms, first.event_time_ms))
                ],
            )  # fmt: skip
        if alerts:
            slot, at_ms, why = alerts[-1].slot, alerts[-1].event_time_ms, ""
        self._connection.execute("DELETE FROM alerts_read")
        self._connection.execute("INSERT INTO alerts_read VALUES (?, ?, ?)", [slot, at_ms, why])

    def write_gaps(self, gaps: Sequence[Gap], position: LogPosition) -> None:
        """Store gaps and how far PW_GAP was read, together.

        The newest record of a gap says whether it is filled: one whose blocks were not there after
        all is opened again.
        """
        if not gaps and self.position(position.stream) == position:
            return
        rows = [
            (one.id, one.source, one.first_missing_slot, one.last_missing_slot, one.why, one.filled)
            for one in gaps
        ]
        with self._together(position):
            self._insert("gaps", rows, "DO UPDATE SET filled = excluded.filled")

    def _insert(self, table: str, rows: Sequence[Sequence[object]], again: str) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(
                f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT (id) {again}", rows
            )

    @contextmanager
    def _together(self, position: LogPosition) -> Iterator[None]:
        """What is written within, and the position: all or nothing."""
        self._connection.begin()
        try:
            yield
            self._connection.execute(
                "INSERT INTO logs VALUES (?, ?, ?) ON CONFLICT (stream) DO UPDATE "
                "SET created = excluded.created, read_seq = excluded.read_seq",
                list(position),
            )
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
