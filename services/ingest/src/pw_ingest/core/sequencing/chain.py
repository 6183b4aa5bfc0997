"""Which slots are complete, by the chain of parents that the block_metas give.

A slot is closed when the block_meta of a descendant has arrived: its own may
come before its last transactions. Slot numbers without a block are not a gap.
"""

from __future__ import annotations

from typing import NamedTuple

# A parent that this many later blocks do not bring is missing, not late.
GAP_PATIENCE = 8
# This many old blocks in a row, with nothing new among them, are another history.
OLD_RUN_MAX = 256


class Missing(NamedTuple):
    """Slots that never came; both ends inclusive."""

    first_slot: int
    last_slot: int


class Step(NamedTuple):
    """What one block_meta changed. `missing` lies below `closed_slot`."""

    closed_slot: int | None
    missing: Missing | None = None
    went_back: bool = False


NOTHING = Step(None)


class Chain:
    """Follows the parents; tolerates repeats and disorder."""

    def __init__(self, *, patience: int = GAP_PATIENCE) -> None:
        self._patience_usual = patience
        # How many blocks without their parent show that it is missing. 1: the source has said
        # that the next block does not follow, so that the first one shows it.
        self._patience = patience
        self._tip: int | None = None
        self._old_run = 0
        # How many old blocks were asked for again, and are no other history.
        self._asked_again = 0
        # Blocks whose parent is not known yet: slot to parent; never over `patience`, or as
        # many as an endpoint that is still waited for may be behind.
        self._waiting: dict[int, int] = {}
        self.closed_slot: int | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the next block was declared not to follow, and no following block has come."""
        return self._patience < self._patience_usual

    def restart(self) -> None:
        """A new history: whatever comes first is its start."""
        self._tip = None
        self._old_run = self._asked_again = 0
        self._patience = self._patience_usual
        self._waiting.clear()
        self.closed_slot = None

    def resume(
        self, complete_slot: int, *, is_break: bool = False, asked_slot: int | None = None
    ) -> None:
        """The stream begins again after `complete_slot`, up to which everything was received.

        Args:
            is_break: The source has said that it cannot give what follows, so the first block
                tells what is missing.
            asked_slot: Where it was asked to begin: what was received and not yet stored comes
                again, and that may be much where the broker took the rest before one message.
        """
        self._tip = complete_slot
        self._old_run = 0
        self._asked_again = max(0, complete_slot + 1 - asked_slot) if asked_slot else 0
        self._patience = 1 if is_break else self._patience_usual
        self._waiting.clear()
        self.closed_slot = complete_slot

    def skip(self) -> None:
        """What follows the newest block is left out on purpose; the block itself is whole."""
        if self._tip is not None:
            self._close(self._tip)
        self._patience = 1

    def block(self, slot: int, parent_slot: int, *, behind_slot: int | None = None) -> Step:
        """Take a block_meta. A slot that is not above its own parent says nothing.

        Args:
            slot: Its slot.
            parent_slot: Its parent's.
            behind_slot: Where the slowest endpoint that still counts is; None without others.
                A parent that it has not passed is late, however many blocks came since.
        """
        if parent_slot >= slot:
            return NOTHING
        if self._tip is None:
            self._tip = slot
            return NOTHING
        if slot <= self._tip:
            self._old_run += 1
            return Step(None, went_back=self._old_run >= OLD_RUN_MAX + self._asked_again)
        self._old_run = self._asked_again = 0
        # Of two blocks of one slot the first counts, here as for every reader.
        self._waiting.setdefault(slot, parent_slot)
        missing: Missing | None = None
        closed_before = self.closed_slot
        self._attach()
        last_slot = self._waiting[min(self._waiting)] if self._waiting else 0
        is_late = behind_slot is not None and behind_slot <= last_slot
        if len(self._waiting) >= self._patience and not is_late:
            missing = Missing(self._tip + 1, last_slot)
            self._tip = last_slot
            self._close(last_slot)
            self._attach()
        if not self._waiting:
            self._patience = self._patience_usual
        if self.closed_slot == closed_before:
            return NOTHING
        return Step(self.closed_slot, missing)

    def _attach(self) -> None:
        # A parent at or below the tip is known: nothing lies between it and its child.
        while self._waiting and self._tip is not None:
            slot = min(self._waiting)
            if self._waiting[slot] > self._tip:
                return
            del self._waiting[slot]
            if slot > self._tip:
                self._close(self._tip)
                self._tip = slot

    def _close(self, slot: int) -> None:
        if self.closed_slot is None or slot > self.closed_slot:
            self.closed_slot = slot
