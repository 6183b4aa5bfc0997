"""From batches in stored order to closed slots in chain order: pure, no timer takes part.

A slot closes when the watermark proves it complete. Its event time is fixed then. What is
cut into batches how, which parser answered first and what came twice makes no difference.

Theory. PW_SWAP holds the answers to PW_TX in the order in which parsers finished. Four
questions are asked of each, in this order, each in a module with its own table:

1. Of which queue is it? PW_TX may be deleted, or restored from a copy: `sequences/queues.py`.
2. Is it its turn? Sequences have no gaps: `sequences/sequencer.py`.
3. Of which session of its source is it? `sessions.py`.
4. Into which slot goes each event? `slots/open_slots.py`, `slots/backfill.py`,
   `slots/before_session.py`.

State: what waits for its turn; the present session of each source; the session's open slots;
what was filled in before them and waits for its block's header.

| released, with its standing | events                    | claims       | closes                 |
| --------------------------- | ------------------------- | ------------ | ---------------------- |
| `PRESENT`, `CLAIMS`         | placed                    | believed     | up to the watermark    |
| `PRESENT`, `EVENTS`         | placed                    | not believed | nothing                |
| `BEGINS`                    | placed in the new session | believed     | the old session, whole |
| `OVER`                      | counted `late`            | not believed | nothing                |
| `EARLY`                     | wait for a session        | not believed | nothing                |
| `FILLS`                     | amend slots that closed   | not believed | nothing                |
| `FILLS_OLD`                 | amend before the session  | not believed | nothing                |
| (`QueueEnds`)               |                           |              | the old session, whole |

Invariants, of any arrival order within what a fleet holds back:
- Every event is in one slot, or is counted once: `repeats`, `late`, `untimed`, `too_old`.
- Slots of a session close once, in rising order, and hold what a sort of everything holds.
- What is filled in before the session changes none of its slots, nor which one is its first.
- No claim is believed whose message was lost with its queue.
- Nothing is late, but what comes after its sequence was given up, and what a copy without a name
  (a volume's snapshot) brings out of order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pw_common.ordering.closed_slot import BEGINNING, PLACED, ClosedSlot, Kinds, TxPosition
from pw_common.ordering.sequences.sequencer import (
    QueueEnds,
    Released,
    Sequencer,
    Step,
    Stored,
    Trust,
)
from pw_common.ordering.sessions import STRAYS_MAX, Sessions, Standing
from pw_common.ordering.slots.backfill import fill
from pw_common.ordering.slots.before_session import BeforeSession
from pw_common.ordering.slots.open_slots import At, Left, OpenSlots
from pw_common.ordering.watermark import Watermark
from pw_common.wire.messages import Batch

__all__ = [
    "BEGINNING",
    "HELD_MAX",
    "HOLD_MAX_MS",
    "STRAYS_MAX",
    "Assembly",
    "ClosedSlot",
    "TxPosition",
]

# Several times the parsers' ack_wait: until then redeliveries fill the gap, though parsers and
# broker fall one after the other. A third of it was not enough in ten minutes of such faults.
HOLD_MAX_MS: Final = 60_000
HELD_MAX: Final = 50_000


class Assembly:
    """Holds what is not complete yet.

    `late` counts events that came after their slot closed, or after their session ended;
    `repeats` those that came twice; `untimed` those at a session's start for whose slot
    nothing tells the time; `too_old` those of a filled gap for which neither the session's
    clocks nor a block of the same filling tells it. `before_session` counts those of a filled
    gap that came out as `is_before_session`.
    """

    def __init__(
        self,
        *,
        sources: Iterable[str] = (),
        first: TxPosition = BEGINNING,
        former: Iterable[str] = (),
        held_max: int = HELD_MAX,
        placed: Kinds = PLACED,
    ) -> None:
        self._placed = placed
        self._declared = frozenset(sources)
        self._sequencer = Sequencer(first, held_max, former)
        self._sessions = Sessions(held_max)
        self._left = Left()
        self._slots = OpenSlots(self._left, placed)
        self._before = BeforeSession(self._left, placed)
        self._watermark = Watermark()
        self._at = At(first, 0)
        # (PW_SWAP sequence, position in PW_TX) from which the present session can be read again;
        # None while it is the one that reading began with, and where a part of it was lost with
        # a queue: no position in this one is where that was read. None also where a part of a
        # filling waited as it began: that was read before.
        self.session_start: tuple[int, TxPosition] | None = None
        self.is_first_session = True

    @property
    def queue(self) -> str:
        """The name of the PW_TX whose sequences are read, empty while none is known."""
        return self._sequencer.queue

    @property
    def former(self) -> tuple[str, ...]:
        """Names of queues before it: pass them to a restart as `former`."""
        return self._sequencer.former

    @property
    def held(self) -> int:
        """Batches that wait for an earlier one."""
        return self._sequencer.held

    @property
    def next(self) -> TxPosition:
        """What is waited for."""
        return self._sequencer.next

    @property
    def missing(self) -> range:
        """The PW_TX sequences that are waited for before the first held batch."""
        return self._sequencer.missing

    @property
    def oldest_held_ms(self) -> int | None:
        """When the oldest waiting batch was stored."""
        return self._sequencer.oldest_held_ms

    @property
    def oldest_held_seq(self) -> int | None:
        """The least PW_SWAP sequence that waits: a restart must read from there."""
        return self._sequencer.oldest_held_seq

    @property
    def reused(self) -> int:
        """How often sequences were found to mean other messages than before."""
        return self._sequencer.reused

    @property
    def late(self) -> int:
        """Events that came after their slot closed, or after their session ended."""
        return self._left.late

    @property
    def untimed(self) -> int:
        """Events at a session's start for whose slot nothing tells the time."""
        return self._left.untimed

    @property
    def too_old(self) -> int:
        """Events of a filled gap that no clock reaches, and no block of the same filling."""
        return self._left.too_old

    @property
    def before_session(self) -> int:
        """Events of a filled gap that came out before the session, or before all its clocks."""
        return self._left.before_session

    @property
    def repeated_swaps(self) -> int:
        """Swaps that were dropped as already taken."""
        return self._left.repeated_swaps

    @property
    def repeats(self) -> int:
        """Batches and events that were dropped as already taken."""
        seen = self._slots.seen.repeats + self._before.seen.repeats
        return self._sequencer.repeats + self._left.repeats + seen

    def add(self, batch: Batch, stored_ms: int = 0, seq: int = 0) -> list[ClosedSlot]:
        """Take the next batch of PW_SWAP; returns the slots that it closes, in order."""
        return self._take(self._sequencer.arrive(batch, Stored(stored_ms, seq), self._watermark))

    def skip_sequence_gaps(self, now_ms: int) -> list[ClosedSlot]:
        """Go on without what nobody delivered for too long, by the times of storing."""
        return self._take(self._sequencer.pass_over()) if self.is_due(now_ms) else []

    def is_due(self, now_ms: int) -> bool:
        """Whether something has waited for so long that what is missing is given up."""
        oldest_ms = self.oldest_held_ms
        return oldest_ms is not None and now_ms - oldest_ms > HOLD_MAX_MS

    def skip_never_stored(self, until_seq: int) -> list[ClosedSlot]:
        """Go on where nothing up to `until_seq` was ever a message: proven, so nothing is late."""
        if not self.missing or self.missing[-1] > until_seq:
            return []
        return self._take(self._sequencer.pass_over())

    def _take(self, steps: Sequence[Step]) -> list[ClosedSlot]:
        closed: list[ClosedSlot] = []
        for number, step in enumerate(steps):
            if isinstance(step, QueueEnds):
                closed += self._end_queue(step)
                continue
            # An overtaken batch closes nothing earlier than the others did.
            self._at = At(max(self._at.tx_position, step.tx_position), step.swap_seq)
            match self._sessions.judge(step):
                case Standing.OVER:
                    self._left.late += _placed(step.batch)
                case Standing.EARLY:
                    pass
                case Standing.FILLS | Standing.FILLS_OLD as standing:
                    closed += self._fill(step.batch, standing)
                case Standing.BEGINS:
                    due = self._sessions.due(step.batch)
                    closed += self._begin(steps[number:], has_lost=bool(due))
                    closed += self._lost_before(step, due, steps[number:])
                    closed += self._enter(step)
                case Standing.PRESENT:
                    if due := self._sessions.due(step.batch):
                        closed += self._lost_before(step, due, steps[number:])
                    closed += self._enter(step)
        return closed

    def _lost_before(
        self, one: Released, due: Sequence[Released], following: Sequence[Step]
    ) -> list[ClosedSlot]:
        """What was lost of this batch's session, and of those that begin with nothing else."""
        closed: list[ClosedSlot] = []
        for session in sorted({early.batch.epoch for early in due}):
            for early in due:
                if early.batch.epoch == session:
                    self._slots.take(early.batch)
            if session != one.batch.epoch:
                # All of it was answered before it was lost, so that nothing else is to come.
                has_lost = any(early.batch.epoch > session for early in due)
                closed += self._begin(following, has_lost=has_lost)
        return closed

    def _enter(self, one: Released) -> list[ClosedSlot]:
        """A batch of the present session."""
        self._slots.take(one.batch)
        if one.trust is not Trust.CLAIMS:
            return []
        self._sessions.enter(one.batch)
        closed: list[ClosedSlot] = []
        for early in self._sessions.fillings(one.batch):
            closed += self._fill(early.batch, self._sessions.judge(early))
        slot = self._watermark.advance(one.batch)
        if not self._declared <= self._watermark.sources:
            return closed
        closed += self._slots.close(slot, self._at)
        if self._slots.clock is not None:
            closed += self._before.overdue(self._slots.clock.event_time_ms, self._at)
        return closed

    def _fill(self, batch: Batch, standing: Standing) -> list[ClosedSlot]:
        """A part of a gap."""
        if standing is Standing.FILLS:
            return fill(self._slots, self._before, batch, self._at)
        return self._before.take(batch.gap, batch.events, self._at)

    def _begin(self, following: Iterable[Step], *, has_lost: bool) -> list[ClosedSlot]:
        """A session begins with these; the one before closes, whole."""
        closed = self._finish()
        is_whole = not (has_lost or self._sessions.waits or self._before.waits)
        self.session_start = (
            (self._first_seq(following), self._at.tx_position) if is_whole else None
        )
        return closed

    def _first_seq(self, steps: Iterable[Step]) -> int:
        """The least PW_SWAP sequence of these and of what waits: some were stored earlier."""
        seqs = [step.swap_seq for step in steps]
        held_seq = self.oldest_held_seq
        return min(seqs if held_seq is None else [*seqs, held_seq])

    def _end_queue(self, end: QueueEnds) -> list[ClosedSlot]:
        """What is left closes here, before the first message of the new queue."""
        self._left.late += sum(_placed(one.batch) for one in self._sessions.forget())
        self._at = At(
            TxPosition(end.tx_position.incarnation, end.tx_position.tx_seq - 1), end.swap_seq
        )
        self.session_start = (end.swap_seq, end.tx_position)
        return self._finish()

    def _finish(self) -> list[ClosedSlot]:
        """The session ends: all of it that is left closes, and windows begin empty."""
        closed = self._slots.close_all(self._at)
        self._left.repeats += self._slots.seen.repeats
        self._slots = OpenSlots(self._left, self._placed)
        self._watermark = Watermark()
        self._sessions.end()
        self.is_first_session = False
        return closed


def _placed(batch: Batch) -> int:
    """How many of its events belong into a slot."""
    return sum(isinstance(event, PLACED) for event in batch.events)
