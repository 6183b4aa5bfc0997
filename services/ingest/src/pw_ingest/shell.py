"""The loop of ingest: read, publish, checkpoint, reconnect, stop in order."""

from __future__ import annotations

import asyncio
import random

import msgspec

from pw_common.bus import BrokerAway
from pw_common.clock import monotonic_s, now_ms
from pw_common.messages import SourceHealth, SourceState
from pw_common.run import Runtime
from pw_ingest.checkpoint import Checkpoint, TxStream, tx_stream
from pw_ingest.config import Settings
from pw_ingest.core.backoff import wait_s
from pw_ingest.core.history import TxHistory
from pw_ingest.core.pipeline import Pipeline
from pw_ingest.core.programs import coverage
from pw_ingest.core.resume import PASSING, Plan, after_end
from pw_ingest.outbox import Outbox
from pw_ingest.stream import Source, StreamEnded

TICK_S = 0.01
REPORT_S = 0.25
CHECKPOINT_S = 1.0
# Servers ping every 10 s: silence of three pings is a dead stream.
STALE_S = 30.0
# Of the time to stop, what the broker gets to store the rest.
DRAIN_SHARE = 0.7
DRAIN_FULL_S = 2.0
FATAL = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})


class SourceRefuses(RuntimeError):
    """The source will not take us: trying again would not help."""


class Ingest:
    """One source, from its checkpoint until told to stop."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self._settings = settings
        self._runtime = runtime
        self._checkpoint = Checkpoint(runtime.bus, settings.source)
        self._source = Source(settings)
        self._connected = False
        self._detail = "starting"
        self._lag_ms: int | None = None
        self._read_at_s = 0.0
        self._reading = False
        self._stale = False
        self._attempt = 0
        self._luck = random.Random()  # noqa: S311
        self._refusals = 0
        self._reported = (0, 0, 0)
        self._history = TxHistory()
        self._tx = TxStream("", 0)
        self._pipeline = Pipeline(settings.source, coverage(settings.programs))
        self._outbox = Outbox(settings, runtime, self._pipeline)

    async def run(self) -> None:
        """Run until `runtime.stop`, then store what is in hand.

        Raises:
            SourceRefuses: the token is wrong or not allowed.
            TwoIngests: another ingest writes this source's checkpoint.
        """
        self._restore(await self._checkpoint.load(), await tx_stream(self._runtime.bus))
        await self._outbox.publisher.start()
        self._runtime.source = self.health
        stopping = asyncio.create_task(self._runtime.stop.wait(), name="ingest-stop")
        reader = asyncio.create_task(self._streams(), name="ingest-read")
        others = (
            asyncio.create_task(self._ticks(), name="ingest-tick"),
            asyncio.create_task(self._checkpoints(), name="ingest-checkpoint"),
        )
        every = (stopping, reader, *others)
        try:
            await asyncio.wait((*every, self._outbox.failed), return_when=asyncio.FIRST_COMPLETED)
            for ended in (reader, *others, self._outbox.failed):
                if ended.done():
                    ended.result()
        finally:
            for task in every:
                task.cancel()
            await asyncio.gather(*every, return_exceptions=True)
            await self._source.close()
            self._connected = False
            await self._finish()

    def _restore(self, state: SourceState | None, tx: TxStream) -> None:
        self._pipeline.restore(state)
        self._tx = tx
        if state is None:
            return
        self._history.restore(state.tx_history)
        known = state.tx_stream_created
        whole_until = self._history.cut(tx.last_seq if known in {"", tx.created} else 0)
        if whole_until is not None:
            self._runtime.log.error(
                "tx_stream_went_back",
                last_seq=tx.last_seq,
                was_seq=state.tx_history[-1][0],
                resumes_after_slot=whole_until,
            )
            self._runtime.metrics.count("pw_ingest_tx_went_back_total")
            self._pipeline.went_back(whole_until)

    def health(self) -> SourceHealth:
        """What the heartbeat says of the source."""
        pipeline = self._pipeline
        return SourceHealth(
            source=self._settings.source,
            endpoint=self._settings.endpoint_shown,
            connected=self._connected,
            slot=pipeline.totals.slot,
            lag_ms=self._lag_ms,
            epoch=pipeline.epoch,
            checkpoint_slot=pipeline.checkpoint_slot,
            frontier_slot=pipeline.frontier.slot or None,
            gaps=pipeline.totals.gaps,
            waiting_for_broker=self._outbox.is_waiting,
            detail=self._detail or self._outbox.archive_stopped,
        )

    async def _finish(self) -> None:
        # A full queue will not empty because we stop: what it refuses is behind the
        # checkpoint, and the next run asks for it again.
        timeout_s = self._settings.shutdown_timeout_s * DRAIN_SHARE
        if self._outbox.is_waiting:
            timeout_s = min(timeout_s, DRAIN_FULL_S)
        publisher = self._outbox.publisher
        try:
            async with asyncio.timeout(timeout_s):
                await self._outbox.send(self._pipeline.flush(monotonic_s()))
                await publisher.drain()
        except TimeoutError:
            self._runtime.log.warning("stopped_before_stored", messages=publisher.in_flight)
        try:
            await self._write_checkpoint()
        except BrokerAway as error:
            self._runtime.log.warning("checkpoint_not_written", reason=str(error))
        finally:
            self._report()
            self._outbox.close_archive()
            await publisher.stop()

    async def _streams(self) -> None:
        plan = Plan(self._pipeline.resume_from())
        while True:
            received, slot = self._pipeline.totals.updates, self._pipeline.totals.slot or 0
            ended = await self._one_stream(plan.from_slot)
            await self._source.close_stream()
            await self._outbox.send(self._pipeline.flush(monotonic_s()))
            if ended.code in FATAL:
                raise SourceRefuses(
                    f"{self._settings.endpoint_shown} refuses us ({ended}): "
                    "is PW_INGEST_TOKEN_FILE the right token?"
                )
            await self._pause(ended, moved=(self._pipeline.totals.slot or 0) > slot)
            is_refusal = self._pipeline.totals.updates == received
            plan = await self._next_plan(plan, ended, is_refusal=is_refusal)

    async def _one_stream(self, from_slot: int | None) -> StreamEnded:
        self._stale = False
        pipeline, outbox, source = self._pipeline, self._outbox, self._source
        self._read_at_s = monotonic_s()
        self._reading = True
        try:
            await source.open(from_slot)
            while True:
                update = await source.read()
                now_s = monotonic_s()
                self._read_at_s = now_s
                if not self._connected:
                    self._on_connected(from_slot)
                messages = pipeline.update(update, now_s)
                if messages:
                    self._reading = False
                    await outbox.send(messages)
                    self._read_at_s = monotonic_s()
                    self._reading = True
        except StreamEnded as ended:
            return ended
        finally:
            self._reading = False
            self._connected = False

    def _on_connected(self, from_slot: int | None) -> None:
        self._connected = True
        self._detail = ""
        self._runtime.set_ready()
        self._runtime.log.info(
            "source_connected", endpoint=self._settings.endpoint_shown, from_slot=from_slot
        )

    async def _pause(self, ended: StreamEnded, *, moved: bool) -> None:
        why = "stale" if self._stale else ended.code.lower()
        self._attempt = 0 if moved else self._attempt + 1
        pause_s = wait_s(self._attempt, self._luck.random())
        self._detail = f"{self._settings.endpoint_shown}: {ended}"
        self._runtime.set_ready(f"not connected to {self._detail}")
        self._runtime.metrics.count("pw_ingest_reconnects_total", why=why)
        self._runtime.log.warning(
            "source_disconnected",
            endpoint=self._settings.endpoint_shown,
            why=why,
            details=ended.details,
            retry_in_s=round(pause_s, 2),
        )
        await asyncio.sleep(pause_s)

    async def _next_plan(self, plan: Plan, ended: StreamEnded, *, is_refusal: bool) -> Plan:
        refused_at = plan.from_slot if is_refusal else None
        if refused_at is None:
            self._refusals = 0
        elif ended.code not in PASSING:
            self._refusals += 1
        first_available = None
        if refused_at is not None and ended.code == "OUT_OF_RANGE":
            first_available = await self._source.first_available()
        following = after_end(
            resume_from=self._pipeline.resume_from(),
            refused_at=refused_at,
            refusals=self._refusals,
            code=ended.code,
            details=ended.details,
            first_available=first_available,
        )
        if following.is_live:
            self._pipeline.live(following.why)
        else:
            self._pipeline.resumed(break_why=following.why)
        if following.why:
            self._refusals = 0
            self._runtime.log.warning("source_cannot_resume", why=following.why)
        return following

    async def _ticks(self) -> None:
        report_at_s = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            now_s = monotonic_s()
            if not self._outbox.is_busy:
                messages = self._pipeline.tick(now_s)
                if messages:
                    await self._outbox.send(messages)
            if self._reading and now_s - self._read_at_s > STALE_S:
                self._stale = True
                self._source.cancel()
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
        if now[0] > self._reported[0] and totals.created_ns:
            self._lag_ms = now_ms() - totals.created_ns // 1_000_000
            metrics.set("pw_ingest_lag_ms", self._lag_ms)
        self._reported = now
        metrics.set("pw_ingest_slot", totals.slot or 0)
        metrics.set("pw_ingest_frontier_slot", self._pipeline.frontier.slot)
        metrics.set("pw_ingest_backpressure", int(self._outbox.is_waiting))

    async def _checkpoints(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            try:
                await self._write_checkpoint()
            except BrokerAway as error:
                self._runtime.log.warning("checkpoint_deferred", reason=str(error))

    async def _write_checkpoint(self) -> None:
        pipeline = self._pipeline
        self._history.note(self._outbox.last_seq, pipeline.frontier.slot, monotonic_s())
        state = pipeline.state()
        if state is not None:
            await self._checkpoint.write(
                msgspec.structs.replace(
                    state, tx_stream_created=self._tx.created, tx_history=self._history.pairs
                )
            )
