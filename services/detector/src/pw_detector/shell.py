"""Between the broker and the pure detector: read by position, store alerts, remember."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.clock import monotonic_s
from pw_common.process.tasks import end_tasks
from pw_common.service.begin import begun
from pw_common.service.run import Runtime
from pw_common.topology.subjects import (
    BUCKET_CONFIG,
    BUCKET_DETECTOR,
    BUCKET_HOT,
    BUCKET_TOKENS,
    STREAM_ALERT,
    STREAM_SWAP,
    STREAM_TX,
)
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import BadEnvelope
from pw_common.wire.limits import BEHIND_PENDING_MAX
from pw_common.wire.messages import Swap, WrongSchema
from pw_detector.answers import Answers
from pw_detector.config import Settings
from pw_detector.folding import Folding
from pw_detector.lag import acknowledge
from pw_detector.start import start
from pw_detector.store.alert_store import AlertStore
from pw_detector.store.projections import Projections

NEEDS: Final = (
    STREAM_TX,
    STREAM_SWAP,
    STREAM_ALERT,
    *(f"KV_{one}" for one in (BUCKET_DETECTOR, BUCKET_CONFIG, BUCKET_HOT, BUCKET_TOKENS)),
)
FETCH: Final = 256
QUIET_S: Final = 0.25
# While a restart folds, others get their turn after this many messages.
REBUILD_TURN: Final = 32
CONFIGURATION_EVERY_S: Final = 1.0
RETRY_S: Final = 0.5
CUT: Final = "pw_detector_alerts_cut_total"


async def run_detector(settings: Settings, runtime: Runtime) -> None:
    """Fold PW_SWAP until stopped."""
    publisher = Publisher(
        runtime.bus,
        runtime.log,
        on_retry=lambda why: runtime.metrics.count("pw_publish_retries_total", why=why),
    )
    await publisher.start()
    lag = asyncio.create_task(acknowledge(runtime), name="lag")
    try:
        store = AlertStore(publisher, runtime.log, on_cut=partial(runtime.metrics.count, CUT))
        folding = await begun(runtime, partial(start, settings, runtime, store), NEEDS)
        answers = Answers(runtime.bus, folding.detector)
        await answers.start()
        await _Loop(runtime, folding).run()
    finally:
        await end_tasks(lag)
        await publisher.stop()


class _Loop:
    """Reads, folds and keeps up what others see."""

    def __init__(self, runtime: Runtime, folding: Folding) -> None:
        self._runtime = runtime
        self._folding = folding
        self._projections = Projections(runtime.bus)
        self._configured_s = 0.0

    async def run(self) -> None:
        reader = LogReader(self._runtime.bus, STREAM_SWAP, start_seq=self._folding.start_seq)
        try:
            while not self._runtime.stop.is_set():
                try:
                    await self._step(reader)
                except BrokerAway as error:
                    self._runtime.log.warning("detector_waits", reason=str(error))
                    self._runtime.set_ready(str(error))
                    await asyncio.sleep(RETRY_S)
            await self._folding.close()
        finally:
            await reader.close()

    async def _step(self, reader: LogReader) -> None:
        await self._configure()
        for number, message in enumerate(await reader.fetch(FETCH, timeout_s=QUIET_S)):
            await self._take(message)
            # Heartbeats and answers ride on the same loop. What is folded again waits for
            # nothing in between, and a turn of the loop costs as much as a message.
            if self._folding.rebuilt or number % REBUILD_TURN == 0:
                await asyncio.sleep(0)
        folding = self._folding
        await folding.settle_sequence_gaps(caught_up=reader.pending == 0)
        caught_up = reader.pending == 0 and folding.rebuilt
        # A few waiting messages mean a busy detector, not a detector that is behind.
        up_to_date = folding.rebuilt and reader.pending <= BEHIND_PENDING_MAX
        self._runtime.set_ready("" if up_to_date else f"{reader.pending} messages behind")
        folding.publish_figures(reader.trimmed)
        if caught_up:
            await self._projections.update(folding.detector, monotonic_s())

    async def _take(self, message: StoredMessage) -> None:
        try:
            batch = batch_of(message.headers, message.body)
        except (BadEnvelope, WrongSchema) as error:
            # Its sequence stays missing: the gap is held and then counted, never passed over.
            self._folding.unreadable(message.seq)
            self._runtime.log.error("batch_unreadable", seq=message.seq, reason=str(error))
            return
        if any(isinstance(event, Swap) for event in batch.events):
            self._runtime.last_swap_ms = max(self._runtime.last_swap_ms or 0, message.time_ms)
        await self._folding.take(batch, message.seq, message.time_ms)

    async def _configure(self) -> None:
        now_s = monotonic_s()
        if now_s - self._configured_s < CONFIGURATION_EVERY_S:
            return
        self._configured_s = now_s
        try:
            await self._folding.reconfigure()
            unusable = self._folding.unusable
            self._runtime.trouble = "; ".join(unusable)
            self._runtime.metrics.set("pw_configuration_unusable", len(unusable))
        except ApiRefused as error:
            self._runtime.log.warning("configuration_unread", reason=str(error))
