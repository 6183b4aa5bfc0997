"""What PW_TX had up to which sequence, to notice a stream that was restored from an older copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

# One pair this often, this many of them: ten minutes. Older copies fall back on the oldest.
EVERY_S: Final = 10.0
PAIRS_MAX: Final = 60


class TxHistory:
    """Pairs (sequence, slot): everything up to the slot is in messages up to the sequence."""

    def __init__(self) -> None:
        self._pairs: deque[tuple[int, int]] = deque(maxlen=PAIRS_MAX)
        self._noted_s = float("-inf")
        self._newest: tuple[int, int] | None = None

    def restore(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Continue from what an earlier run wrote."""
        self._pairs.extend(pairs)
        self._newest = self._pairs[-1] if self._pairs else None

    def note(self, last_seq: int, slot: int, now_s: float) -> None:
        """Everything up to `slot` is stored, in messages up to `last_seq`."""
        if slot <= 0 or last_seq <= 0:
            return
        self._newest = (last_seq, slot)
        if now_s - self._noted_s >= EVERY_S:
            self._noted_s = now_s
            self._pairs.append(self._newest)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Oldest first, the newest of all at the end."""
        newest = self._newest
        if newest is None or (self._pairs and self._pairs[-1] == newest):
            return tuple(self._pairs)
        return (*self._pairs, newest)

    def cut(self, last_seq: int) -> int | None:
        """The stream ends at `last_seq`: forget what it no longer has.

        Returns the slot up to which it is whole, or None when nothing is missing. Beyond what
        is remembered, the oldest slot known.
        """
        pairs = self.pairs
        if not pairs or pairs[-1][0] <= last_seq:
            return None
        kept = [pair for pair in pairs if pair[0] <= last_seq]
        self._pairs.clear()
        self._pairs.extend(kept)
        self._newest = kept[-1] if kept else None
        return kept[-1][1] if kept else pairs[0][1]
