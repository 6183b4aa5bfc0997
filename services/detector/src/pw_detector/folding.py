"""Batches in, stored alerts out: the one place where order and storing meet.

For every message: close slots, step the detector for each, store the alerts, then move the
position. What a restart folds again up to the stored position is folded without evaluation,
since its alerts are stored.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from pw_common.jetstream.bus import BrokerAway
from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.topology.streams import GIB, PARSER_ACK_PENDING_MAX
from pw_common.wire.heartbeat import MemoryHealth
from pw_common.wire.messages import Batch
from pw_detection.detector import Detector
from pw_detector.core.in_force import Change, apply
from pw_detector.core.restart import Note, RestartPoints, Resumed
from pw_detector.memory import Memory
from pw_detector.store.alert_store import AlertStore
from pw_detector.store.configuration import Configuration
from pw_detector.store.holes import Holes
from pw_detector.store.position import Position, PositionStore

# A position is written this often at most; a crash in between re-derives refused alerts.
POSITION_EVERY_S: Final = 0.25
# A hole of this age is asked about: being parsed takes milliseconds.
ASK_AFTER_MS: Final = 1_000


class Stores(NamedTuple):
    """What is kept at the broker, and asked of it."""

    alerts: AlertStore
    positions: PositionStore
    configuration: Configuration
    holes: Holes


class Folding:
    """The detector's state beside what it takes to restart it."""

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
        self._swap_stream_created = resumed.swap_stream_created
        self._restart = RestartPoints(resumed.first)
        self._folded_seq = resumed.folded_seq
        self._folded_place = resumed.folded_place
        # Slots close in one order, so that after the first new one all are new.
        self._evaluates = not resumed.folded_seq
        self._folded_time_ms = 0
        self._released_slot = resumed.released_slot
        self._epoch_time_ms = resumed.epoch_time_ms
        self._event_time_ms = 0
        self._position_s = 0.0
        self._unwritten = False
        self._read_seq = resumed.first.swap_seq - 1
        # Of a stream that was read before, what was trimmed beyond where reading had come to.
        beyond = self._read_seq - resumed.folded_seq
        self._trimmed_before = max(0, beyond) if resumed.folded_seq else 0
        self._stored_ms = 0
        self._hold_max_ms = 0
        # PW_SWAP sequences of batches that could not be read, whose hole may still show.
        self._unreadable: deque[int] = deque(maxlen=PARSER_ACK_PENDING_MAX)
        self._counted: dict[str, int] = {}
        self._reused = 0
        self.start_seq = resumed.first.swap_seq

    def memory(self) -> MemoryHealth:
        """How much is held, for the heartbeat."""
        return self._memory.health()

    @property
    def rebuilt(self) -> bool:
        """Whether everything that was evaluated before the start is folded again."""
        return self._read_seq >= self._folded_seq

    async def take(self, batch: Batch, seq: int, stored_ms: int) -> None:
        """Fold one message of PW_SWAP; returns when its alerts are stored."""
        if seq <= self._read_seq:
            # Another stream of this name: nothing of it was evaluated.
            self._evaluates = True
        self._read_seq = seq
        self._stored_ms = stored_ms
        self._forget_unreadable()
        await self._released(self._assembly.add(batch, stored_ms, seq), seq)

    def unreadable(self, seq: int) -> None:
        """A message of PW_SWAP is no batch: which one of PW_TX it answered, nobody knows.

        While it may be the one that is missing, a hole is no void: it is held, and counted.
        """
        self._read_seq = seq
        self._unreadable.append(seq)
        self._metrics.count("pw_detector_unreadable_total")

    async def settle_holes(self, *, caught_up: bool) -> None:
        """Go on past holes that nobody will fill: at once where that is proven, else late.

        In a backlog the stream's own clock counts, else every hole would look old.
        """
        while await self._pass_void_holes() or await self._give_up_holes(caught_up=caught_up):
            continue
        if self._unwritten:
            await self._remember()

    async def _pass_void_holes(self) -> bool:
        oldest_ms = self._assembly.oldest_held_ms
        if self._unreadable or oldest_ms is None or now_ms() - oldest_ms < ASK_AFTER_MS:
            return False
        missing = self._assembly.missing
        until_seq = await self._stores.holes.void_until(missing, self._read_seq)
        if not until_seq:
            return False
        closed = self._assembly.skip_void(until_seq)
        self._log.warning("void_sequences", first_tx_seq=missing[0], last_tx_seq=until_seq)
        self._metrics.count("pw_detector_void_sequences_total", len(missing))
        await self._released(closed, self._read_seq)
        return True

    async def _give_up_holes(self, *, caught_up: bool) -> bool:
        missing = self._assembly.missing
        if caught_up and self._stores.holes.is_asked(missing):
            return False  # The next message, or none, proves it void.
        if (
            caught_up
            and self._assembly.is_due(now_ms())
            and await self._stores.holes.is_to_come(missing)
        ):
            return False
        closed = self._assembly.skip_holes(now_ms() if caught_up else self._stored_ms)
        if not missing or self._assembly.next.tx_seq == missing.start:
            return False
        if caught_up or self._unreadable:
            self._log.error(
                "hole_given_up",
                first_tx_seq=missing.start,
                last_tx_seq=missing[-1],
                released=len(closed),
            )
            self._metrics.count("pw_detector_given_up_sequences_total", len(missing))
        else:
            # In a backlog most are void; one that is answered after all is counted late.
            self._log.info("hole_passed", first_tx_seq=missing.start, last_tx_seq=missing[-1])
        for _ in missing[: len(self._unreadable)]:
            self._unreadable.popleft()
        await self._released(closed, self._read_seq)
        return True

    async def close(self) -> None:
        """Before the end: the position is where it is."""
        if self._unwritten:
            await self._remember(force=True)

    async def reconfigure(self) -> None:
        """Take up what changed in the configuration; raises BrokerAway, ApiRefused."""
        self.apply(await self._stores.configuration.newer(self._released_slot))

    def apply(self, changes: list[Change]) -> None:
        """Hand changes to the detector; one that cannot be read is left out and logged."""
        for change in changes:
            why = apply(self.detector, change)
            if why:
                self._log.error(
                    "configuration_refused", key=change.key, revision=change.revision, reason=why
                )

    @property
    def unusable(self) -> tuple[str, ...]:
        """What of the configuration cannot be used, and why."""
        return tuple(self._stores.configuration.unusable.values())

    def publish_figures(self, trimmed: int) -> None:
        """Set the gauges; `trimmed` is what PW_SWAP had lost before it was read."""
        self._count_up_to("pw_detector_trimmed_total", self._trimmed_before + trimmed)
        oldest_ms = self._assembly.oldest_held_ms
        metrics = self._metrics
        metrics.set("pw_detector_held", self._assembly.held)
        hold_ms = max(0, now_ms() - oldest_ms) if oldest_ms else 0
        self._hold_max_ms = max(self._hold_max_ms, hold_ms)
        metrics.set("pw_detector_hold_ms", hold_ms)
        metrics.set("pw_detector_hold_max_ms", self._hold_max_ms)
        metrics.set("pw_detector_swap_seq", self._read_seq)
        metrics.set("pw_detector_slot", self._released_slot)
        metrics.set("pw_detector_event_time_ms", self._event_time_ms)
        if self._assembly.reused > self._reused:
            reused = self._assembly.reused - self._reused
            metrics.count("pw_detector_reused_sequences_total", reused)
            self._log.error("sequences_reused", why="PW_TX was restored from an older copy")
            self._reused = self._assembly.reused
        self._memory.publish(metrics)
        unlisted = self.detector.unlisted
        metrics.set("pw_detector_unlisted_programs", unlisted.programs)
        self._count_up_to("pw_detector_unlisted_left_out_total", unlisted.left_out_total)
        self._count_up_to("pw_detector_late_total", self._assembly.late)
        self._count_up_to("pw_detector_untimed_total", self._assembly.untimed)
        self._count_up_to("pw_detector_too_old_total", self._assembly.too_old)

    def _count_up_to(self, metric: str, total: int) -> None:
        self._metrics.count(metric, total - self._counted.get(metric, 0))
        self._counted[metric] = total

    async def _released(self, closed: list[ClosedSlot], seq: int) -> None:
        for one in closed:
            if one.reset and not self._epoch_time_ms:
                self._epoch_time_ms = one.event_time_ms
            if one.reset and self._assembly.epoch_start is not None:
                self._epoch_time_ms = one.event_time_ms
                # Its first slots come from messages before the one that closed them.
                swap_seq, place = self._assembly.epoch_start
                self._restart.reset(Note(one.event_time_ms, swap_seq, place))
            self._evaluates = self._evaluates or self._is_new(one)
            if self._evaluates:
                await self._evaluate(one)
            else:
                self.detector.fold(one)
            if one.amends:
                continue
            self._event_time_ms = one.event_time_ms
            self._released_slot = one.slot
            self._restart.take(self._note(one.event_time_ms, seq))
        if closed and self._evaluates:
            self._folded_place = closed[-1].place
            self._folded_seq, self._folded_time_ms = seq, self._stored_ms
            self._unwritten = True
            await self._remember()

    def _is_new(self, closed: ClosedSlot) -> bool:
        """Whether a slot was not evaluated before the start.

        How often PW_TX's sequences began again is not asked: who reads from elsewhere may
        count it differently. Sequences of PW_SWAP mean the same to everybody.
        """
        if self._read_seq < self._folded_seq:
            return False
        if closed.swap_seq > self._folded_seq:
            return True
        # Its batch was read before the position was written, and waited for an earlier one.
        return closed.place.tx_seq > self._folded_place.tx_seq

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

    def _note(self, event_time_ms: int, seq: int) -> Note:
        # A held batch was stored before this message, so reading must begin at the first one.
        before = [one for one in (self._assembly.oldest_held_seq, *self._unreadable) if one]
        return Note(event_time_ms, min([seq, *before]), self._assembly.next)

    def _forget_unreadable(self) -> None:
        """With nothing held for as long as a fleet holds messages back, it was a repeat."""
        if not self._assembly.held:
            while self._unreadable and self._unreadable[0] < self._read_seq - (
                PARSER_ACK_PENDING_MAX
            ):
                self._unreadable.popleft()

    async def _remember(self, *, force: bool = False) -> None:
        now_s = monotonic_s()
        if not force and now_s - self._position_s < POSITION_EVERY_S:
            return
        oldest = self._restart.oldest
        position = Position(
            swap_stream_created=self._swap_stream_created,
            folded_seq=self._folded_seq,
            folded_time_ms=self._folded_time_ms,
            folded_place=self._folded_place,
            released_slot=self._released_slot,
            event_time_ms=self._event_time_ms,
            restart_seq=oldest.swap_seq,
            restart_place=oldest.place,
            restart_time_ms=oldest.event_time_ms,
            epoch_time_ms=self._epoch_time_ms,
            cut_ms=self.detector.market.cut_ms,
        )
        try:
            await self._stores.positions.advance(position)
        except BrokerAway as error:
            # An older position only means more to fold again; this message goes on.
            self._log.warning("position_unwritten", reason=str(error))
            return
        self._position_s = now_s
        self._unwritten = False
