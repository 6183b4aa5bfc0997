"""Which message stood at which sequence of PW_TX, to notice another message there."""

from __future__ import annotations

from typing import Final

from pw_common.wire.messages import Batch

# Messages whose ids are remembered: an hour of a busy chain.
ANSWERED_MAX: Final = 131_072


class Answered:
    """Ids by sequence: of the queue as it is, and as it was before its sequences began again."""

    def __init__(self) -> None:
        self._now: dict[int, str] = {}
        self._before: dict[int, str] = {}
        # Ids of what stood in queues that are gone, or beyond a queue's copy.
        self._lost: dict[str, None] = {}

    def note(self, batch: Batch) -> None:
        """This message stands there."""
        self._now[batch.tx_seq] = batch.tx_id
        if len(self._now) > ANSWERED_MAX:
            for seq in list(self._now)[: ANSWERED_MAX // 8]:
                del self._now[seq]

    def known(self, tx_seq: int) -> str | None:
        """The id of the message that was met there, None where none is remembered."""
        return self._now.get(tx_seq) or self._before.get(tx_seq)

    def begins_again(self, tx_seq: int) -> bool:
        """Whether another message here is the first one of a queue that begins again.

        Parsers may bring lower ones after it: these are of the same beginning.
        """
        return not self._now or tx_seq in self._now or not self._before

    def turn(self) -> None:
        """The sequences begin again."""
        self._before, self._now = self._now, {}

    def cut(self, through_seq: int) -> None:
        """What stood after this sequence was of a queue that is gone, and is lost."""
        self._before = {}
        for seq in [seq for seq in self._now if seq > through_seq]:
            self._lose(self._now.pop(seq))

    def lost_again(self, batch: Batch) -> bool:
        """Whether a message of a queue that is gone was answered before; remembers it."""
        if batch.tx_id in self._lost:
            return True
        self._lose(batch.tx_id)
        return False

    def _lose(self, tx_id: str) -> None:
        if tx_id:
            self._lost[tx_id] = None
        if len(self._lost) > ANSWERED_MAX:
            del self._lost[next(iter(self._lost))]
