"""Up to which slot everything is known to be stored.

The publisher may store messages in another order than they were sent, so a
message may only claim what was acknowledged before it was built. Messages are
numbered as they are sent, records of gaps among them; a closed slot becomes the
frontier when every number up to its last one is acknowledged.
"""

from __future__ import annotations

from collections import deque


class Frontier:
    """Numbers what is sent and follows what is stored."""

    def __init__(self, slot: int = 0) -> None:
        # 0 says: nothing is claimed yet.
        self.slot = slot
        self.sent_last = 0
        self._stored_up_to = 0
        self._stored_ahead: set[int] = set()
        self._closed: deque[tuple[int, int]] = deque()

    @property
    def in_flight(self) -> int:
        """How many sent messages are not known to be stored."""
        return self.sent_last - self._stored_up_to - len(self._stored_ahead)

    def sent(self) -> int:
        """Number the next message."""
        self.sent_last += 1
        return self.sent_last

    def stored(self, number: int) -> None:
        """The broker has said that this message is stored; in any order."""
        self._stored_ahead.add(number)
        while self._stored_up_to + 1 in self._stored_ahead:
            self._stored_up_to += 1
            self._stored_ahead.remove(self._stored_up_to)
        self._advance()

    def closed(self, slot: int) -> None:
        """All of `slot` and before is in the messages numbered so far, gaps included."""
        self._closed.append((slot, self.sent_last))
        self._advance()

    def restart(self, slot: int = 0) -> None:
        """Another session begins; what is in flight keeps its numbers."""
        self.slot = slot
        self._closed.clear()

    def _advance(self) -> None:
        while self._closed and self._closed[0][1] <= self._stored_up_to:
            self.slot = max(self.slot, self._closed.popleft()[0])
