"""Batches in, stored rows out: the one place where order and storing meet.

| what comes             | is decided by  | and then done                                       |
| ---------------------- | -------------- | --------------------------------------------------- |
| a batch                | `Assembly.add` | the slots that it closes become rows                |
| no batch               | `Reading`      | counted; no gap is passed as never stored           |
| a turn of the loop     | `Settling`     | a gap is asked about, passed, or given up: a hole   |
| enough rows, or a time | here           | rows and position are stored in one transaction     |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.jetstream.consuming.settling import Passed, Settling
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.wire.messages import Batch
from pw_history.core.progress import Progress
from pw_history.core.rows import RowMaker
from pw_history.shell.keeping import Keeping

# Each write costs some 20 ms, however little it writes.
WRITE_EVERY_S: Final = 2.0
ROWS_MAX: Final = 20_000
PASSED: Final = {
    Passed.NEVER_STORED: "pw_history_void_sequences_total",
    Passed.GIVEN_UP: "pw_history_given_up_sequences_total",
}


class Folding:
    """What is read and not stored yet."""

    def __init__(
        self,
        assembly: Assembly,
        maker: RowMaker,
        progress: Progress,
        keeping: Keeping,
        sequence_gaps: SequenceGaps,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._assembly = assembly
        self._maker = maker
        self._keeping = keeping
        self._metrics = metrics
        self.progress = progress
        self._settling = Settling(assembly, sequence_gaps, log, self._passed)
        self._written_s = monotonic_s()
        # Since when something is folded that is not written.
        self._unwritten_ms: int | None = None

    @property
    def last(self) -> tuple[int, int]:
        """The newest slot that closed, and its event time."""
        return self._maker.last

    @property
    def is_unwritten(self) -> bool:
        """Whether something was folded that an answer does not show yet."""
        return self._unwritten_ms is not None

    @property
    def held(self) -> int:
        """Batches that wait for an earlier one."""
        return self._assembly.held

    def shown_ms(self, *, at_end: bool) -> int:
        """When the newest was stored that an answer shows with all before it."""
        shown_ms = self.progress.shown_ms(self._assembly.oldest_held_ms, at_end=at_end)
        return shown_ms if self._unwritten_ms is None else min(shown_ms, self._unwritten_ms)

    def take(self, batch: Batch, seq: int, stored_ms: int) -> None:
        """Fold one message of PW_SWAP."""
        self.progress.read(seq, stored_ms, self._assembly)
        self._closed(self._assembly.add(batch, stored_ms, seq))

    def unreadable(self, seq: int) -> None:
        """A message of PW_SWAP is not a batch."""
        self.progress.read_unreadable(seq)
        self._metrics.count("pw_history_unreadable_total")

    def trimmed(self, messages: int) -> None:
        """PW_SWAP lost messages before they were read: what lies between is a hole."""
        self._maker.miss("trimmed")
        self._metrics.count("pw_history_trimmed_total", messages)

    async def settle(self, *, caught_up: bool) -> None:
        """Go on past sequences that nobody will answer.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        while (closed := await self._settling.once(self.progress, caught_up=caught_up)) is not None:
            self._closed(closed)

    async def write(self, *, force: bool = False) -> None:
        """Store what was folded, where there is enough of it or enough time has passed.

        Raises:
            duckdb.Error: nothing of it was stored; a restart reads it again.
        """
        due = len(self._maker.rows) >= ROWS_MAX or monotonic_s() - self._written_s >= WRITE_EVERY_S
        if not self.is_unwritten:
            await self._keeping.close_more()
            return
        if not (due or force):
            return
        rows = self._maker.give()
        position = self.progress.position(rows.slot, rows.event_time_ms)
        written = await self._keeping.write(rows, position)
        self._metrics.count("pw_history_swaps_total", written.swaps)
        self._metrics.count("pw_history_repeats_total", written.repeats)
        self._metrics.count("pw_history_beyond_total", written.beyond)
        self._written_s = monotonic_s()
        self._unwritten_ms = None

    def _passed(self, passed: Passed, sequences: int) -> None:
        self._metrics.count(PASSED[passed], sequences)
        if passed is Passed.GIVEN_UP:
            self._maker.miss("unanswered")

    def _closed(self, closed: Iterable[ClosedSlot]) -> None:
        for one in closed:
            self._maker.take(one)
            session = self._maker.session
            self.progress.take(one, self._assembly, session.number if session is not None else 0)
            if self._unwritten_ms is None:
                self._unwritten_ms = self.progress.come_ms
