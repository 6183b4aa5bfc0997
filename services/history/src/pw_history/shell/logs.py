"""Reads PW_ALERT and PW_GAP by position, and stores each message once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage, get_message
from pw_common.process.tasks import unless
from pw_common.service.run import Runtime
from pw_common.text.broker_time import rfc3339_ms
from pw_common.topology.streams import stream_created
from pw_common.topology.subjects import STREAM_ALERT, STREAM_GAP
from pw_common.wire.alerts import Alert, decode_alert
from pw_common.wire.messages import Gap, WrongSchema, decode_gap
from pw_history.shell.behind import Behind
from pw_history.shell.keeping import Keeping
from pw_history.store.logs import LogPosition

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
        write: Callable[[Sequence[T], LogPosition], Awaitable[None]],
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
                runtime.log.debug("log_waits", stream=self._stream, reason=str(error))
                await unless(runtime.stop, RETRY_S)

    async def _follow(self) -> None:
        bus = self._runtime.bus
        info = await bus.api(f"STREAM.INFO.{self._stream}")
        position = await self._keeping.log_position(self._stream, stream_created(info))
        if await self._went_back(position, int(info["state"]["last_seq"])):
            # What is stored already is left as it is.
            self._runtime.log.error(
                "log_went_back", stream=self._stream, read_seq=position.read_seq
            )
            position = position._replace(read_seq=0)
        state = info["state"]
        waits = int(state["last_seq"]) > position.read_seq
        # Not known exactly before the first is read: at least so old, or all of it.
        since = "last_ts" if position.read_seq >= int(state["first_seq"]) else "first_ts"
        since_ms = rfc3339_ms(state[since])
        self._behind.reads(self._stream, since_ms, waiting=waits)
        reader = LogReader(bus, self._stream, start_seq=position.read_seq + 1)
        # What was gone before it was read for the first time is no loss of ours.
        goes_on, trimmed = position.read_seq > 0, 0
        try:
            while not self._runtime.stop.is_set():
                messages = await reader.fetch(FETCH, timeout_s=QUIET_S)
                if not messages:
                    self._behind.reads(self._stream, since_ms, waiting=reader.pending > 0)
                    continue
                if messages[-1].seq <= position.read_seq:
                    return  # Another stream of this name: look again whose it is.
                found = [one for one in map(self._read, messages) if one is not None]
                position = position._replace(read_seq=messages[-1].seq)
                is_cut, trimmed = reader.trimmed > trimmed, reader.trimmed
                if is_cut and goes_on:
                    await self._trimmed(found)
                goes_on = True
                await self._write(found, position)
                since_ms = messages[-1].time_ms
                self._behind.reads(self._stream, since_ms, waiting=reader.pending > 0)
        finally:
            await reader.close()

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

    async def _trimmed(self, found: Sequence[T]) -> None:
        """Messages left the stream before they were read; a gap does so once it is filled."""
        first = next((one for one in found if isinstance(one, Alert)), None)
        if first is None:
            return
        self._runtime.log.error("alert_stream_trimmed", slot=first.slot)
        await self._keeping.miss_alerts(first)

    def _read(self, message: StoredMessage) -> T | None:
        try:
            return self._decode(message.body)
        except (msgspec.MsgspecError, WrongSchema) as error:
            self._runtime.log.error(
                "message_unreadable", stream=self._stream, seq=message.seq, reason=str(error)
            )
            self._runtime.metrics.count("pw_history_unreadable_total")
            return None
