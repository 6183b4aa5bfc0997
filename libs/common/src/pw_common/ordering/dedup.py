"""Dropping repeats: PW_TX and PW_SWAP are at-least-once, so every reader uses this.

A key is (signature, ordinal); the slot only decides when it may be forgotten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable


class SeenWindow:
    """Remembers keys of the last `slots_max` slots and of at most `keys_max` keys.

    A repeat that comes later than that is not recognised: choose the window
    longer than any replay of the source. `evicted` counts keys that the second
    bound pushed out early.
    """

    def __init__(self, *, slots_max: int = 1_000, keys_max: int = 2_000_000) -> None:
        self._slots_max = slots_max
        self._keys_max = keys_max
        self._keys: set[Hashable] = set()
        # The keys in their order, each with its slot.
        self._order: deque[Hashable] = deque()
        self._slots: deque[int] = deque()
        self._newest_slot = 0
        self.repeats = 0
        self.evicted = 0

    def first_time(self, key: Hashable, slot: int) -> bool:
        """True when the key was not seen within the window; remembers it."""
        if key in self._keys:
            self.repeats += 1
            return False
        self._keys.add(key)
        self._order.append(key)
        self._slots.append(slot)
        if slot > self._newest_slot:
            self._newest_slot = slot
            self._forget()
        elif len(self._order) > self._keys_max:
            self._forget()
        return True

    def clear(self) -> None:
        """Forget everything: a new session begins."""
        self._keys.clear()
        self._order.clear()
        self._slots.clear()
        self._newest_slot = 0

    def _forget(self) -> None:
        oldest = self._newest_slot - self._slots_max
        while self._slots and self._slots[0] < oldest:
            self._drop()
        while len(self._order) > self._keys_max:
            self._drop()
            self.evicted += 1

    def _drop(self) -> None:
        self._slots.popleft()
        self._keys.discard(self._order.popleft())
