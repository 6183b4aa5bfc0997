"""How much of PW_SWAP was folded and evaluated, and from where a restart reads: pure.

Theory. A detector's memory is a fold over the last two hours of PW_SWAP, and its alerts are
stored. So a restart reads again from a note that lies that far back, folds without evaluating
what was evaluated before, and goes on where that ends. Positions in PW_SWAP mean the same to
every reader; how often PW_TX's sequences began again does not, and is never asked here.

| phase       | entered                                 | a slot that closes               |
| ----------- | --------------------------------------- | -------------------------------- |
| `REBUILDS`  | at a restart, below the stored position | is folded                        |
| `OVERLAPS`  | read up to the stored position          | is evaluated if it is new, below |
| `EVALUATES` | at a first start; a new slot closed;    | is evaluated                     |
|             | PW_SWAP is another stream of this name  |                                  |

| in `OVERLAPS`, the batch that closes a slot | and in PW_TX                 | the slot is      |
| ------------------------------------------- | ---------------------------- | ---------------- |
| lies above the stored position              | anywhere                     | new              |
| lies at it or below: it waited              | after what closed the newest | new              |
| lies at it or below                         | up to what closed the newest | evaluated before |

Invariants: phases only go down the table. Slots close in one order, so that after the first
new one all are new. The position never goes back, and is never ahead of the stored alerts:
`folded` is called when they are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.ordering.reading import Reading
from pw_common.ordering.restart import Note, RestartPoints
from pw_detector.core.position import Position
from pw_detector.core.restart import HORIZON_MS, Resumed


class Phase(Enum):
    """Whether what closes is evaluated."""

    REBUILDS = auto()
    OVERLAPS = auto()
    EVALUATES = auto()


class Progress(Reading):
    """Follows one reader of PW_SWAP from where an earlier reader had come to."""

    def __init__(self, resumed: Resumed) -> None:
        super().__init__(resumed.first.swap_seq)
        self.released_slot = resumed.released_slot
        self.event_time_ms = 0
        self._swap_stream_created = resumed.swap_stream_created
        self._folded_seq = resumed.folded_seq
        self._folded_tx_position = resumed.folded_tx_position
        self._folded_time_ms = 0
        self._session_time_ms = resumed.session_time_ms
        self._restart = RestartPoints(resumed.first, HORIZON_MS)
        # Of a stream that was read before, what was trimmed beyond where reading had come to.
        beyond = self.read_seq - resumed.folded_seq
        self.trimmed_before = max(0, beyond) if resumed.folded_seq else 0
        self._phase = Phase.REBUILDS if resumed.folded_seq else Phase.EVALUATES
        self._turn()

    @property
    def phase(self) -> Phase:
        """Whether what closes is evaluated."""
        return self._phase

    @property
    def rebuilt(self) -> bool:
        """Whether everything that was evaluated before the start is folded again."""
        return self.read_seq >= self._folded_seq

    def read(self, seq: int, stored_ms: int, assembly: Assembly) -> None:
        """The next message of PW_SWAP is a batch."""
        if seq <= self.read_seq:
            # Another stream of this name: nothing of it was evaluated.
            self._phase = Phase.EVALUATES
        super().read(seq, stored_ms, assembly)
        self._turn()

    def read_unreadable(self, seq: int) -> None:
        """The next message of PW_SWAP is not a batch: it may be the missing one."""
        super().read_unreadable(seq)
        self._turn()

    def evaluates(self, one: ClosedSlot, assembly: Assembly) -> bool:
        """Take the next slot that closed; returns whether to evaluate it."""
        if one.reset and not (self._session_time_ms and assembly.is_first_session):
            self._session_time_ms = one.event_time_ms
        if one.reset and assembly.session_start is not None:
            # Its first slots come from messages before the message that closed them.
            swap_seq, tx_position = assembly.session_start
            self._restart.reset(Note(one.event_time_ms, swap_seq, tx_position, assembly.former))
        elif one.reset:
            self._restart.hold(one.event_time_ms)
        if self._phase is Phase.OVERLAPS and self._is_new(one):
            self._phase = Phase.EVALUATES
        return self._phase is Phase.EVALUATES

    def take(self, one: ClosedSlot, assembly: Assembly) -> None:
        """The slot is folded or evaluated."""
        if one.amends:
            return
        self.event_time_ms, self.released_slot = one.event_time_ms, one.slot
        self._restart.take(
            Note(one.event_time_ms, self.again_seq(assembly), assembly.next, assembly.former)
        )

    def folded(self, closed: Sequence[ClosedSlot]) -> bool:
        """The alerts of these slots are stored; returns whether the position moved."""
        if not closed or self._phase is not Phase.EVALUATES:
            return False
        self._folded_tx_position = closed[-1].tx_position
        self._folded_seq, self._folded_time_ms = self.read_seq, self.stored_ms
        return True

    def position(self, cut_ms: int) -> Position:
        """What to store."""
        oldest = self._restart.oldest
        return Position(
            swap_stream_created=self._swap_stream_created,
            folded_seq=self._folded_seq,
            folded_time_ms=self._folded_time_ms,
            folded_place=self._folded_tx_position,
            released_slot=self.released_slot,
            event_time_ms=self.event_time_ms,
            restart_seq=oldest.swap_seq,
            restart_place=oldest.tx_position,
            restart_time_ms=oldest.event_time_ms,
            restart_former=oldest.former,
            epoch_time_ms=self._session_time_ms,
            cut_ms=cut_ms,
        )

    def _turn(self) -> None:
        if self._phase is Phase.REBUILDS and self.rebuilt:
            self._phase = Phase.OVERLAPS

    def _is_new(self, one: ClosedSlot) -> bool:
        if one.swap_seq > self._folded_seq:
            return True
        # Its batch was read before the position was written, and waited for an earlier one.
        return one.tx_position.tx_seq > self._folded_tx_position.tx_seq
