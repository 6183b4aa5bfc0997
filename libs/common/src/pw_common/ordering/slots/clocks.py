"""When the slots of the last two hours closed, by event time: pure."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from pw_common.ordering.event_time import SLOT_MS

# Two hours of slots.
CLOCKS_MAX: Final = 18_000


class Clocks:
    """Slots and their event times, in the order in which they closed."""

    def __init__(self) -> None:
        self._times: list[tuple[int, int]] = []

    def note(self, slot: int, event_time_ms: int) -> None:
        """The next slot closed."""
        self._times.append((slot, event_time_ms))
        if len(self._times) > 2 * CLOCKS_MAX:
            del self._times[:CLOCKS_MAX]

    def within(self, slot: int) -> int | None:
        """The event time of a slot that never closed, from those around it that did.

        None for one before all that are known.
        """
        after = bisect_right(self._times, (slot, 2**63))
        if after == 0:
            return None
        before_slot, before_ms = self._times[after - 1]
        event_time_ms = before_ms + SLOT_MS * (slot - before_slot)
        if after < len(self._times):
            event_time_ms = min(event_time_ms, self._times[after][1])
        return event_time_ms
