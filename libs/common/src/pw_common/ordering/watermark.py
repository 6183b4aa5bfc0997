"""Which slots are complete, from sequences and frontiers alone: no timer takes part.

PW_TX sequences have no gaps, and every PW_TX message is answered by one batch
that names its sequence. So a reader of PW_SWAP knows from the sequences that it
holds whether an earlier message is still being parsed. The frontier of the
newest batch in the contiguous prefix says which slots were stored before it;
the watermark is the least of these over the sources.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pw_common.wire.limits import SLOT_MAX
from pw_common.wire.messages import Batch


class Watermark:
    """The highest slot that is complete on every source, from batches of the prefix in order."""

    def __init__(self) -> None:
        self._frontiers: dict[str, tuple[int, int]] = {}

    def advance(self, batch: Batch) -> int:
        """Take the next batch of the prefix; returns the watermark after it (0: none yet).

        A frontier of 0 says nothing, nor does one beyond any chain. A new session replaces its
        source's frontier.
        """
        if 0 < batch.frontier_slot <= SLOT_MAX:
            session, frontier = self._frontiers.get(batch.source, (batch.epoch, 0))
            if batch.epoch != session:
                frontier = 0
            self._frontiers[batch.source] = (batch.epoch, max(frontier, batch.frontier_slot))
        return self.slot

    @property
    def sources(self) -> AbstractSet[str]:
        """The sources that have claimed what is complete; nothing is known of the others."""
        return self._frontiers.keys()

    @property
    def slot(self) -> int:
        """Every slot up to here is complete."""
        return min((frontier for _, frontier in self._frontiers.values()), default=0)

    def is_newer(self, batch: Batch) -> bool:
        """Whether a batch claims at least what its source claimed last, or is of a new session."""
        known = self._frontiers.get(batch.source)
        if known is None or not batch.frontier_slot:
            return False
        return batch.epoch > known[0] or (
            batch.epoch == known[0] and batch.frontier_slot >= known[1]
        )

    def is_late(self, batch: Batch, slot: int) -> bool:
        """Whether an event of this slot comes after its slot was declared complete."""
        session, frontier = self._frontiers.get(batch.source, (batch.epoch, 0))
        # Slot 0 means that the source does not know the slot: it is in no window.
        return session == batch.epoch and 0 < slot <= frontier
