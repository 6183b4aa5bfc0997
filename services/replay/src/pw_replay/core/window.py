"""The server's memory of recent slots, for `from_slot`."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from pw_replay.core.items import Item

# Whole blocks are 2 to 4 MB: a memory bounded by slots alone would not be bounded.
WINDOW_BYTES_MAX: Final = 256 * 1024 * 1024


class NotAvailable(ValueError):
    """`from_slot` is older than the memory: OUT_OF_RANGE, in the public server's words."""

    def __init__(self, wanted: int, first: int) -> None:
        super().__init__(f"broadcast from {wanted} is not available, last available: {first}")
        self.first = first


class Window:
    """Items of the last `slots_max` slots, in the order in which they were played.

    It counts the slots that it holds, not their numbers, so that what was played just
    before a discontinuity can still be had after it. At most `bytes_max` are held.
    """

    def __init__(self, slots_max: int, bytes_max: int = WINDOW_BYTES_MAX) -> None:
        self._slots_max = slots_max
        self._bytes_max = bytes_max
        self._items: deque[Item] = deque()
        self._slots: Counter[int] = Counter()
        self._bytes = 0
        self._forgotten = 0

    @property
    def first_available(self) -> int | None:
        """The oldest slot that can be replayed whole, or None where there is none."""
        return min((slot for slot in self._slots if slot > self._forgotten), default=None)

    def add(self, item: Item) -> None:
        """Remember an item, forgetting the oldest ones beyond the bounds."""
        self._items.append(item)
        self._bytes += len(item.rest)
        if item.slot:
            self._slots[item.slot] += 1
        while len(self._slots) > self._slots_max or self._bytes > self._bytes_max:
            self._forget_one()

    def since(self, slot: int) -> list[Item]:
        """Everything that was played from this slot on, in order.

        After a discontinuity slots may be lower than before: where this slot begins in the
        order of playing is what counts.

        Raises:
            NotAvailable: the memory begins later.
        """
        if self._forgotten and slot <= self._forgotten:
            raise NotAvailable(slot, self.first_available or self._forgotten + 1)
        first = self.first_available
        if first is not None and slot < first:
            raise NotAvailable(slot, first)
        begins = next((at for at, item in enumerate(self._items) if item.slot >= slot), None)
        return [] if begins is None else list(self._items)[begins:]

    def _forget_one(self) -> None:
        item = self._items.popleft()
        self._bytes -= len(item.rest)
        if item.slot:
            self._forgotten = max(self._forgotten, item.slot)
            self._slots[item.slot] -= 1
            if not self._slots[item.slot]:
                del self._slots[item.slot]
        if self._items and self._items[0].discontinuity:
            # What is left is of later runs only, and these may be at lower slots.
            self._forgotten = min(self._forgotten, max(self._items[0].slot - 1, 0))
