"""From where a restart must read, kept while folding: pure.

A note is taken every so often in event time. The newest note that is older than the horizon is
where reading must begin for everything within the horizon to be whole.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from pw_common.ordering.closed_slot import TxPosition

NOTE_EVERY_MS: Final = 60_000


class Note(NamedTuple):
    """Reading PW_SWAP from `swap_seq`, with the prefix at `tx_position`, gives all after then.

    `session` is for whoever counts sessions: the number of the one that is read there.
    """

    event_time_ms: int
    swap_seq: int
    tx_position: TxPosition
    # Queues before the queue that is read there.
    former: tuple[str, ...] = ()
    session: int = 0


class RestartPoints:
    """The notes of the last horizon and one before it."""

    def __init__(self, first: Note, horizon_ms: int, *, every_ms: int = NOTE_EVERY_MS) -> None:
        self._notes: deque[Note] = deque([first])
        self._horizon_ms = horizon_ms
        self._every_ms = every_ms
        self._holds_until_ms = 0

    def reset(self, note: Note) -> None:
        """A discontinuity: nothing before it is needed."""
        self._notes.clear()
        self._notes.append(note)
        self._holds_until_ms = 0

    def hold(self, event_time_ms: int) -> None:
        """A discontinuity that cannot be read again from itself: what is known stays needed.

        Event time may jump there, and a part of what follows was read before.
        """
        self._holds_until_ms = event_time_ms + self._horizon_ms

    def take(self, note: Note) -> None:
        """Note where reading stands after a slot closed at this event time."""
        if note.event_time_ms - self._notes[-1].event_time_ms >= self._every_ms:
            self._notes.append(note)
        if note.event_time_ms < self._holds_until_ms:
            return
        while len(self._notes) > 1 and self._notes[1].event_time_ms <= (
            note.event_time_ms - self._horizon_ms
        ):
            self._notes.popleft()

    @property
    def oldest(self) -> Note:
        """Where a restart must begin."""
        return self._notes[0]
