"""Reorders batches by their sequence in PW_TX, and remembers what was passed over: pure."""

from __future__ import annotations

from typing import Final

from pw_common.wire.messages import Batch

# How many passed-over sequence gaps are remembered: each comes from a parser that is away, or from
# a crash.
SEQUENCE_GAPS_MAX: Final = 1_024


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
        """Sequences began again: whatever waits is released as it is, then `first_seq` is next.

        What is missing below it may come all the same: it is passed over, not forgotten.
        """
        if self._next < first_seq:
            # Each batch that waits below splits what is missing.
            below = [seq for seq in sorted(self._held) if seq < first_seq]
            starts, ends = [self._next, *(seq + 1 for seq in below)], [*below, first_seq]
            missing = [range(*pair) for pair in zip(starts, ends, strict=True)]
            self._passed += [one for one in missing if one]
        passed = [range(one.start, min(one.stop, first_seq)) for one in self._passed]
        self._passed = [one for one in passed if one][-SEQUENCE_GAPS_MAX:]
        released = [self._held.pop(seq) for seq in sorted(self._held)]
        self._next = first_seq
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

    def skip_sequence_gap(self) -> list[Batch]:
        """Give up what is missing before the first held batch; returns what the prefix gained."""
        if not self._held:
            return []
        self._passed.append(self.missing)
        del self._passed[:-SEQUENCE_GAPS_MAX]
        self._next = min(self._held)
        return self._release()

    def recover(self, seq: int) -> bool:
        """Whether this sequence was passed over and comes only now; true once."""
        for at, passed in enumerate(self._passed):
            if seq in passed:
                halves = (range(passed.start, seq), range(seq + 1, passed.stop))
                self._passed[at : at + 1] = [half for half in halves if half]
                del self._passed[:-SEQUENCE_GAPS_MAX]
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
