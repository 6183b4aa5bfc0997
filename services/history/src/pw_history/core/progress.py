"""How far history has read, and from where a restart reads again: pure.

A restart folds the last minutes again, so that clocks and what is known of repeats are as they
were; what was stored already is looked up and left out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.ordering.reading import Reading
from pw_common.ordering.restart import Note, RestartPoints

# Longer than a filled slot waits for its header, ten minutes, and than clocks need to be those of
# before a start.
HORIZON_MS: Final = 12 * 60_000
NOTE_EVERY_MS: Final = 10_000


class StoredPosition(NamedTuple):
    """Where a restart reads PW_SWAP again, and up to where it was read.

    `restart_session` is the session at `restart_seq`; times are in milliseconds,
    `read_time_ms` by the broker's clock, the others event time.
    """

    swap_stream_created: str
    restart_seq: int
    restart_incarnation: int
    restart_tx_seq: int
    restart_former: tuple[str, ...]
    restart_session: int
    restart_time_ms: int
    read_seq: int
    read_time_ms: int
    slot: int
    event_time_ms: int

    def note(self) -> Note:
        """Where reading begins again."""
        return Note(
            self.restart_time_ms,
            self.restart_seq,
            TxPosition(self.restart_incarnation, self.restart_tx_seq),
            self.restart_former,
            self.restart_session,
        )


class Progress(Reading):
    """Follows the reader of one PW_SWAP.

    Args:
        come_ms: When the oldest message was stored that no earlier run had read; now, where all
            were.
    """

    def __init__(self, swap_stream_created: str, first: Note, *, come_ms: int = 0) -> None:
        super().__init__(first.swap_seq)
        self._come_ms = come_ms
        self.swap_stream_created = swap_stream_created
        self._restart = RestartPoints(first, HORIZON_MS, every_ms=NOTE_EVERY_MS)

    @property
    def come_ms(self) -> int:
        """Up to when all that was stored is read: what a start reads again is no news."""
        return max(self._come_ms, self.stored_ms)

    def shown_ms(self, held_ms: int | None, *, at_end: bool) -> int:
        """When the newest was stored before which nothing waits for its turn.

        Args:
            held_ms: When the oldest was stored that waits for one before it.
            at_end: Whether nothing is left to be read.
        """
        # What a start reads again may have to wait for a moment, and is no news.
        if held_ms is None or (self.stored_ms < self._come_ms and not at_end):
            return self.come_ms
        return min(self.come_ms, held_ms)

    def take(self, one: ClosedSlot, assembly: Assembly, session: int) -> None:
        """A slot closed; its rows are made."""
        if one.amends:
            return
        if one.reset and assembly.session_start is not None:
            # Its first slots come from messages before the message that closed them.
            seq, place = assembly.session_start
            self._restart.reset(Note(one.event_time_ms, seq, place, assembly.former, session))
        elif one.reset:
            self._restart.hold(one.event_time_ms)
        self._restart.take(
            Note(
                one.event_time_ms,
                self.again_seq(assembly),
                assembly.next,
                assembly.former,
                session,
            )
        )

    def position(self, slot: int, event_time_ms: int) -> StoredPosition:
        """What is stored with the rows up to this slot."""
        oldest = self._restart.oldest
        return StoredPosition(
            swap_stream_created=self.swap_stream_created,
            restart_seq=oldest.swap_seq,
            restart_incarnation=oldest.tx_position.incarnation,
            restart_tx_seq=oldest.tx_position.tx_seq,
            restart_former=oldest.former,
            restart_session=oldest.session,
            restart_time_ms=oldest.event_time_ms,
            read_seq=self.read_seq,
            read_time_ms=self.stored_ms,
            slot=slot,
            event_time_ms=event_time_ms,
        )
