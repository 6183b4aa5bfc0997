"""Releases batches in the order of PW_TX, and says what counts of each: pure.

What is held and released is a function of queue names, sequences and message ids alone.

| kin              | and the sequence                      | what is done                         |
| ---------------- | ------------------------------------- | ------------------------------------ |
| `PRESENT`        | passed over before                    | released at once, `CLAIMS`           |
| `PRESENT`        | met, the same message                 | dropped as a repeat                  |
| `PRESENT`        | met, another message, the first such  | what waits: `EVENTS`; begins here    |
| `PRESENT`        | met, another message, below the first | released at once, `CLAIMS`           |
| `PRESENT`        | the next one                          | released with what waited, `CLAIMS`  |
| `PRESENT`        | empty; its first answer is held       | these swap places                   |
| `PRESENT`        | a later one                           | held                                 |
| `BEFORE`, `GONE` | any, the message is met               | dropped as a repeat                  |
| `BEFORE`         | any                                   | released at once, `EVENTS`           |
| `GONE`           | any                                   | released at once, `NOTHING`          |
| `RESTORED`       | then as `PRESENT`                     | what waits beyond the copy: `EVENTS` |
| `RECREATED`      | then as `PRESENT`                     | what waits: `CLAIMS`; `QueueEnds`    |

Invariants: no sequence of one queue is released twice. `CLAIMS` are released in rising order,
but for what was passed over. What a lost message claimed is never released with `CLAIMS`: it
says that those before it are stored, and they may be lost with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from pw_common.ordering.closed_slot import TxPosition
from pw_common.ordering.sequences.answered import Answered
from pw_common.ordering.sequences.prefix import Prefix
from pw_common.ordering.sequences.queues import Kin, Queues
from pw_common.ordering.watermark import Watermark
from pw_common.wire.messages import Batch


class Trust(Enum):
    """What of a released batch counts."""

    CLAIMS = auto()  # Its events, and what it says is complete.
    EVENTS = auto()  # Its events alone.
    NOTHING = auto()  # It is of a history that ended.


class Released(NamedTuple):
    """A batch in its turn: where in PW_TX it is taken, and which message of PW_SWAP it is."""

    batch: Batch
    trust: Trust
    tx_position: TxPosition
    swap_seq: int


class QueueEnds(NamedTuple):
    """Nothing of the queue before is to come; another queue begins at `tx_position`."""

    tx_position: TxPosition
    swap_seq: int


Step = Released | QueueEnds


class Stored(NamedTuple):
    """When a batch was stored in PW_SWAP, and at which sequence."""

    ms: int
    seq: int


class Sequencer:
    """Holds what came before its turn.

    `reused` counts how often sequences were found to mean other messages than before.
    """

    def __init__(self, first: TxPosition, held_max: int, former: Iterable[str] = ()) -> None:
        self.incarnation = first.incarnation
        self.reused = 0
        self._held_max = held_max
        self._repeats = 0
        self._queues = Queues(former)
        self._prefix = Prefix(first.tx_seq)
        self._answered = Answered()
        # Of what is held, by its sequence in PW_TX.
        self._stored: dict[int, Stored] = {}
        # What is held and has events, by the id of its message.
        self._whole: dict[str, Batch] = {}
        # What is held and was taken already, where it stood first; and the answer from there.
        self._emptied: dict[int, Batch] = {}

    @property
    def queue(self) -> str:
        """The name of the queue that is read."""
        return self._queues.present

    @property
    def former(self) -> tuple[str, ...]:
        """The names of queues before it."""
        return self._queues.former

    @property
    def held(self) -> int:
        """Batches that wait for an earlier one."""
        return self._prefix.held

    @property
    def next(self) -> TxPosition:
        """What is waited for."""
        return TxPosition(self.incarnation, self._prefix.next_seq)

    @property
    def missing(self) -> range:
        """The sequences that are waited for before the first held batch."""
        return self._prefix.missing

    @property
    def oldest_held_ms(self) -> int | None:
        """When the oldest waiting batch was stored."""
        return min((one.ms for one in self._stored.values()), default=None)

    @property
    def oldest_held_seq(self) -> int | None:
        """The least PW_SWAP sequence that waits."""
        return min((one.seq for one in self._stored.values()), default=None)

    @property
    def repeats(self) -> int:
        """Batches that were dropped as already taken."""
        return self._prefix.repeats + self._repeats

    def arrive(self, batch: Batch, stored: Stored, watermark: Watermark) -> list[Step]:
        """Take the next batch of PW_SWAP; returns what is released by it, in order."""
        match self._queues.kin(batch):
            case Kin.PRESENT:
                return [*self._in_turn(batch, stored, watermark)]
            case Kin.BEFORE | Kin.GONE if self._answered.lost_again(batch):
                self._repeats += 1
                return []
            case Kin.BEFORE:
                return [self._alone(batch, stored, Trust.EVENTS)]
            case Kin.GONE:
                return [self._alone(batch, stored, Trust.NOTHING)]
            case Kin.RESTORED:
                lost = self._restored(self._queues.shared_seq)
                return [*lost, *self._in_turn(batch, stored, watermark)]
            case Kin.RECREATED:
                return [*self._recreated(stored), *self._in_turn(batch, stored, watermark)]

    def pass_over(self) -> list[Step]:
        """Go on without what is missing before the first held batch."""
        return [*self._released(self._prefix.skip_sequence_gap())]

    def _in_turn(self, batch: Batch, stored: Stored, watermark: Watermark) -> list[Released]:
        if self._prefix.recover(batch.tx_seq):
            # Its sequence was given up: open slots take its events, those of closed ones are late.
            return [self._out_of_turn(batch, stored)]
        if self._prefix.holds(batch.tx_seq):
            if self._is_other(batch, watermark):
                return self._begins_again(batch, stored)
        else:
            self._stored[batch.tx_seq] = stored
            if batch.source:
                self._whole[batch.tx_id] = batch
        self._answered.note(batch)
        released = self._prefix.add(batch)
        if self.held > self._held_max:
            released += self._prefix.skip_sequence_gap()
        return self._released(released)

    def _restored(self, through_seq: int) -> list[Released]:
        """From here on the sequences after the copy's end mean other messages.

        What waits there answered messages that are lost from the queue and are sent again. Its
        events count; that everything before it is stored is true no longer. What was passed
        over before the copy's end is in the copy, and may be answered yet.
        """
        self.reused += 1
        self.incarnation += 1
        lost = self._prefix.drop_from(through_seq + 1)
        if self._prefix.next_seq > through_seq + 1:
            self._prefix.rebase(through_seq + 1)
        self._answered.cut(through_seq)
        return self._lost(lost)

    def _recreated(self, stored: Stored) -> list[Step]:
        """Sequences begin at 1 again, and nothing says what was lost."""
        self.incarnation += 1
        released = self._released(self._prefix.rebase(1))
        self._answered.cut(0)
        return [*released, QueueEnds(TxPosition(self.incarnation, 1), stored.seq)]

    def _is_other(self, batch: Batch, watermark: Watermark) -> bool:
        """Whether another message stood at its sequence before."""
        if not batch.tx_id:
            return False
        known = self._answered.known(batch.tx_seq)
        if known is not None:
            return known != batch.tx_id
        # Older than what is remembered: a repeat claims an older frontier than the present one.
        return watermark.is_newer(batch)

    def _begins_again(self, batch: Batch, stored: Stored) -> list[Released]:
        """A volume's older snapshot took PW_TX's place: its sequences mean other messages.

        No name says where its copy ended. What waits may be lost from it, so it proves nothing.
        """
        self.reused += 1
        if not self._answered.begins_again(batch.tx_seq):
            return [self._out_of_turn(batch, stored)]
        # Parsers may bring lower ones after it.
        lost = self._lost(self._prefix.rebase(batch.tx_seq))
        self.incarnation += 1
        self._answered.turn()
        self._answered.note(batch)
        self._stored[batch.tx_seq] = stored
        return lost + self._released(self._prefix.add(batch))

    def _released(self, batches: Iterable[Batch]) -> list[Released]:
        released = []
        for held in batches:
            one, stored = self._let_go(held)
            tx_position = TxPosition(self.incarnation, one.tx_seq)
            # Sent again, a message may be answered there first. What follows its first place
            # claims that it came, so the two answers change places.
            whole = self._whole.pop(one.tx_id, None) if one.tx_id and not one.source else None
            if whole is not None:
                self._emptied[whole.tx_seq] = one
                one, stored = whole, self._stored[whole.tx_seq]
            released.append(Released(one, Trust.CLAIMS, tx_position, stored.seq))
        return released

    def _lost(self, batches: Iterable[Batch]) -> list[Released]:
        return [self._alone(*self._let_go(one), Trust.EVENTS) for one in batches]

    def _let_go(self, held: Batch) -> tuple[Batch, Stored]:
        """It is held no longer; returns what counts of it."""
        if self._whole.get(held.tx_id) is held:
            del self._whole[held.tx_id]
        return self._emptied.pop(held.tx_seq, held), self._stored.pop(held.tx_seq)

    def _out_of_turn(self, batch: Batch, stored: Stored) -> Released:
        self._answered.note(batch)
        tx_position = TxPosition(self.incarnation, batch.tx_seq)
        return Released(batch, Trust.CLAIMS, tx_position, stored.seq)

    def _alone(self, batch: Batch, stored: Stored, trust: Trust) -> Released:
        """It has no sequence in the present queue: it is taken where that queue has come to."""
        tx_position = TxPosition(self.incarnation, self._prefix.next_seq - 1)
        return Released(batch, trust, tx_position, stored.seq)
