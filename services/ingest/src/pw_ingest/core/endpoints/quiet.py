"""Noticing that a server took our ping for a new, empty filter: pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

# A chain has a slot every 0.4 s and we subscribe to all of them.
SILENCE_S: Final = 5.0
# Data flowed this shortly before the ping, so the ping may be what ended it.
BEFORE_S: Final = 2.0

# Send the filter again; or it is known to have been lost, so what was missed must be asked for.
Finding: TypeAlias = Literal["", "ask", "lost"]


class FilterWatch:
    """Times of data and of our pings on one stream, in monotonic seconds.

    Silence alone proves nothing: a source may have ended. That data flows again once the
    filter was sent again does.
    """

    def __init__(self) -> None:
        self._data_s: float | None = None
        self._asked = False
        self._lost = False

    def data(self, now_s: float) -> None:
        """An update came that is neither ping nor pong."""
        self._data_s = now_s
        self._lost = self._lost or self._asked

    def look(self, now_s: float, pinged_s: float | None) -> Finding:
        """What to do now."""
        if self._lost:
            return "lost"
        if self._asked or not self._silent_since_ping(now_s, pinged_s):
            return ""
        self._asked = True
        return "ask"

    def _silent_since_ping(self, now_s: float, pinged_s: float | None) -> bool:
        last_s = self._data_s
        if last_s is None or pinged_s is None or abs(pinged_s - last_s) > BEFORE_S:
            return False
        return now_s - max(last_s, pinged_s) > SILENCE_S
