"""From where a restart must read, kept while folding: pure.

A note is taken about once a minute of event time. The newest note that is older than the
horizon is where reading must begin for every window to be whole.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from pw_common.ordering.assembly import TxPosition

NOTE_EVERY_MS: Final = 60_000
# Two hours of windows and wallets' memory, and five minutes for slots cut by the note.
HORIZON_MS: Final = 125 * 60_000


class Note(NamedTuple):
    """Reading PW_SWAP from `swap_seq`, with the prefix at `tx_position`, gives all after then."""

    event_time_ms: int
    swap_seq: int
    tx_position: TxPosition
    # Queues before the queue that is read there.
    former: tuple[str, ...] = ()


class Resumed(NamedTuple):
    """What an earlier run had done, and where reading begins again."""

    swap_stream_created: str
    first: Note
    folded_seq: int = 0
    folded_tx_position: TxPosition = TxPosition(0, 0)
    released_slot: int = 0
    session_time_ms: int = 0


class RestartPoints:
    """The notes of the last horizon and one before it."""

    def __init__(self, first: Note) -> None:
        self._notes: deque[Note] = deque([first])

    def reset(self, note: Note) -> None:
        """A discontinuity: windows are empty, nothing before it is needed."""
        self._notes.clear()
        self._notes.append(note)

    def take(self, note: Note) -> None:
        """Note where reading stands after a slot closed at this event time."""
        if note.event_time_ms - self._notes[-1].event_time_ms >= NOTE_EVERY_MS:
            self._notes.append(note)
        while len(self._notes) > 1 and self._notes[1].event_time_ms <= (
            note.event_time_ms - HORIZON_MS
        ):
            self._notes.popleft()

    @property
    def oldest(self) -> Note:
        """Where a restart must begin."""
        return self._notes[0]
