"""Where the chain of blocks is broken, and whether what was filled in later mends it: pure."""

from __future__ import annotations

from typing import Final

# Breaks of one session; beyond this the oldest are never found mended.
BREAKS_MAX: Final = 4_096
# Parents of blocks that were filled in, the newest: a gap of two hours has 18,000.
FILLED_MAX: Final = 65_536


class Breaks:
    """Follows the parents of the blocks that close, and of those that are filled in."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._last_slot: int | None = None
        # Broken slot -> (the last block before it, the ancestor down to which all is there).
        self._open: dict[int, tuple[int, int]] = {}
        self._filled: dict[int, int] = {}

    def block(self, slot: int, parent: int) -> None:
        """A block of a slot that has not closed yet."""
        self._parents[slot] = parent

    def close(self, slot: int) -> bool:
        """The next slot closes; returns whether blocks are missing before it."""
        parent = self._parents.pop(slot, None)
        if parent is None:
            return False
        before, self._last_slot = self._last_slot, slot
        if before is None or not before < parent < slot:
            return False
        if len(self._open) == BREAKS_MAX:
            del self._open[next(iter(self._open))]
        self._open[slot] = before, parent
        return True

    def fill(self, slot: int, parent: int) -> None:
        """A block that belongs to a gap."""
        if self._open and parent < slot:
            if len(self._filled) == FILLED_MAX:
                del self._filled[next(iter(self._filled))]
            self._filled[slot] = parent

    def mended(self) -> tuple[int, ...]:
        """The broken slots before which every block is there now; each is returned once."""
        found = tuple(slot for slot in list(self._open) if self._is_mended(slot))
        for slot in found:
            del self._open[slot]
        return found

    def _is_mended(self, slot: int) -> bool:
        before, at = self._open[slot]
        while at > before and at in self._filled:
            at = self._filled[at]
        self._open[slot] = before, at
        return at <= before
