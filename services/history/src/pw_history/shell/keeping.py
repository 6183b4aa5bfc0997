"""The one writer behind the loop: its work is done in a thread, one piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import duckdb

from pw_common.topology.stream_end import StreamEnd
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Gap
from pw_history.core.progress import StoredPosition
from pw_history.core.rows import Rows
from pw_history.shell.threads import in_thread
from pw_history.store.logs import LogPosition, LogWriter
from pw_history.store.schema import HOUR_MS
from pw_history.store.writer import Writer, Written

T = TypeVar("T")
DAY_MS = 24 * HOUR_MS
EVER_MS = 1 << 62


class Keeping:
    """Writes rows, alerts and gaps; forgets what is older than it may be.

    Args:
        hours: Of event time of which swaps are kept.
        days: Of event time of which everything else is.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, hours: int, days: int) -> None:
        self.writer = Writer(connection)
        self.logs = LogWriter(connection)
        self._hours, self._days = hours, days
        # Until the exporter has looked for the first time, nothing is known to be exported.
        self._exported_ms = 0
        # When the oldest began of what came since the exporter began to look.
        self._came_ms = EVER_MS
        self._one = asyncio.Lock()

    def exporting(self) -> None:
        """The exporter begins to look at what is stored."""
        self._came_ms = EVER_MS

    def exported_before(self, time_ms: int) -> None:
        """What began before is exported: it may be forgotten once it is old enough."""
        self._exported_ms = min(time_ms, self._came_ms)

    async def write(self, rows: Rows, position: StoredPosition) -> Written:
        """Rows and position, all or nothing; raises duckdb.Error."""
        came_ms = min(rows.times_ms, default=EVER_MS)

        def work() -> Written:
            written = self.writer.write(rows, position)
            now_ms = rows.event_time_ms
            swaps_ms = min(now_ms - self._hours * HOUR_MS, self._exported_ms, came_ms)
            self.writer.drop_before(swaps_ms, now_ms - self._days * DAY_MS)
            return written

        written = await self._in_thread(work)
        # Of its hours not all is exported any more, though the exporter may have looked meanwhile.
        self._came_ms = min(self._came_ms, came_ms)
        self._exported_ms = min(self._exported_ms, came_ms)
        return written

    async def close_more(self) -> None:
        """Go on with an hour that is closed half way, if one is; raises duckdb.Error."""
        if self.writer.is_closing:
            await self._in_thread(self.writer.close_more)

    async def write_alerts(
        self, alerts: Sequence[Alert], position: LogPosition, missed: str
    ) -> None:
        """Alerts, how far their stream was read, and why some are missing before; raises
        duckdb.Error.
        """
        await self._in_thread(lambda: self.logs.write_alerts(alerts, position, missed))

    async def write_gaps(self, gaps: Sequence[Gap], position: LogPosition, _missed: str) -> None:
        """Gaps and how far their stream was read: one leaves it once it is filled; raises
        duckdb.Error.
        """
        await self._in_thread(lambda: self.logs.write_gaps(gaps, position))

    async def begin_log(self, stream: str, end: StreamEnd) -> tuple[LogPosition, str]:
        """Where reading begins in the stream that is there, and why something is missing."""
        return await self._in_thread(lambda: self.logs.begin(stream, end))

    async def has_logged(self, stream: str, message_id: str) -> bool:
        """Whether this message of the stream is stored."""
        return await self._in_thread(lambda: self.logs.has(stream, message_id))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        async with self._one:
            return await in_thread(work)
