"""What is kept of PW_ALERT and PW_GAP: each message once, with how far its stream was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import duckdb
import msgspec

from pw_common.topology.subjects import STREAM_ALERT, STREAM_GAP
from pw_common.wire.alerts import Alert, ended_of
from pw_common.wire.messages import Gap

ALERTS_TRIMMED: Final = "alerts trimmed"
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

    def position(self, stream: str, created: str) -> LogPosition:
        """How far this very stream was read; its beginning where it is another one."""
        found = self._connection.execute(
            "SELECT read_seq FROM logs WHERE stream = ? AND created = ?", [stream, created]
        ).fetchone()
        return LogPosition(stream, created, int(found[0]) if found else 0)

    def has(self, stream: str, message_id: str) -> bool:
        """Whether this message of one of the streams is stored."""
        query = f"SELECT count(*) FROM {TABLES[stream]} WHERE id = ?"
        return self._connection.execute(query, [message_id]).fetchone() == (1,)

    def write_alerts(self, alerts: Sequence[Alert], position: LogPosition) -> None:
        """Store alerts and how far PW_ALERT was read, together."""
        rows = [
            (
                one.id, one.event_time_ms, one.slot, one.mint, one.trigger, one.kind,
                [one.mint, *(ended.mint for ended in ended_of(one))],
                msgspec.json.encode(one).decode(),
            )
            for one in alerts
        ]  # fmt: skip
        self._write("alerts", rows, position)

    def miss_alerts(self, before: Alert) -> None:
        """Record that PW_ALERT was trimmed between the newest alert that is stored and this one."""
        self._connection.execute(
            """
            INSERT INTO holes SELECT
                $why, least($slot, coalesce(max(slot), $slot)), $slot,
                least($at, coalesce(max(event_time_ms), $at)), $at
            FROM alerts ON CONFLICT DO NOTHING
            """,
            {"why": ALERTS_TRIMMED, "slot": before.slot, "at": before.event_time_ms},
        )

    def write_gaps(self, gaps: Sequence[Gap], position: LogPosition) -> None:
        """Store gaps and how far PW_GAP was read, together.

        The newest record of a gap says whether it is filled: one whose blocks were not there after
        all is opened again.
        """
        rows = [
            (one.id, one.source, one.first_missing_slot, one.last_missing_slot, one.why, one.filled)
            for one in gaps
        ]
        self._write("gaps", rows, position, "DO UPDATE SET filled = excluded.filled")

    def _write(
        self,
        table: str,
        rows: Sequence[Sequence[object]],
        position: LogPosition,
        again: str = "DO NOTHING",
    ) -> None:
        self._connection.begin()
        try:
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                self._connection.executemany(
                    f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT (id) {again}", rows
                )
            self._connection.execute(
                "INSERT INTO logs VALUES (?, ?, ?) ON CONFLICT (stream) DO UPDATE "
                "SET created = excluded.created, read_seq = excluded.read_seq",
                list(position),
            )
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
