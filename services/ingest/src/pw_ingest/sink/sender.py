"""From the pipeline's messages to stored ones: compress, archive, publish, follow the acks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import zstandard

from pw_common.jetstream.publishing.publisher import Publisher, Stored
from pw_common.process.clock import monotonic_s
from pw_common.service.run import Runtime
from pw_common.topology import subjects
from pw_common.wire import envelope
from pw_common.wire.framing import join
from pw_common.wire.limits import BROKER_PAYLOAD_BYTES_MAX
from pw_common.wire.messages import encode
from pw_ingest.config import Settings
from pw_ingest.core.sequencing.outgoing import GapMessage, Outgoing, TxMessage
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_ingest.core.sequencing.rewind_guard import RewindGuard
from pw_ingest.sink.archive import Archive
from pw_ingest.sink.program_stamp import ProgramStamp

# A send that takes this long waits for room.
WAITING_AFTER_S = 0.5
# The broker counts headers too.
BODY_BYTES_MAX = BROKER_PAYLOAD_BYTES_MAX - 4096


class TxWentBack(RuntimeError):
    """PW_TX was restored from an older copy under us: begin again from what it holds."""

    def __init__(self, was_seq: int, seq: int) -> None:
        super().__init__(
            f"PW_TX was at sequence {was_seq} and gave out {seq} again: it was restored from an "
            "older copy; ingest starts over from what it holds"
        )


class Sender:
    """Sends in order, waiting for room; `failed` holds what ends the service."""

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        pipeline: Pipeline,
        before: Callable[[], Awaitable[None]],
    ) -> None:
        # Awaited before anything is sent.
        self._before = before
        self._runtime = runtime
        self._pipeline = pipeline
        self._subject = subjects.tx(settings.source)
        self._gap_subject = subjects.gap(settings.source)
        self._zstd = zstandard.ZstdCompressor(level=envelope.ZSTD_LEVEL, write_content_size=True)
        self.programs = ProgramStamp(runtime)
        self._turn = asyncio.Lock()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.archive_stopped = ""
        self._rewind_guard = RewindGuard()
        self._sending_since_s: float | None = None
        self._archive: Archive | None = None
        if settings.archive_dir is not None:
            self._archive = Archive(
                settings.archive_dir,
                settings.source,
                minutes=settings.archive_minutes,
                bytes_max=settings.archive_bytes_max,
                hours_max=settings.archive_hours_max,
            )
        self.publisher = Publisher(runtime.bus, runtime.log, on_retry=self._on_retry)

    @property
    def is_waiting(self) -> bool:
        """Whether messages wait for room: the broker is full, slow or away."""
        since_s = self._sending_since_s
        return self.publisher.full or (
            since_s is not None and monotonic_s() - since_s > WAITING_AFTER_S
        )

    @property
    def is_busy(self) -> bool:
        """Whether a message sent now would only queue up."""
        return self.publisher.full or self._turn.locked()

    @property
    def last_seq(self) -> int:
        """The newest sequence that PW_TX gave us."""
        return self._rewind_guard.last_seq

    @property
    def whole_until_seq(self) -> int | None:
        """Up to here PW_TX still has what it had; None while nothing says otherwise."""
        if self._rewind_guard.again_seq is None:
            return None
        # What is not answered yet may have been given lower ones.
        return max(0, self._rewind_guard.again_seq - 1 - self.publisher.in_flight)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; returns when all are in the window."""
        async with self._turn:
            self._sending_since_s = monotonic_s()
            try:
                await self._before()
                for message in messages:
                    if isinstance(message, TxMessage):
                        await self._send_tx(message)
                    else:
                        await self._send_gap(message)
            finally:
                self._sending_since_s = None

    def close_archive(self) -> None:
        """Finish the archive's file."""
        if self._archive is not None:
            self._archive.close()

    async def _send_tx(self, message: TxMessage) -> None:
        self._keep(message)
        body = self._zstd.compress(join(message.updates))
        if len(body) > BODY_BYTES_MAX:
            why = f"an update of {len(body)} bytes compressed does not fit the broker"
            self._runtime.log.error("update_too_large", size_bytes=len(body), slot=message.slot)
            await self._send_gap(self._pipeline.too_large(message, why))
            return
        # Every reader reads the whole message with this one table.
        headers = message.headers._replace(programs=self.programs.stamp)
        await self._publish(message, self._subject, body, envelope.tx_headers(headers))

    async def _send_gap(self, message: GapMessage) -> None:
        gap = message.gap
        self._runtime.metrics.count("pw_ingest_gaps_total")
        self._runtime.log.warning(
            "gap_recorded",
            first_missing_slot=gap.first_missing_slot,
            last_missing_slot=gap.last_missing_slot,
            why=gap.why,
        )
        span = f"{gap.first_missing_slot}-{gap.last_missing_slot}"
        headers = {
            envelope.MSG_ID: f"gap:{gap.source}:{gap.epoch}:{span}",
            envelope.SCHEMA: envelope.SCHEMA_GAP,
        }
        await self._publish(message, self._gap_subject, encode(gap), headers)

    async def _publish(
        self, message: Outgoing, subject: str, body: bytes, headers: dict[str, str]
    ) -> None:
        floor_seq = self.last_seq
        future = await self.publisher.publish(subject, body, headers)
        future.add_done_callback(partial(self._on_stored, message, floor_seq))

    def _on_stored(self, message: Outgoing, floor_seq: int, future: asyncio.Future[Stored]) -> None:
        if future.cancelled():
            return
        if error := future.exception():
            if not self.failed.done():
                self.failed.set_exception(error)
            return
        stored = future.result()
        if isinstance(message, TxMessage) and self._went_back(stored, floor_seq):
            return
        self._pipeline.stored(message, is_duplicate=stored.duplicate)
        if isinstance(message, TxMessage):
            self._runtime.metrics.count("pw_ingest_messages_total")
        if stored.duplicate:
            self._runtime.metrics.count("pw_stored_duplicates_total", stream=stored.stream)

    def _went_back(self, stored: Stored, floor_seq: int) -> bool:
        """Whether PW_TX gives out sequences again: then the start-up asks for what it lost."""
        was_seq = self.last_seq
        is_again = self._rewind_guard.answered(
            stored.seq, floor_seq=floor_seq, is_duplicate=stored.duplicate
        )
        if is_again and not self.failed.done():
            self.failed.set_exception(TxWentBack(was_seq, stored.seq))
        return is_again

    def _keep(self, message: TxMessage) -> None:
        if self._archive is None or not message.updates:
            return
        try:
            self._archive.write(message.updates, session=message.headers.epoch, slot=message.slot)
        except OSError as error:
            # The stream matters more than its archive.
            self._archive = None
            self.archive_stopped = f"archive stopped: {error}"
            self._runtime.log.error("archive_stopped", reason=str(error))

    def _on_retry(self, why: str) -> None:
        self._runtime.metrics.count("pw_publish_retries_total", why=why)
