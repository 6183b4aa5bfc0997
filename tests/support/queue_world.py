"""A source, a queue that is deleted and restored, and parsers: what a reader of PW_SWAP meets.

The world obeys the rules of the real one. Ingest sends messages in order and goes back to the
checkpoint of a copy; a parser answers what it has in hand, with an empty batch where the same
message was answered at another place; a copy has the queue's messages and none of the answers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pw_common.topology.queue_name import means_the_same
from pw_common.wire.messages import Batch, Event, QuoteTrade, SlotEvent, Swap
from support import cut_stream

# Messages that a fleet may have in hand.
IN_HAND_MAX: Final = 9
# Of each session.
SLOTS: Final = 40


@dataclass(frozen=True)
class Copy:
    """A backup of PW_TX, and the checkpoint that was copied before it."""

    name: str
    last_seq: int
    pending: dict[int, Batch]
    cursor: int


@dataclass
class World:
    """`arrived` is PW_SWAP; `messages` is what the source has to send, in order."""

    messages: list[Batch]
    rng: random.Random
    name: str = "2026-01-01T00:00:00Z"
    last_seq: int = 0
    cursor: int = 0
    # Of the present queue, by sequence; and what parsers hold of queues before it.
    pending: dict[int, Batch] = field(default_factory=dict)
    strays: list[Batch] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    arrived: list[Batch] = field(default_factory=list)
    first: dict[str, Batch] = field(default_factory=dict)

    def send(self, count: int) -> None:
        """Ingest stores the next messages."""
        for one in self.messages[self.cursor : self.cursor + count]:
            self.put(one)
        self.cursor = min(len(self.messages), self.cursor + count)

    def put(self, one: Batch) -> None:
        """One message is stored at the queue's end."""
        self.last_seq += 1
        self.pending[self.last_seq] = msgspec.structs.replace(
            one, tx_seq=self.last_seq, tx_stream_created=self.name
        )

    def leave_never_stored(self) -> None:
        """A broker that crashed counted a message that it had not stored."""
        self.last_seq += self.rng.randrange(1, 4)

    def answer(self, count: int) -> None:
        """Parsers answer some of what they may have in hand, in any order."""
        for _ in range(count):
            if self.strays and self.rng.random() < 0.2:
                self._store(self.strays.pop(self.rng.randrange(len(self.strays))))
            elif self.pending:
                seqs = sorted(self.pending)[:IN_HAND_MAX]
                self._store(self.pending.pop(self.rng.choice(seqs)))

    def answer_all(self) -> None:
        """Nothing stays in hand."""
        while self.pending or self.strays:
            self.answer(1)

    def repeat(self) -> None:
        """PW_SWAP has an answer twice: one whose acknowledgement was lost."""
        if self.arrived:
            self.arrived.append(self.rng.choice(self.arrived[-2 * IN_HAND_MAX :]))

    def copy(self) -> None:
        """Take a backup; its checkpoint may lie a little further back."""
        cursor = max(0, self.cursor - self.rng.randrange(12))
        self.copies.append(Copy(self.name, self.last_seq, dict(self.pending), cursor))

    def restore(self) -> None:
        """Put any of the copies in the queue's place, but for one that would bear a used name."""
        copies = [one for one in self.copies if f"{one.name}+{one.last_seq}" not in self.names]
        if not copies:
            return
        self._let_go()
        copy = self.rng.choice(copies)
        self.name, self.last_seq = f"{copy.name}+{copy.last_seq}", copy.last_seq
        self.names.add(self.name)
        self.pending = {
            seq: msgspec.structs.replace(one, tx_stream_created=self.name)
            for seq, one in copy.pending.items()
        }
        self.cursor = copy.cursor

    def recreate(self, name: str) -> None:
        """The queue is deleted and made again; ingest goes on where it was."""
        self._let_go()
        self.name, self.last_seq, self.pending = name, 0, {}

    def _let_go(self) -> None:
        """Some of what parsers had in hand they answer yet, the rest is forgotten.

        Of a queue that had no answer while it was there they have none later: which of two such
        queues came first, only their answers say.
        """
        if not any(one.tx_stream_created == self.name for one in self.arrived):
            return
        in_hand = [self.pending[seq] for seq in sorted(self.pending)[:IN_HAND_MAX]]
        self.strays += [one for one in in_hand if self.rng.random() < 0.5]

    def is_never_stored(self, queue: str, missing: range) -> bool:
        """What the broker would prove: none of these is in the queue, and all were given out."""
        if not missing or queue != self.name:
            return False
        return missing[-1] <= self.last_seq and not self.pending.keys() & set(missing)

    def _store(self, one: Batch) -> None:
        first = self.first.setdefault(one.tx_id, one)
        if first is one:
            self.arrived.append(one)
            return
        if first.tx_seq == one.tx_seq and means_the_same(
            first.tx_stream_created, one.tx_stream_created, one.tx_seq
        ):
            return  # A redelivery: its answer is stored.
        answer = cut_stream.empty(one, one.tx_seq)
        self.arrived.append(answer)


def history(rng: random.Random, sessions: int, *, slots_apart: int = 0) -> list[Batch]:
    """Messages of sessions one after the other, whose slots have the same numbers by default."""
    messages: list[Batch] = []
    for session in range(1, sessions + 1):
        events = [
            _own(one, session, slots_apart * session)
            for one in cut_stream.flow(rng.randrange(10_000), SLOTS)
        ]
        for one in cut_stream.cut(events, rng.randrange(10_000), epoch=session):
            name = f"tx:{slots_apart}:{session}:{one.tx_seq}"
            messages.append(msgspec.structs.replace(one, tx_id=name))
    return messages


def _own(event: Event, session: int, further: int) -> Event:
    """The same event of another history, so many slots further on."""
    moved: Event = event
    if isinstance(event, SlotEvent):
        time_s = (event.block_time_s or 0) + further
        slot, parent = event.slot + further, event.parent + further
        moved = msgspec.structs.replace(event, slot=slot, parent=parent, block_time_s=time_s)
    elif isinstance(event, Swap | QuoteTrade):
        slot, signature = event.slot + further, f"{session}:{event.signature}"
        moved = msgspec.structs.replace(event, slot=slot, signature=signature)
    return moved


def anything(world: World, restores: int) -> Iterator[None]:
    """Anything happens, until everything was sent and answered; then comes what closes the end.

    An answer to what is sent again is empty, so that the last slots wait for a new message.
    """
    rng = world.rng
    *before, last = world.messages
    world.messages = before
    while world.cursor < len(before) or restores:
        what = rng.random()
        if what < 0.4:
            world.send(rng.randrange(1, 9))
        elif what < 0.8:
            world.answer(rng.randrange(1, 9))
        elif what < 0.85:
            world.repeat()
        elif what < 0.9:
            world.leave_never_stored()
        elif what < 0.95:
            world.copy()
        elif restores:
            restores -= 1
            world.restore()
        yield
    world.answer_all()
    world.messages = [*before, last]
    world.send(1)
    world.answer_all()
