"""Noticing that a server took our ping for a new, empty filter."""

from __future__ import annotations

from typing import Final

# A chain has a slot every 0.4 s and we subscribe to all of them.
SILENCE_S: Final = 5.0
# Data flowed this shortly before the ping, so the ping is what ended it.
BEFORE_S: Final = 2.0


class FilterWatch:
    """Times of data and of our pings on one stream, in monotonic seconds."""

    def __init__(self) -> None:
        self._data_s: float | None = None

    def data(self, now_s: float) -> None:
        """An update came that is neither ping nor pong."""
        self._data_s = now_s

    def lost(self, now_s: float, pinged_s: float | None) -> bool:
        """Whether data stopped with our last ping."""
        last_s = self._data_s
        if last_s is None or pinged_s is None or last_s > pinged_s + BEFORE_S:
            return False
        return pinged_s - last_s <= BEFORE_S and now_s - max(last_s, pinged_s) > SILENCE_S
