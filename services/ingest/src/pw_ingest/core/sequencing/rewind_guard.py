"""Which sequences PW_TX gave our messages, to notice a PW_TX that gives them out again: pure.

Answers may overtake each other, so a lower one proves nothing by itself. Two things do: a
sequence that was answered before, and a sequence that is not above what had been answered when the
message was sent for the first time.
"""

from __future__ import annotations

from collections import deque
from typing import Final

# Far more than a publisher keeps in flight: for what was sent later, the second proof holds.
REMEMBERED_MAX: Final = 256


class RewindGuard:
    """Follows the answers for the messages of one stream."""

    def __init__(self) -> None:
        self.last_seq = 0
        # The least sequence that was given out again.
        self.again_seq: int | None = None
        self._ours: set[int] = set()
        self._order: deque[int] = deque()

    def answered(self, seq: int, *, floor_seq: int, is_duplicate: bool) -> bool:
        """Take an answer; returns whether it proves that an older copy replaced the stream.

        Args:
            seq: The sequence at which the message is stored.
            floor_seq: `last_seq` before the message was sent for the first time.
            is_duplicate: The message had been stored before: its sequence proves nothing.
        """
        is_again = not is_duplicate and (seq <= floor_seq or seq in self._ours)
        if is_again:
            self.again_seq = min(seq, self.again_seq or seq)
        elif not is_duplicate:
            self._remember(seq)
        self.last_seq = max(self.last_seq, seq)
        return is_again

    def _remember(self, seq: int) -> None:
        self._ours.add(seq)
        self._order.append(seq)
        if len(self._order) > REMEMBERED_MAX:
            self._ours.discard(self._order.popleft())
