"""At which event time slots closed, of the last two hours or of one filling: pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Final

from pw_common.ordering.event_time import SLOT_MS

# Two hours of slots.
CLOCKS_MAX: Final = 18_000


class Clocks:
    """Slots and their event times, in the order of slots."""

    def __init__(self) -> None:
        self._times: list[tuple[int, int]] = []

    def note(self, slot: int, event_time_ms: int) -> None:
        """The next slot closed."""
        self._times.append((slot, event_time_ms))
        self._forget()

    def put(self, slot: int, event_time_ms: int) -> None:
        """The time of any slot; the first word about it holds."""
        if not self.has(slot):
            insort(self._times, (slot, event_time_ms))
            self._forget()

    def has(self, slot: int) -> bool:
        """Whether the slot's own time is known."""
        at = bisect_left(self._times, (slot, 0))
        return at < len(self._times) and self._times[at][0] == slot

    def _forget(self) -> None:
        if len(self._times) > 2 * CLOCKS_MAX:
            del self._times[:CLOCKS_MAX]

    def within(self, slot: int) -> int | None:
        """The event time of a slot: its own, else from those around it that have one.

        None for one before all that are known.
        """
        after = bisect_right(self._times, (slot, 2**63))
        if after == 0:
            return None
        before_slot, before_ms = self._times[after - 1]
        if before_slot == slot:
            return before_ms
        event_time_ms = before_ms + SLOT_MS * (slot - before_slot)
        if after < len(self._times):
            event_time_ms = min(event_time_ms, self._times[after][1])
        return event_time_ms
