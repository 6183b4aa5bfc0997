"""Which queue a batch is of: the one that is read, one before it, or one that begins here. Pure.

Every batch names the queue that its message stood in (`pw_common.topology.queue_name`). The
broker may delete that queue and create it again, or put a copy in its place, more than once and
in any order of the copies' ages. Parsers go on answering for a while what they had in hand.

| the batch's name                              | its kin         | what it means                 |
| --------------------------------------------- | --------------- | ----------------------------- |
| any, and none is known yet                    | `PRESENT`       | it is read from here on       |
| the present one's                             | `PRESENT`       | nothing changed               |
| a former one's, at a sequence that both share | `PRESENT`       | the same message in both      |
| a former one's, beyond what both share        | `BEFORE`        | lost, and sent again          |
| a former one's, which shares nothing          | `GONE`          | another history               |
| one that was never met, and shares sequences  | `RESTORED`      | a copy took the queue's place |
| one that was never met, and shares nothing    | `RECREATED`     | the queue was deleted         |
| a former one's, after `IN_HAND_MAX` such      | as one of these | it came back for good         |

A name never says which of two copies was restored first. Whichever is met later in PW_SWAP
was: a parser can only answer what the queue of its time held. Where a queue that was restored
again before anybody answered is answered after its successor, it is taken for the later one,
and its successor's claims count nothing until it has come back for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

from pw_common.topology.queue_name import MARK, shared_through
from pw_common.topology.streams import PARSER_ACK_PENDING_MAX
from pw_common.wire.messages import Batch

# Queues that are remembered; each is a restore, or a queue that was deleted.
FORMER_MAX: Final = 256
# What a fleet may have in hand of a deleted queue.
IN_HAND_MAX: Final = PARSER_ACK_PENDING_MAX


class Kin(Enum):
    """What a batch's name says, beside the queue that is read."""

    PRESENT = auto()
    BEFORE = auto()
    GONE = auto()
    RESTORED = auto()
    RECREATED = auto()


class Queues:
    """Knows the queue that is read and those before it."""

    def __init__(self, former: Iterable[str] = ()) -> None:
        # The name of the queue that is read, empty while none is known.
        self.present = ""
        self._former: dict[str, None] = dict.fromkeys(former)
        self._strays = 0
        # The last sequence that the present queue has of the one before it.
        self.shared_seq = 0

    @property
    def former(self) -> tuple[str, ...]:
        """The queues before the present one, which a later reader cannot know by itself."""
        return tuple(self._former)

    def kin(self, batch: Batch) -> Kin:
        """Take the next batch of PW_SWAP; from `RESTORED` or `RECREATED` on its queue is read."""
        name = batch.tx_stream_created
        if name == self.present:
            self._strays = 0
            return Kin.PRESENT
        if not self.present:
            self.present = name
            return Kin.PRESENT
        shared_seq = shared_through(name, self.present)
        if not self._is_former(name):
            return self._turn(name, shared_seq)
        if shared_seq is not None and batch.tx_seq <= shared_seq:
            return Kin.PRESENT
        if self._strays == IN_HAND_MAX:
            return self._turn(name, shared_seq)
        self._strays += 1
        return Kin.GONE if shared_seq is None else Kin.BEFORE

    def _is_former(self, name: str) -> bool:
        # What the present one continues came before it, met or not.
        return name in self._former or self.present.startswith(f"{name}{MARK}")

    def _turn(self, name: str, shared_seq: int | None) -> Kin:
        self._former.pop(name, None)
        self._former[self.present] = None
        if len(self._former) > FORMER_MAX:
            del self._former[next(iter(self._former))]
        self.present, self._strays = name, 0
        self.shared_seq = shared_seq or 0
        return Kin.RECREATED if shared_seq is None else Kin.RESTORED
