"""Which slots are complete, from sequences and frontiers alone: no timer takes part.

PW_TX sequences have no holes, and every PW_TX message is answered by one batch
that names its sequence. So a reader of PW_SWAP knows from the sequences that it
holds whether an earlier message is still being parsed. The frontier of the
newest batch in the contiguous prefix says which slots were stored before it;
the watermark is the least of these over the sources.
"""

from __future__ import annotations

from typing import Final

from pw_common.wire.limits import SLOT_MAX
from pw_common.wire.messages import Batch

# Holes passed over that are remembered: one comes of a parser that is away, or of a crash.
HOLES_MAX: Final = 1_024


class Prefix:
    """Reorders batches by `tx_seq` and releases the contiguous prefix.

    The first batch seen may not be the first of the stream: give `first_seq`, the
    sequence that the prefix begins with. A sequence below the prefix is a repeat.
    """

    def __init__(self, first_seq: int = 1) -> None:
        self._next = first_seq
        self._held: dict[int, Batch] = {}
        # What was passed over, in order; whatever is taken of it splits its range.
        self._passed: list[range] = []
        self.repeats = 0

    def rebase(self, first_seq: int) -> list[Batch]:
        """Sequences began again: whatever waits is released as it is, then `first_seq` is next."""
        released = [self._held.pop(seq) for seq in sorted(self._held)]
        self._next = first_seq
        self._passed.clear()
        return released

    def drop_from(self, seq: int) -> list[Batch]:
        """Sequences from here on began again: what waits at them waits no longer; returns it."""
        return [self._held.pop(one) for one in sorted(self._held) if one >= seq]

    def holds(self, seq: int) -> bool:
        """Whether this sequence waits or was released."""
        return seq < self._next or seq in self._held

    @property
    def held(self) -> int:
        """Batches that wait for an earlier one."""
        return len(self._held)

    @property
    def next_seq(self) -> int:
        """The sequence that the prefix waits for."""
        return self._next

    @property
    def missing(self) -> range:
        """The sequences between the prefix and the first held batch; empty when none waits."""
        return range(self._next, min(self._held, default=self._next))

    def skip_hole(self) -> list[Batch]:
        """Give up what is missing before the first held batch; returns what the prefix gained."""
        if not self._held:
            return []
        self._passed.append(self.missing)
        del self._passed[:-HOLES_MAX]
        self._next = min(self._held)
        return self._release()

    def recover(self, seq: int) -> bool:
        """Whether this sequence was passed over and comes only now; true once."""
        for at, passed in enumerate(self._passed):
            if seq in passed:
                halves = (range(passed.start, seq), range(seq + 1, passed.stop))
                self._passed[at : at + 1] = [half for half in halves if half]
                del self._passed[:-HOLES_MAX]
                return True
        return False

    def add(self, batch: Batch) -> list[Batch]:
        """Take one batch in any order; returns what the prefix gained, in order."""
        if batch.tx_seq < self._next or batch.tx_seq in self._held:
            self.repeats += 1
            return []
        self._held[batch.tx_seq] = batch
        return self._release()

    def _release(self) -> list[Batch]:
        released = []
        while self._next in self._held:
            released.append(self._held.pop(self._next))
            self._next += 1
        return released


class Watermark:
    """The highest slot that is complete on every source, from batches of the prefix in order."""

    def __init__(self) -> None:
        self._frontiers: dict[str, tuple[int, int]] = {}

    def advance(self, batch: Batch) -> int:
        """Take the next batch of the prefix; returns the watermark after it (0: none yet).

        A frontier of 0 says nothing, nor does one beyond any chain. A new epoch replaces its
        source's frontier.
        """
        if 0 < batch.frontier_slot <= SLOT_MAX:
            epoch, frontier = self._frontiers.get(batch.source, (batch.epoch, 0))
            if batch.epoch != epoch:
                frontier = 0
            self._frontiers[batch.source] = (batch.epoch, max(frontier, batch.frontier_slot))
        return self.slot

    @property
    def slot(self) -> int:
        """Every slot up to here is complete."""
        return min((frontier for _, frontier in self._frontiers.values()), default=0)

    def is_newer(self, batch: Batch) -> bool:
        """Whether a batch claims at least what its source claimed last, or is of a new epoch."""
        known = self._frontiers.get(batch.source)
        if known is None or not batch.frontier_slot:
            return False
        return batch.epoch > known[0] or (
            batch.epoch == known[0] and batch.frontier_slot >= known[1]
        )

    def is_late(self, batch: Batch, slot: int) -> bool:
        """Whether an event of this slot comes after its slot was declared complete."""
        epoch, frontier = self._frontiers.get(batch.source, (batch.epoch, 0))
        # Slot 0 is what a source says that does not know the slot: it is never windowed.
        return epoch == batch.epoch and 0 < slot <= frontier
