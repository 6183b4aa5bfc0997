"""Which part of the chain's blocks is seen, of the last ten minutes or so. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

BLOCKS_MAX: Final = 1_500


class Share:
    """Counts blocks as they are seen or left out."""

    def __init__(self, blocks_max: int = BLOCKS_MAX) -> None:
        self._last: deque[bool] = deque(maxlen=blocks_max)
        self._seen = 0
        # Since the start.
        self.left_out = 0

    @property
    def permille(self) -> int | None:
        """Blocks seen of a thousand; None before there was one."""
        return 1000 * self._seen // len(self._last) if self._last else None

    def seen(self) -> None:
        """A block went on."""
        self._note(is_seen=True)

    def missed(self, blocks: int) -> None:
        """Blocks were left out, or could not be had."""
        self.left_out += blocks
        for _ in range(min(blocks, self._last.maxlen or 0)):
            self._note(is_seen=False)

    def _note(self, *, is_seen: bool) -> None:
        if len(self._last) == self._last.maxlen:
            self._seen -= self._last[0]
        self._last.append(is_seen)
        self._seen += is_seen
