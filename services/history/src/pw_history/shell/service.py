"""Between the broker and the file: read by position, store, answer."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import duckdb

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.memory import limit_bytes, resident_bytes
from pw_common.process.tasks import end_tasks, unless
from pw_common.service.begin import begun
from pw_common.service.run import Runtime
from pw_common.topology.subjects import STREAM_ALERT, STREAM_GAP, STREAM_SWAP, STREAM_TX
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import BadEnvelope
from pw_common.wire.limits import BEHIND_PENDING_MAX
from pw_common.wire.messages import WrongSchema
from pw_history.config import Settings
from pw_history.shell.answers import Answers
from pw_history.shell.behind import Behind
from pw_history.shell.exporting import export_hours
from pw_history.shell.folding import Folding
from pw_history.shell.keeping import Keeping
from pw_history.shell.logs import follow_logs
from pw_history.shell.room import Room
from pw_history.shell.start import start
from pw_history.store.copying import remove_leftovers
from pw_history.store.file import NAME, Unusable, open_file, why_unusable

NEEDS: Final = (STREAM_TX, STREAM_SWAP, STREAM_ALERT, STREAM_GAP)
FETCH: Final = 256
QUIET_S: Final = 0.25
# Questions and heartbeats get their turn after this many messages.
TURN: Final = 16
RETRY_S: Final = 0.5
REOPEN_S: Final = 5.0
FIGURES_EVERY_S: Final = 5.0
# How often it is looked whether there is room again.
ROOM_EVERY_S: Final = 5.0
# How often it is looked meanwhile whether something waits.
LOOK_EVERY_S: Final = 1.0


class StreamChanged(Exception):  # noqa: N818 - says what happened
    """PW_SWAP is another one than was read, or an older copy of it: it is begun as at a start."""


async def run_history(settings: Settings, runtime: Runtime) -> None:
    """Keep until stopped. A file that cannot be written is waited for: nothing else stops."""
    memory_bytes = limit_bytes(settings.memory_bytes_max)
    runtime.expects = settings.source_names()
    while not runtime.stop.is_set():
        try:
            connection = await asyncio.to_thread(open_file, settings.folder, memory_bytes)
        except (Unusable, OSError) as error:
            await _wait(runtime, str(error))
            continue
        try:
            await asyncio.to_thread(remove_leftovers, settings.folder)
            await _keep(settings, runtime, connection)
        except StreamChanged as error:
            runtime.log.warning("swap_stream_changed", reason=str(error))
        except duckdb.Error as error:
            await _wait(runtime, why_unusable(settings.folder / NAME, error))
        finally:
            await asyncio.to_thread(connection.close)


async def _wait(runtime: Runtime, reason: str) -> None:
    """Say what is wrong, and try again in a while: what was read is read again."""
    runtime.log.error("history_stopped", reason=reason)
    runtime.set_ready(reason)
    await unless(runtime.stop, REOPEN_S)


async def _keep(
    settings: Settings, runtime: Runtime, connection: duckdb.DuckDBPyConnection
) -> None:
    keeping = Keeping(connection, hours=settings.hours, days=settings.days)
    folding = await begun(runtime, partial(start, settings, runtime, keeping), NEEDS)
    room = Room(settings.folder, settings.free_bytes_min)
    behind = Behind((STREAM_SWAP, STREAM_ALERT, STREAM_GAP), monotonic_s())
    loop = _Loop(runtime, folding, settings.folder / NAME, room, behind)

    def behind_s() -> float:
        return behind.seconds(now_ms(), monotonic_s())

    answers = Answers(runtime, connection, behind_s, settings.folder)
    await answers.start()
    works = {
        asyncio.create_task(loop.run(), name="reading"),
        asyncio.create_task(follow_logs(runtime, keeping, behind), name="logs"),
        asyncio.create_task(
            export_hours(settings, runtime, connection, keeping, room), name="export"
        ),
    }
    try:
        # Each ends by itself once the service is asked to stop; before, only by an error.
        done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_EXCEPTION)
        for one in done:
            one.result()
    finally:
        if left := await end_tasks(*works):
            # The next must not begin while a thread still works on the file or the store.
            await asyncio.wait(left)
        await answers.stop()


class _Loop:
    """Reads, folds and stores."""

    def __init__(
        self, runtime: Runtime, folding: Folding, path: Path, room: Room, behind: Behind
    ) -> None:
        self._runtime = runtime
        self._folding = folding
        self._path = path
        self._room = room
        self._trimmed = 0
        self._figures_s = 0.0
        self._behind = behind
        # Until it is read to the end, all that came since the last start waits.
        behind.waits(STREAM_SWAP, folding.progress.come_ms, monotonic_s())

    async def run(self) -> None:
        runtime, folding = self._runtime, self._folding
        reader = LogReader(runtime.bus, STREAM_SWAP, start_seq=folding.progress.start_seq)
        try:
            while not runtime.stop.is_set():
                if short := self._room.short():
                    await self._wait_for_room(reader, short)
                    continue
                try:
                    await self._step(reader)
                except (BrokerAway, ApiRefused) as error:
                    self._behind.unknown(STREAM_SWAP)
                    self._set_behind_figure()
                    runtime.log.warning("history_waits", reason=str(error))
                    runtime.set_ready(str(error))
                    await folding.write(force=True)
                    await unless(runtime.stop, RETRY_S)
            await folding.write(force=True)
        finally:
            await reader.close()

    async def _wait_for_room(self, reader: LogReader, short: str) -> None:
        """Nothing is read for a while; what waits meanwhile is looked at and said."""
        runtime = self._runtime
        runtime.log.error("history_stopped", reason=short)
        runtime.set_ready(short)
        runtime.metrics.set("pw_history_disk_free_bytes", self._room.free_bytes())
        until_s = monotonic_s() + ROOM_EVERY_S
        while not runtime.stop.is_set() and monotonic_s() < until_s:
            looked_s = monotonic_s()
            try:
                await reader.look()
                self._say_behind(reader.pending, looked_s)
            except (BrokerAway, ApiRefused):
                self._behind.unknown(STREAM_SWAP)
            self._set_behind_figure()
            await unless(runtime.stop, LOOK_EVERY_S)

    async def _step(self, reader: LogReader) -> None:
        folding = self._folding
        looked_s = monotonic_s()
        messages = await reader.fetch(FETCH, timeout_s=QUIET_S)
        if not messages:
            looked_s = monotonic_s()
            await reader.look()
        read_seq = folding.progress.read_seq
        if messages and messages[0].seq <= read_seq:
            await folding.write(force=True)
            raise StreamChanged(f"{messages[0].seq} follows {read_seq}")
        for number, message in enumerate(messages):
            self._take(message)
            if number % TURN == 0:
                await asyncio.sleep(0)
        if reader.trimmed > self._trimmed:
            folding.trimmed(reader.trimmed - self._trimmed)
            self._trimmed = reader.trimmed
        await folding.settle(caught_up=reader.pending == 0)
        await folding.write()
        self._say_behind(reader.pending, looked_s)
        is_behind = reader.pending > BEHIND_PENDING_MAX
        self._runtime.set_ready(f"{reader.pending} messages behind" if is_behind else "")
        self._publish_figures(reader.pending)

    def _say_behind(self, pending: int, looked_s: float) -> None:
        folding = self._folding
        if pending or folding.held or folding.is_unwritten:
            shown_ms = folding.shown_ms(at_end=pending == 0)
            self._behind.waits(STREAM_SWAP, shown_ms, looked_s)
        else:
            self._behind.caught_up(STREAM_SWAP, looked_s)

    def _set_behind_figure(self) -> None:
        behind_s = self._behind.seconds(now_ms(), monotonic_s())
        self._runtime.metrics.set("pw_history_behind_seconds", behind_s)

    def _take(self, message: StoredMessage) -> None:
        try:
            batch = batch_of(message.headers, message.body)
        except (BadEnvelope, WrongSchema) as error:
            self._folding.unreadable(message.seq)
            self._runtime.log.error("batch_unreadable", seq=message.seq, reason=str(error))
            return
        self._folding.take(batch, message.seq, message.time_ms)

    def _publish_figures(self, pending: int) -> None:
        now_s = monotonic_s()
        if now_s - self._figures_s < FIGURES_EVERY_S:
            return
        self._figures_s = now_s
        metrics, folding = self._runtime.metrics, self._folding
        slot, event_time_ms = folding.last
        metrics.set("pw_history_pending", pending)
        metrics.set("pw_history_held", folding.held)
        self._set_behind_figure()
        metrics.set("pw_history_slot", slot)
        metrics.set("pw_history_event_timestamp_seconds", event_time_ms / 1000)
        metrics.set("pw_history_memory_bytes", resident_bytes())
        metrics.set("pw_history_file_bytes", _size_bytes(self._path))
        metrics.set("pw_history_disk_free_bytes", self._room.free_bytes())
        self._runtime.set_trouble("disk", self._room.scarce())


def _size_bytes(path: Path) -> int:
    """The file with what is not yet merged into it."""
    total = 0
    for one in (path, path.with_name(f"{path.name}.wal")):
        try:
            total += one.stat().st_size
        except FileNotFoundError:
            continue
    return total
