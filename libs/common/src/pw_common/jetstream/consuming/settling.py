"""Going on past sequences of PW_TX that nobody will answer: for every reader that folds PW_SWAP."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.ordering.reading import Reading
from pw_common.ordering.sequence_gaps import SequenceGap, sequence_gap
from pw_common.process.clock import now_ms
from pw_common.process.log import Log


class Passed(Enum):
    """Why sequences were passed over."""

    NEVER_STORED = auto()
    GIVEN_UP = auto()


class Settling:
    """Asks about the gap before the first held batch, and passes it when that is right.

    Args:
        count: Told how many sequences were passed, and why.
    """

    def __init__(
        self,
        assembly: Assembly,
        sequence_gaps: SequenceGaps,
        log: Log,
        count: Callable[[Passed, int], None],
    ) -> None:
        self._assembly = assembly
        self._sequence_gaps = sequence_gaps
        self._log = log
        self._count = count

    async def once(self, reading: Reading, *, caught_up: bool) -> list[ClosedSlot] | None:
        """Pass one gap; returns the slots that close by that, None where nothing was passed.

        In a backlog the stream's own clock counts, else every gap would look old.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        closed = await self._never_stored(reading)
        if closed is not None:
            return closed
        return await self._give_up(reading, caught_up=caught_up)

    async def _never_stored(self, reading: Reading) -> list[ClosedSlot] | None:
        young = SequenceGap.NONE, SequenceGap.YOUNG
        if reading.unreadable or sequence_gap(self._assembly, now_ms()) in young:
            return None
        missing, queue = self._assembly.missing, self._assembly.queue
        until_seq = await self._sequence_gaps.never_stored_until(missing, reading.read_seq, queue)
        if not until_seq:
            return None
        closed = self._assembly.skip_never_stored(until_seq)
        self._log.warning("never_stored_sequences", first_tx_seq=missing[0], last_tx_seq=until_seq)
        self._count(Passed.NEVER_STORED, len(missing))
        return closed

    async def _give_up(self, reading: Reading, *, caught_up: bool) -> list[ClosedSlot] | None:
        missing, gaps = self._assembly.missing, self._sequence_gaps
        if caught_up and gaps.is_asked(missing, self._assembly.queue):
            return None  # The next message, or none, proves that it was never stored.
        clock_ms = now_ms() if caught_up else reading.stored_ms
        if sequence_gap(self._assembly, clock_ms) is not SequenceGap.DUE:
            return None
        if caught_up and await gaps.is_to_come(missing):
            return None
        closed = self._assembly.skip_sequence_gaps(clock_ms)
        self._say_given_up(reading, missing, len(closed), caught_up=caught_up)
        reading.given_up(missing)
        return closed

    def _say_given_up(
        self, reading: Reading, missing: range, released: int, *, caught_up: bool
    ) -> None:
        first, last = missing.start, missing[-1]
        if not caught_up and not reading.unreadable:
            # In a backlog most were never stored; what is answered after all is counted late.
            self._log.info("sequence_gap_passed", first_tx_seq=first, last_tx_seq=last)
            return
        self._log.error(
            "sequence_gap_given_up", first_tx_seq=first, last_tx_seq=last, released=released
        )
        self._count(Passed.GIVEN_UP, len(missing))
