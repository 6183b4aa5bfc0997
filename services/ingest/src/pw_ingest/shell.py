"""The life of ingest: restore, read, publish, checkpoint, stop in order."""

from __future__ import annotations

import asyncio

import msgspec

from pw_common.jetstream.bus import BrokerAway
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.tasks import end_tasks
from pw_common.service.begin import StoppedEarly, begun
from pw_common.service.run import Runtime
from pw_common.topology.subjects import BUCKET_SOURCE, STREAM_GAP, STREAM_TX
from pw_common.wire.coverage import PROGRAMS, SUCCESSFUL
from pw_common.wire.heartbeat import SourceHealth
from pw_common.wire.limits import SLOT_MAX
from pw_common.wire.messages import SourceState
from pw_ingest.config import Settings
from pw_ingest.core.endpoints.merge import Merge
from pw_ingest.core.endpoints.plausible import Anchor, Steady, slot_by_clock
from pw_ingest.core.sequencing.history import TxHistory
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_ingest.core.subscription.ladder import Ladder
from pw_ingest.sink.checkpoint import Checkpoint, TxStream, tx_stream
from pw_ingest.sink.program_stamp import NEEDS as PROGRAMS_NEED
from pw_ingest.sink.sender import Sender
from pw_ingest.source.endpoint_reader import EndpointReader, Shared
from pw_ingest.source.followed_list import Followed
from pw_ingest.source.reconnect import SourceRefuses, Streams

NEEDS = (STREAM_TX, STREAM_GAP, f"KV_{BUCKET_SOURCE}", *PROGRAMS_NEED)
TICK_S = 0.01
REPORT_S = 0.25
CHECKPOINT_S = 1.0
# Of the time to stop, what the broker gets to store the rest.
DRAIN_SHARE = 0.7
DRAIN_FULL_S = 2.0

__all__ = ["Ingest", "SourceRefuses"]


class Ingest:
    """One source, from its checkpoint until stopped."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self._settings = settings
        self._runtime = runtime
        self._checkpoint = Checkpoint(runtime.bus, settings.source)
        self._writing = asyncio.Lock()
        # Whether a restart knows where this source began.
        self._is_begun = False
        self._lag_ms: int | None = None
        self._reported = (0, 0, 0)
        self._history = TxHistory()
        self._tx = TxStream("", 0)
        self._pipeline = Pipeline(settings.source)
        # What is subscribed to where no setting says so; the checkpoint keeps it.
        self._unset = SUCCESSFUL
        self._followed = Followed(settings, runtime)
        self._sender = Sender(settings, runtime, self._pipeline, self._begin)
        endpoints = settings.endpoints()
        races = settings.endpoints_use == "race" and len(endpoints) > 1
        merge = Merge(len(endpoints)) if races else None
        self._steady = Steady()
        shared = Shared(settings, runtime, self._pipeline, self._sender, merge, self._steady)
        self._readers = [
            EndpointReader(number, one, shared) for number, one in enumerate(endpoints)
        ]
        self._streams = Streams(self._readers, self._pipeline, self._sender, runtime, merge)

    async def run(self) -> None:
        """Run until `runtime.stop`, then store what is in hand.

        Raises:
            SourceRefuses: the token is wrong or not allowed.
            TwoIngests: another ingest writes this source's checkpoint.
            TxWentBack: PW_TX was replaced under us by an older copy.
        """
        self._restore(*await self._begun())
        await self._sender.publisher.start()
        self._runtime.source = self.health
        stopping = asyncio.create_task(self._runtime.stop.wait(), name="ingest-stop")
        reading = asyncio.create_task(self._streams.run(), name="ingest-read")
        others = (
            asyncio.create_task(self._ticks(), name="ingest-tick"),
            asyncio.create_task(self._checkpoints(), name="ingest-checkpoint"),
            asyncio.create_task(self._sender.programs.watch(), name="ingest-programs"),
            asyncio.create_task(self._followed.watch(self._refollow), name="ingest-followed"),
        )
        every = (stopping, reading, *others)
        try:
            await asyncio.wait((*every, self._sender.failed), return_when=asyncio.FIRST_COMPLETED)
            for ended in (reading, *others, self._sender.failed):
                if ended.done():
                    ended.result()
        finally:
            await end_tasks(*every)
            for reader in self._readers:
                await reader.source.close()
            await self._finish()

    async def _begun(self) -> tuple[SourceState | None, TxStream]:
        """Where the run before stopped, once the broker can say it."""

        async def stored() -> tuple[SourceState | None, TxStream]:
            await self._sender.programs.look()
            await self._followed.look()
            return await self._checkpoint.load(), await tx_stream(self._runtime.bus)

        try:
            return await begun(self._runtime, stored, NEEDS)
        except StoppedEarly:
            for reader in self._readers:
                await reader.source.close()
            self._sender.close_archive()
            raise

    def health(self) -> SourceHealth:
        """What the heartbeat says of the source."""
        pipeline, streams = self._pipeline, self._streams
        active = self._readers[streams.active]
        connected = any(reader.connected for reader in self._readers)
        detail = "" if connected else f"{active.name}: {active.detail or 'starting'}"
        several = self._readers if len(self._readers) > 1 else []
        return SourceHealth(
            source=self._settings.source,
            endpoint=active.name,
            connected=connected,
            slot=pipeline.totals.slot,
            lag_ms=self._lag_ms,
            epoch=pipeline.session,
            checkpoint_slot=pipeline.checkpoint_slot,
            frontier_slot=pipeline.frontier.slot or None,
            gaps=pipeline.totals.gaps,
            waiting_for_broker=self._sender.is_waiting,
            detail=detail or self._sender.archive_stopped,
            kind=self._settings.kind,
            clock_ahead_ms=self._clock_ahead_ms(),
            refused=sum(reader.guard.refused for reader in self._readers),
            refusing=self._refusing(),
            programs=self._sender.programs.stamp,
            filter=pipeline.filter,
            narrowed=self._narrowed(),
            sampled=active.source.sampled,
            seen_permille=active.source.seen_permille,
            endpoints=tuple(
                reader.health(active=streams.races or reader is active) for reader in several
            ),
        )

    def _is_clockless(self) -> bool:
        connected = [reader for reader in self._readers if reader.connected]
        return bool(connected) and all(reader.guard.is_clockless for reader in connected)

    def _clock_ahead_ms(self) -> int:
        return max(reader.guard.clock_ahead_ms for reader in self._readers)

    def _narrowed(self) -> str:
        """Of the endpoints in use, those that give less than was asked for."""
        active = self._readers if self._streams.races else [self._readers[self._streams.active]]
        said = ((reader.name, reader.ladder.narrowed) for reader in active)
        return "; ".join(f"{name} {what}" for name, what in said if what)

    def _refusing(self) -> str:
        said = ((reader.name, reader.guard.said()) for reader in self._readers)
        return "; ".join(f"{name} {what}" for name, what in said if what)

    def _restore(self, state: SourceState | None, tx: TxStream) -> None:
        self._tx = tx
        if state is not None:
            # An older version knew only the list, and an upgrade keeps what was.
            self._unset = state.programs or PROGRAMS
        rungs = self._followed.rungs() or self._settings.rungs(self._unset)
        self._runtime.log.info("subscribes_to", filter=rungs[0].filter, unset=self._unset)
        self._pipeline.filter = rungs[0].filter
        for reader in self._readers:
            reader.ladder = Ladder(rungs, self._settings.filter_retry_s)
        if state is not None and not self._is_possible(state):
            # An earlier version believed a source that lied.
            self._runtime.log.error("checkpoint_impossible", slot=state.checkpoint_slot)
            self._pipeline.abandon(state)
            return
        self._pipeline.restore(state)
        if state is None:
            return
        self._is_begun = True
        if state.clock_slot:
            for reader in self._readers:
                reader.guard.establish(Anchor(state.clock_slot, state.clock_ms))
        self._history.restore(state.tx_history)
        known = state.tx_stream_created
        self._go_back(tx.last_seq if known in {"", tx.created} else 0)

    def _refollow(self) -> None:
        """Other addresses are followed: the next stream asks for those."""
        for reader in self._readers:
            reader.ladder = Ladder(self._followed.rungs(), self._settings.filter_retry_s)
            reader.cut("followed")

    def _is_possible(self, state: SourceState) -> bool:
        slot = max(state.checkpoint_slot, state.frontier_slot)
        if self._settings.kind == "recorded":
            return slot <= SLOT_MAX
        return slot <= slot_by_clock(now_ms(), self._settings.slot_ms_min)

    def _go_back(self, whole_until_seq: int) -> None:
        """PW_TX ends here, or is another queue from here: what it lost is asked for again."""
        was_seq = self._history.pairs[-1][0] if self._history.pairs else 0
        whole_until_slot = self._history.cut(whole_until_seq)
        if whole_until_slot is None:
            return
        self._runtime.log.error(
            "tx_stream_went_back",
            last_seq=whole_until_seq,
            was_seq=was_seq,
            resumes_after_slot=whole_until_slot,
        )
        self._runtime.metrics.count("pw_ingest_tx_went_back_total")
        self._pipeline.went_back(whole_until_slot)

    async def _finish(self) -> None:
        # A full queue will not empty because we stop: what it refuses is behind the
        # checkpoint, and the next run asks for it again.
        timeout_s = self._settings.shutdown_timeout_s * DRAIN_SHARE
        if self._sender.is_waiting:
            timeout_s = min(timeout_s, DRAIN_FULL_S)
        publisher = self._sender.publisher
        try:
            async with asyncio.timeout(timeout_s):
                await self._sender.send(self._pipeline.flush(monotonic_s()))
                await publisher.drain()
        except TimeoutError:
            self._runtime.log.warning("stopped_before_stored", messages=publisher.in_flight)
        try:
            await self._write_checkpoint()
        except BrokerAway as error:
            self._runtime.log.warning("checkpoint_not_written", reason=str(error))
        finally:
            self._report()
            self._sender.close_archive()
            await publisher.stop()

    async def _ticks(self) -> None:
        report_at_s = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            now_s = monotonic_s()
            if not self._sender.is_busy:
                messages = self._pipeline.tick(now_s)
                if messages:
                    await self._sender.send(messages)
            for reader in self._readers:
                reader.look(now_s)
                if not self._sender.is_busy:
                    await reader.release_due(now_s)
            if now_s >= report_at_s:
                report_at_s = now_s + REPORT_S
                self._report()

    def _report(self) -> None:
        # Counters are added up here because one call per update costs more than reading it.
        metrics, totals = self._runtime.metrics, self._pipeline.totals
        now = (totals.updates, totals.transactions, totals.raw_bytes)
        names = ("pw_ingest_updates_total", "pw_ingest_transactions_total", "pw_ingest_bytes_total")
        for name, value, before in zip(names, now, self._reported, strict=True):
            if value > before:
                metrics.count(name, value - before)
        # A node says of an update only when its block was made, in whole seconds.
        sent_ms = totals.created_ns // 1_000_000 or totals.block_time_s * 1000
        if now[0] > self._reported[0] and sent_ms:
            # A source's clock that is ahead is a separate figure, never a negative lag.
            lag_ms = max(0, now_ms() - sent_ms)
            self._lag_ms = None if self._is_clockless() else lag_ms
            metrics.set("pw_ingest_lag_seconds", (self._lag_ms or 0) / 1000)
        self._reported = now
        metrics.set("pw_ingest_clock_ahead_seconds", self._clock_ahead_ms() / 1000)
        metrics.set("pw_ingest_filter_narrowed", int(bool(self._narrowed())))
        seen = self._readers[self._streams.active].source.seen_permille
        metrics.set("pw_ingest_blocks_seen_ratio", 1.0 if seen is None else seen / 1000)
        metrics.set("pw_ingest_slot", totals.slot or 0)
        metrics.set("pw_ingest_frontier_slot", self._pipeline.frontier.slot)
        metrics.set("pw_ingest_backpressure", int(self._sender.is_waiting))

    async def _checkpoints(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            try:
                await self._write_checkpoint()
            except BrokerAway as error:
                self._runtime.log.warning("checkpoint_deferred", reason=str(error))

    async def _begin(self) -> None:
        """Store where a new source begins before anything of it is sent.

        Without it a restart would begin again wherever the chain is by then, and nobody would
        know that something lies between.
        """
        while not self._is_begun and self._pipeline.state() is not None:
            try:
                await self._write_checkpoint()
                self._is_begun = True
            except BrokerAway as error:
                self._runtime.log.warning("checkpoint_deferred", reason=str(error))
                await asyncio.sleep(REPORT_S)

    async def _write_checkpoint(self) -> None:
        async with self._writing:
            await self._write_state()

    async def _write_state(self) -> None:
        pipeline = self._pipeline
        self._history.note(self._sender.last_seq, pipeline.frontier.slot, monotonic_s())
        whole_until_seq = self._sender.whole_until_seq
        if whole_until_seq is not None:
            # The next run could not tell: by then PW_TX may be longer than it was.
            self._go_back(whole_until_seq)
        state = pipeline.state()
        if state is not None:
            clock = self._streams.anchor()
            await self._checkpoint.write(
                msgspec.structs.replace(
                    state,
                    tx_stream_created=self._tx.created,
                    tx_history=self._history.pairs,
                    programs=self._unset,
                    clock_slot=clock.slot if clock and clock.stated else 0,
                    clock_ms=clock.time_ms if clock and clock.stated else 0,
                )
            )
