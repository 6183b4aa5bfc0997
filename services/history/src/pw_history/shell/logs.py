"""Reads PW_ALERT and PW_GAP by position, and stores each message once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.jetstream.consuming.log_reader import (
    LogReader,
    StoredMessage,
    get_message,
    oldest_beyond_ms,
)
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.tasks import unless
from pw_common.service.run import Runtime
from pw_common.topology.stream_end import StreamEnd, stream_end
from pw_common.topology.subjects import STREAM_ALERT, STREAM_GAP
from pw_common.wire.alerts import Alert, decode_alert
from pw_common.wire.messages import Gap, WrongSchema, decode_gap
from pw_history.shell.behind import Behind
from pw_history.shell.keeping import Keeping
from pw_history.store.logs import TRIMMED, LogPosition

T = TypeVar("T", bound=Alert | Gap)
FETCH: Final = 256
QUIET_S: Final = 1.0
RETRY_S: Final = 1.0


async def follow_logs(runtime: Runtime, keeping: Keeping, behind: Behind) -> None:
    """Follow both until stopped."""
    await asyncio.gather(
        _Log(runtime, keeping, behind, STREAM_ALERT, decode_alert, keeping.write_alerts).run(),
        _Log(runtime, keeping, behind, STREAM_GAP, decode_gap, keeping.write_gaps).run(),
    )


class _Log(Generic[T]):
    def __init__(
        self,
        runtime: Runtime,
        keeping: Keeping,
        behind: Behind,
        stream: str,
        decode: Callable[[bytes], T],
        write: Callable[[Sequence[T], LogPosition, str], Awaitable[None]],
    ) -> None:
        self._runtime = runtime
        self._keeping = keeping
        self._behind = behind
        self._stream = stream
        self._decode = decode
        self._write = write

    async def run(self) -> None:
        runtime = self._runtime
        while not runtime.stop.is_set():
            try:
                await self._follow()
            except (BrokerAway, ApiRefused) as error:
                self._behind.unknown(self._stream)
                runtime.log.debug("log_waits", stream=self._stream, reason=str(error))
                await unless(runtime.stop, RETRY_S)

    async def _follow(self) -> None:
        bus, behind = self._runtime.bus, self._behind
        looked_s = monotonic_s()
        end = stream_end(await bus.api(f"STREAM.INFO.{self._stream}"))
        position = await self._begin(end)
        since_ms = await self._say_waits(end, position, looked_s)
        reader = LogReader(bus, self._stream, start_seq=position.read_seq + 1)
        trimmed = 0
        try:
            while not self._runtime.stop.is_set():
                looked_s = monotonic_s()
                messages = await reader.fetch(FETCH, timeout_s=QUIET_S)
                if not messages:
                    looked_s = monotonic_s()
                    end = await reader.look()
                    if end.created != position.created or end.last_seq < position.read_seq:
                        return  # Another stream of this name: look again whose it is.
                    position = await self._cut(end, position)
                    self._say(reader, since_ms, looked_s)
                    continue
                if messages[0].seq <= position.read_seq:
                    return
                # Until they are written, which may have to wait.
                behind.waits(self._stream, messages[0].time_ms, monotonic_s())
                found = [one for one in map(self._read, messages) if one is not None]
                position = position._replace(read_seq=messages[-1].seq)
                is_cut, trimmed = reader.trimmed > trimmed, reader.trimmed
                await self._store(found, position, TRIMMED if is_cut else "")
                since_ms = messages[-1].time_ms
                self._say(reader, since_ms, looked_s)
        finally:
            # However it ended, nothing looks at the stream any more.
            behind.unknown(self._stream)
            await reader.close()

    def _say(self, reader: LogReader, since_ms: int, looked_s: float) -> None:
        if reader.pending:
            self._behind.waits(self._stream, since_ms, looked_s)
        else:
            self._behind.caught_up(self._stream, looked_s)

    async def _begin(self, end: StreamEnd) -> LogPosition:
        """Where reading begins, noted at once: what is missing before is said from now on."""
        known, missed = await self._keeping.begin_log(self._stream, end)
        position = known
        if await self._went_back(known, end.last_seq):
            # What is stored already is left as it is.
            self._runtime.log.error("log_went_back", stream=self._stream, read_seq=known.read_seq)
            position, missed = known._replace(read_seq=end.first_seq - 1), ""
        await self._store([], position, missed)
        return position

    async def _cut(self, end: StreamEnd, position: LogPosition) -> LogPosition:
        """What left the stream before it was read is missing, though nothing follows it yet."""
        if end.first_seq <= position.read_seq + 1:
            return position
        position = position._replace(read_seq=end.first_seq - 1)
        await self._store([], position, TRIMMED)
        return position

    async def _say_waits(self, end: StreamEnd, position: LogPosition, looked_s: float) -> int:
        """Say since when the oldest waits that is not read; gives that, or now."""
        bus, seq = self._runtime.bus, position.read_seq
        waits_ms = await oldest_beyond_ms(bus, self._stream, end, seq)
        if waits_ms is None:
            self._behind.caught_up(self._stream, looked_s)
            return now_ms()
        self._behind.waits(self._stream, waits_ms, looked_s)
        return waits_ms

    async def _store(self, found: Sequence[T], position: LogPosition, missed: str) -> None:
        if missed and self._stream == STREAM_ALERT:
            self._runtime.log.error("alerts_missing", why=missed, read_seq=position.read_seq)
        await self._write(found, position, missed)

    async def _went_back(self, position: LogPosition, last_seq: int) -> bool:
        """Whether the stream was restored from a copy that is older than what was read."""
        if position.read_seq > last_seq:
            return True
        if not position.read_seq:
            return False
        message = await get_message(self._runtime.bus, self._stream, position.read_seq)
        if message is None:
            return False
        try:
            there = self._decode(message.body)
        except (msgspec.MsgspecError, WrongSchema):
            return False  # It was said when it was read.
        return not await self._keeping.has_logged(self._stream, there.id)

    def _read(self, message: StoredMessage) -> T | None:
        try:
            return self._decode(message.body)
        except (msgspec.MsgspecError, WrongSchema) as error:
            self._runtime.log.error(
                "message_unreadable", stream=self._stream, seq=message.seq, reason=str(error)
            )
            self._runtime.metrics.count("pw_history_unreadable_total")
            return None
