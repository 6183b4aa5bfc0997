"""Batches in, stored alerts out: the one place where order and storing meet.

For every message: close slots, step the detector for each, store the alerts, then move the
position. What a restart folds again up to the stored position is folded without evaluation,
since its alerts are stored.

Nothing is decided here. Whether a slot is new, and where a restart reads: `core/progress.py`.
What a sequence gap is: `pw_common.ordering.sequence_gaps`. Which slots close: `assembly` there.

| what comes             | is decided by        | and then done                                |
| ---------------------- | -------------------- | -------------------------------------------- |
| a batch                | `Assembly.add`       | the slots that it closes are taken           |
| a slot that closed     | `Progress.evaluates` | folded; or evaluated, and its alerts stored  |
| all of a batch's slots | `Progress.folded`    | the position is stored, a few times a second |
| no batch               | `Progress`           | counted; no gap is passed as never stored    |
| a turn of the loop     | `sequence_gap`       | a gap is asked about, passed, or given up    |
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_common.jetstream.bus import BrokerAway
from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.jetstream.consuming.settling import Passed, Settling
from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.topology.streams import GIB
from pw_common.wire.heartbeat import MemoryHealth
from pw_common.wire.messages import Batch
from pw_detection.detector import Detector
from pw_detector.core.apply_config import Change, apply
from pw_detector.core.progress import Progress
from pw_detector.core.restart import Resumed
from pw_detector.figures import Figures
from pw_detector.memory import Memory
from pw_detector.store.alert_store import AlertStore
from pw_detector.store.configuration import Configuration
from pw_detector.store.position import PositionStore

# A position is written this often at most; a crash in between re-derives refused alerts.
POSITION_EVERY_S: Final = 0.25
PASSED: Final = {
    Passed.NEVER_STORED: "pw_detector_void_sequences_total",
    Passed.GIVEN_UP: "pw_detector_given_up_sequences_total",
}


class Stores(NamedTuple):
    """What is kept at the broker, and questions to it."""

    alerts: AlertStore
    positions: PositionStore
    configuration: Configuration
    sequence_gaps: SequenceGaps


class Folding:
    """The detector's state, and what a restart of it needs."""

    def __init__(
        self,
        assembly: Assembly,
        detector: Detector,
        stores: Stores,
        resumed: Resumed,
        metrics: Metrics,
        log: Log,
        *,
        memory_bytes_max: int = GIB,
    ) -> None:
        self.detector = detector
        self._memory = Memory(detector.market, log, memory_bytes_max)
        self._assembly = assembly
        self._stores = stores
        self._metrics = metrics
        self._log = log
        self._progress = Progress(resumed)
        self._figures = Figures(metrics, log)
        self._settling = Settling(assembly, stores.sequence_gaps, log, self._count_passed)
        self._position_s = 0.0
        self._is_unwritten = False
        self.start_seq = self._progress.start_seq

    def memory(self) -> MemoryHealth:
        """How much is held, for the heartbeat."""
        return self._memory.health()

    @property
    def rebuilt(self) -> bool:
        """Whether everything that was evaluated before the start is folded again."""
        return self._progress.rebuilt

    async def take(self, batch: Batch, seq: int, stored_ms: int) -> None:
        """Fold one message of PW_SWAP; returns when its alerts are stored."""
        self._progress.read(seq, stored_ms, self._assembly)
        await self._released(self._assembly.add(batch, stored_ms, seq))

    def unreadable(self, seq: int) -> None:
        """A message of PW_SWAP is not a batch: nobody knows which one of PW_TX it answered.

        While it may be the missing message, a gap is held and counted, not passed as never stored.
        """
        self._progress.read_unreadable(seq)
        self._metrics.count("pw_detector_unreadable_total")

    async def settle_sequence_gaps(self, *, caught_up: bool) -> None:
        """Go on past gaps that nobody will fill: at once where that is proven, else late."""
        while (
            closed := await self._settling.once(self._progress, caught_up=caught_up)
        ) is not None:
            await self._released(closed)
        if self._is_unwritten:
            await self._remember()

    async def close(self) -> None:
        """Before the end: store the position."""
        if self._is_unwritten:
            await self._remember(force=True)

    async def reconfigure(self) -> None:
        """Take up what changed in the configuration; raises BrokerAway, ApiRefused."""
        self.apply(await self._stores.configuration.newer(self._progress.released_slot))

    def apply(self, changes: list[Change]) -> None:
        """Hand changes to the detector; a change that cannot be read is left out and logged."""
        for change in changes:
            why = apply(self.detector, change)
            if why:
                self._log.error(
                    "configuration_refused", key=change.key, revision=change.revision, reason=why
                )

    @property
    def unusable(self) -> tuple[str, ...]:
        """Which parts of the configuration cannot be used, and why."""
        return tuple(self._stores.configuration.unusable.values())

    def publish_figures(self, trimmed: int) -> None:
        """Set the gauges; `trimmed` is what PW_SWAP had lost before it was read."""
        self._figures.publish(self._assembly, self._progress, self.detector, trimmed)
        self._memory.publish(self._metrics)

    def _count_passed(self, passed: Passed, sequences: int) -> None:
        self._metrics.count(PASSED[passed], sequences)

    async def _released(self, closed: list[ClosedSlot]) -> None:
        for one in closed:
            if self._progress.evaluates(one, self._assembly):
                await self._evaluate(one)
            else:
                self.detector.fold(one)
            self._progress.take(one, self._assembly)
        if self._progress.folded(closed):
            self._is_unwritten = True
            await self._remember()

    async def _evaluate(self, closed: ClosedSlot) -> None:
        alerts = [*self.detector.step(closed), *self.detector.notices]
        self._metrics.count("pw_detector_slots_total")
        self._metrics.count("pw_detector_swaps_total", len(closed.swaps))
        if not alerts:
            return
        await self._stores.alerts.store(alerts, self.detector.revision)
        for alert in alerts:
            self._metrics.count("pw_detector_alerts_total", kind=alert.kind)
            self._log.info("alert", mint=alert.mint, trigger=alert.trigger, alert_kind=alert.kind)

    async def _remember(self, *, force: bool = False) -> None:
        now_s = monotonic_s()
        if not force and now_s - self._position_s < POSITION_EVERY_S:
            return
        try:
            await self._stores.positions.advance(
                self._progress.position(self.detector.market.cut_ms)
            )
        except BrokerAway as error:
            # An older position only means more to fold again; this message goes on.
            self._log.warning("position_unwritten", reason=str(error))
            return
        self._position_s = now_s
        self._is_unwritten = False
