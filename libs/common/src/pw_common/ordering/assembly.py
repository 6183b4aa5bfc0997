"""From batches in stored order to closed slots in chain order: pure, no timer takes part.

A slot closes when the watermark proves it complete. Its event time is fixed then. What is
cut into batches how, which parser answered first and what came twice makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from pw_common.ordering.answered import Answered
from pw_common.ordering.breaks import Breaks
from pw_common.ordering.clocks import Clocks
from pw_common.ordering.closed_slot import (
    BEGINNING,
    CHAIN_ORDER,
    PLACED,
    ClosedSlot,
    Place,
    Placed,
)
from pw_common.ordering.dedup import SeenWindow
from pw_common.ordering.event_time import SlotTime, next_slot_time, sane_block_time_s
from pw_common.ordering.seen import SeenBy, key_of
from pw_common.ordering.watermark import Prefix, Watermark
from pw_common.topology.queue_name import continued_through, means_the_same
from pw_common.wire.limits import PUBLISHED_AHEAD_MAX
from pw_common.wire.messages import (
    Batch,
    QuoteTrade,
    RoundTrip,
    SlotEvent,
    Swap,
    TokenCreated,
    Transfer,
)

__all__ = ["BEGINNING", "HELD_MAX", "HOLD_MAX_MS", "Assembly", "ClosedSlot", "Place"]

# Several times the parsers' ack_wait: until then redeliveries fill the hole, though parsers and
# broker fall one after the other. A third of it was not enough in ten minutes of such faults.
HOLD_MAX_MS: Final = 60_000
HELD_MAX: Final = 50_000
# Messages of an ended epoch that may still come: what ingest had sent and not seen stored.
# More are of a source that lost its checkpoint and counts its epochs anew.
STRAYS_MAX: Final = 2 * PUBLISHED_AHEAD_MAX


class Assembly:
    """Holds what is not complete yet.

    `late` counts events that came after their slot closed, or after their epoch ended;
    `repeats` those that came twice; `untimed` those at an epoch's start for whose slot
    nothing tells the time; `too_old` those of a filled gap that lies further back than clocks.
    """

    def __init__(
        self,
        *,
        sources: Iterable[str] = (),
        first: Place = BEGINNING,
        held_max: int = HELD_MAX,
    ) -> None:
        self._declared = frozenset(sources)
        self._held_max = held_max
        self._prefix = Prefix(first.tx_seq)
        self.incarnation = first.incarnation
        self._taking = first
        self._taking_seq = 0
        # tx_seq of a held batch -> (when it was stored, its PW_SWAP sequence).
        self._held_since: dict[int, tuple[int, int]] = {}
        self._created = ""
        self._answered = Answered()
        self.reused = 0
        self._arrived = (0, 0)
        # (PW_SWAP sequence, place in PW_TX) from which the present epoch can be read again;
        # None while it is the one that reading began with.
        self.epoch_start: tuple[int, Place] | None = None
        # Source -> its newest epoch, and how many messages of older ones came since it began.
        self._newest: dict[str, tuple[int, int]] = {}
        self._begin()
        self._reset = True
        self.late = 0
        self.untimed = 0
        self.too_old = 0
        self._repeats = 0

    def _begin(self) -> None:
        """Forget what belongs to an epoch."""
        self._watermark = Watermark()
        self._epochs: dict[str, int] = {}
        self._open: dict[int, list[Placed]] = {}
        self._times: dict[int, int | None] = {}
        self._breaks = Breaks()
        self._seen_by = SeenBy()
        self._seen = SeenWindow()
        self._closed = 0
        self._clocks = Clocks()
        self._clock: SlotTime | None = None

    @property
    def held(self) -> int:
        """Batches that wait for an earlier one."""
        return self._prefix.held

    @property
    def next(self) -> Place:
        """What is waited for."""
        return Place(self.incarnation, self._prefix.next_seq)

    @property
    def oldest_held_ms(self) -> int | None:
        """When the oldest waiting batch was stored."""
        return min((ms for ms, _ in self._held_since.values()), default=None)

    @property
    def oldest_held_seq(self) -> int | None:
        """The least PW_SWAP sequence that waits: a restart must read from there."""
        return min((seq for _, seq in self._held_since.values()), default=None)

    @property
    def repeats(self) -> int:
        """Batches and events that were dropped as already taken."""
        return self._prefix.repeats + self._repeats + self._seen.repeats

    def add(self, batch: Batch, stored_ms: int = 0, seq: int = 0) -> list[ClosedSlot]:
        """Take the next batch of PW_SWAP; returns the slots that it closes, in order."""
        closed: list[ClosedSlot] = []
        if not means_the_same(batch.tx_stream_created, self._created, batch.tx_seq):
            if continued_through(batch.tx_stream_created, self._created) is not None:
                # Of the queue before it was restored, and not in the copy: it comes again.
                return self._take_unclaimed([batch])
            closed = self._next_queue(batch.tx_stream_created, seq)
        self._arrived = (stored_ms, seq)
        if self._prefix.recover(batch.tx_seq):
            # Its hole was given up: open slots take its events, those of closed ones are late.
            self._answered.note(batch)
            return closed + self._take([batch])
        if self._prefix.holds(batch.tx_seq) and self._is_other(batch):
            return closed + self._reused(batch)
        self._answered.note(batch)
        if not self._prefix.holds(batch.tx_seq):
            self._held_since[batch.tx_seq] = self._arrived
        released = self._prefix.add(batch)
        if self.held > self._held_max:
            released += self._prefix.skip_hole()
        return closed + self._take(released)

    def _next_queue(self, name: str, seq: int) -> list[ClosedSlot]:
        """PW_TX was restored from a copy, or is another stream altogether."""
        before, self._created = self._created, name
        if not before:
            return []
        self.incarnation += 1
        through = continued_through(before, name)
        if through is not None:
            return self._restored(through)
        # Its sequences begin again, and nothing says what was lost.
        closed = self._take(self._prefix.rebase(1))
        self._held_since.clear()
        self._answered.clear()
        self._newest.clear()
        # What is left closes here, before the first message of the new one.
        self._taking, self._taking_seq = Place(self.incarnation, 0), seq
        closed += self._finish()
        self.epoch_start = (seq, Place(self.incarnation, 1))
        return closed

    def _restored(self, through_seq: int) -> list[ClosedSlot]:
        """From here on the sequences after the copy's end mean other messages.

        What waits there answered messages that are lost from the queue and are sent again. Its
        events count; that everything before it is stored is true no longer.
        """
        self.reused += 1
        stale = self._prefix.drop_from(through_seq + 1)
        if self._prefix.next_seq > through_seq + 1:
            self._prefix.rebase(through_seq + 1)
        for tx_seq in [one for one in self._held_since if one > through_seq]:
            del self._held_since[tx_seq]
        self._answered.cut(through_seq)
        return self._take_unclaimed(stale)

    def _is_other(self, batch: Batch) -> bool:
        """Whether this is another message than the one that stood at its sequence."""
        if not batch.tx_id:
            return False
        known = self._answered.known(batch.tx_seq)
        if known is not None:
            return known != batch.tx_id
        # Older than what is remembered: a repeat claims an older frontier than the present one.
        return self._watermark.is_newer(batch)

    def _reused(self, batch: Batch) -> list[ClosedSlot]:
        """A volume's older snapshot took PW_TX's place: its sequences mean other messages."""
        self.reused += 1
        if not self._answered.begins_again(batch.tx_seq):
            self._answered.note(batch)
            return self._take([batch])
        # Parsers may bring lower ones after it.
        closed = self._take(self._prefix.rebase(batch.tx_seq))
        self.incarnation += 1
        self._answered.turn()
        self._held_since = {batch.tx_seq: self._arrived}
        self._answered.note(batch)
        return closed + self._take(self._prefix.add(batch))

    def _take_unclaimed(self, batches: Iterable[Batch]) -> list[ClosedSlot]:
        """Take the events of batches, and not what these say is complete."""
        closed: list[ClosedSlot] = []
        for batch in batches:
            if batch.gap or batch.epoch != self._epochs.get(batch.source, batch.epoch):
                closed += self._take([batch])
                continue
            self._place_all(batch.events)
            self._seen_by.note(batch, self._closed)
        return closed

    def skip_holes(self, now_ms: int) -> list[ClosedSlot]:
        """Go on without what nobody delivered for too long, by the times of storing."""
        if not self.held or not self.is_due(now_ms):
            return []
        return self._take(self._prefix.skip_hole())

    def is_due(self, now_ms: int) -> bool:
        """Whether something has waited for so long that what is missing is given up."""
        oldest_ms = self.oldest_held_ms
        return oldest_ms is not None and now_ms - oldest_ms > HOLD_MAX_MS

    @property
    def missing(self) -> range:
        """The PW_TX sequences that are waited for before the first held batch."""
        return self._prefix.missing

    def skip_void(self, until_seq: int) -> list[ClosedSlot]:
        """Go on where nothing up to `until_seq` was ever a message: proven, so nothing is late."""
        if not self.missing or self.missing[-1] > until_seq:
            return []
        return self._take(self._prefix.skip_hole())

    def _take(self, released: list[Batch]) -> list[ClosedSlot]:
        closed: list[ClosedSlot] = []
        for batch in released:
            # One that others have overtaken closes nothing earlier than they did.
            self._taking = max(self._taking, Place(self.incarnation, batch.tx_seq))
            self._taking_seq = self._held_since.get(batch.tx_seq, self._arrived)[1]
            if batch.gap:
                self._held_since.pop(batch.tx_seq, None)
                closed += self._fill(batch)
                continue
            if self._is_stray(batch):
                self.late += sum(isinstance(event, PLACED) for event in batch.events)
                continue
            closed += self._enter(batch)
            self._held_since.pop(batch.tx_seq, None)
            self._place_all(batch.events)
            self._seen_by.note(batch, self._closed)
            slot = self._watermark.advance(batch)
            if self._declared <= self._epochs.keys():
                closed += self._close(slot)
        if released:
            for tx_seq in [one for one in self._held_since if one < self._prefix.next_seq]:
                del self._held_since[tx_seq]
        return closed

    def _is_stray(self, batch: Batch) -> bool:
        """Whether this is of an epoch that was finished when a later one of its source began.

        It is another history: its slots may have the numbers of the present one's.
        """
        newest, strays = self._newest.get(batch.source, (batch.epoch, 0))
        if batch.epoch == newest:
            self._newest[batch.source] = newest, strays
            return False
        if batch.epoch > newest or strays == STRAYS_MAX:
            self._newest[batch.source] = batch.epoch, 0
            return False
        self._newest[batch.source] = newest, strays + 1
        return True

    def _enter(self, batch: Batch) -> list[ClosedSlot]:
        """A new epoch of a source ends the old one: all of it that is left closes."""
        if not batch.source:
            return []
        known = self._epochs.get(batch.source)
        closed: list[ClosedSlot] = []
        if known is not None and known != batch.epoch:
            closed = self._finish()
            # What follows in the prefix may have been stored before this batch.
            following = [at for tx, (_, at) in self._held_since.items() if tx >= batch.tx_seq]
            self.epoch_start = (min(following, default=0), self._taking)
        self._epochs[batch.source] = batch.epoch
        return closed

    def _finish(self) -> list[ClosedSlot]:
        closed = self._close(max([0, *self._open, *self._times]))
        self._repeats += self._seen.repeats
        self._begin()
        self._reset = True
        return closed

    def _fill(self, batch: Batch) -> list[ClosedSlot]:
        """What belongs to a gap: late by nature, so it amends the slots that are closed."""
        amended: dict[int, list[Placed]] = {}
        for event in batch.events:
            if isinstance(event, SlotEvent):
                self._breaks.fill(event.slot, event.parent)
            if not isinstance(event, PLACED) or not 0 < event.slot <= self._closed:
                self._place(event)
            elif self._seen.first_time(key_of(event), event.slot):
                amended.setdefault(event.slot, []).append(event)
        closed = []
        for slot in sorted(amended):
            event_time_ms = self._clocks.within(slot)
            if event_time_ms is None:
                self.too_old += len(amended[slot])
                continue
            closed.append(self._slot(amended[slot], SlotTime(slot, event_time_ms), amends=True))
        mends = self._breaks.mended()
        if mends and self._clock is not None:
            closed.append(replace(self._slot([], self._clock, amends=True), mends=mends))
        return closed

    def _place_all(self, events: Iterable[object]) -> None:
        """What `_place` does for each: most are swaps of an open slot, which come first here."""
        first_time, closed, open_slots = self._seen.first_time, self._closed, self._open
        for event in events:
            if type(event) is not Swap or event.slot <= closed:
                self._place(event)
                continue
            slot = event.slot
            if first_time(event.signature if event.ordinal == 0 else key_of(event), slot):
                placed = open_slots.get(slot)
                if placed is None:
                    open_slots[slot] = [event]
                else:
                    placed.append(event)

    def _place(self, event: object) -> None:
        if isinstance(event, SlotEvent):
            if event.slot > self._closed:
                self._times[event.slot] = sane_block_time_s(event.block_time_s)
                self._breaks.block(event.slot, event.parent)
            return
        if not isinstance(event, PLACED) or event.slot == 0:
            return
        if not self._seen.first_time(key_of(event), event.slot):
            return
        if event.slot <= self._closed:
            self.late += 1
            return
        self._open.setdefault(event.slot, []).append(event)

    def _close(self, watermark: int) -> list[ClosedSlot]:
        due = sorted({slot for slot in (*self._open, *self._times) if slot <= watermark})
        closed = []
        for slot in due:
            events = self._open.pop(slot, [])
            block_time_s = self._times.pop(slot, None)
            self._closed = slot
            is_broken = self._breaks.close(slot)
            if self._clock is None and block_time_s is None:
                self.untimed += len(events)
                continue
            self._clock = next_slot_time(self._clock, slot, block_time_s)
            self._clocks.note(slot, self._clock.event_time_ms)
            one = self._slot(events, self._clock)
            closed.append(replace(one, is_broken=True) if is_broken else one)
        return closed

    def _slot(self, events: list[Placed], clock: SlotTime, *, amends: bool = False) -> ClosedSlot:
        events.sort(key=CHAIN_ORDER)
        reset, self._reset = self._reset, False
        by_kind: dict[type, list[Any]] = {kind: [] for kind in PLACED}
        for event in events:
            by_kind[type(event)].append(event)
        return ClosedSlot(
            clock.slot,
            clock.event_time_ms,
            reset,
            tuple(by_kind[Swap]),
            tuple(by_kind[TokenCreated]),
            tuple(by_kind[QuoteTrade]),
            tuple(by_kind[Transfer]),
            tuple(by_kind[RoundTrip]),
            self._taking,
            self._taking_seq,
            amends,
            self._seen_by.take(clock.slot),
        )
