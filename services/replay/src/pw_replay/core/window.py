"""The server's memory of recent slots, for `from_slot`."""

from __future__ import annotations

from collections import deque

from pw_replay.core.items import Item


class NotAvailable(ValueError):
    """`from_slot` is older than the memory: OUT_OF_RANGE, in the public server's words."""

    def __init__(self, wanted: int, first: int) -> None:
        super().__init__(f"broadcast from {wanted} is not available, last available: {first}")
        self.first = first


class Window:
    """Items of the last `slots_max` slots, in the order in which they were played."""

    def __init__(self, slots_max: int) -> None:
        self._slots_max = slots_max
        self._items: deque[Item] = deque()
        self._newest = 0

    @property
    def first_available(self) -> int | None:
        """The oldest slot that can be replayed whole, or None before the first."""
        return min((item.slot for item in self._items if item.slot), default=None)

    def add(self, item: Item) -> None:
        """Remember an item, forgetting what is too old. A new epoch forgets everything."""
        if item.discontinuity:
            self._items.clear()
            self._newest = 0
        self._items.append(item)
        self._newest = max(self._newest, item.slot)
        while self._items and self._items[0].slot <= self._newest - self._slots_max:
            self._items.popleft()

    def since(self, slot: int) -> list[Item]:
        """Everything from this slot on, in order.

        Raises:
            NotAvailable: the memory begins later.
        """
        first = self.first_available
        if first is not None and slot < first:
            raise NotAvailable(slot, first)
        return [item for item in self._items if item.slot >= slot or item.kind == "other"]
