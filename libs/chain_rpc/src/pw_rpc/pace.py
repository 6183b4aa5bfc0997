"""How fast a node is asked: one rate for all requests that share it, and its rests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pw_common.process.clock import monotonic_s

DAY_S: Final = 86_400.0
# A node that asks for a longer rest, or says nonsense, is asked once in this time.
REST_MAX_S: Final = 600.0
# While we hold ourselves back, `idle` is called this often: the node is not the silent one.
IDLE_EVERY_S: Final = 5.0


def per_second(rate: float, daily: float = 0.0) -> float:
    """Requests a second that keep within a rate and, where it is not 0, a day's budget.

    A budget is spread over the whole day: whatever the time of a start, no day exceeds it.
    """
    return min(rate, daily / DAY_S) if daily else rate


class Pace:
    """Evenly spaced turns, in the order in which they are asked for.

    `idle` is called while a turn is waited for that only our own rate holds back.
    """

    def __init__(self, per_s: float, idle: Callable[[], None] = lambda: None) -> None:
        self._every_s = 1.0 / per_s
        self._idle = idle
        self._next_s = 0.0
        self._rests_until_s = 0.0
        self._lock = asyncio.Lock()
        # How often it was waited for at all, and how often the node asked for a rest.
        self.turns = 0
        self.rests = 0

    async def turn(self) -> None:
        """Wait until one more request may go out."""
        async with self._lock:
            # A rest may be asked for while this one waits.
            while (wait_s := self._next_s - monotonic_s()) > 0:
                await asyncio.sleep(min(wait_s, IDLE_EVERY_S))
                if monotonic_s() >= self._rests_until_s:
                    self._idle()
            self._next_s = monotonic_s() + self._every_s
            self.turns += 1

    def wait_s(self) -> float:
        """How long the next turn would be waited for, if nobody else waits."""
        return max(0.0, self._next_s - monotonic_s())

    def rest(self, wait_s: float) -> None:
        """The node asks for a pause: no request goes out for that long, up to REST_MAX_S."""
        self.rests += 1
        self._rests_until_s = max(self._rests_until_s, monotonic_s() + min(wait_s, REST_MAX_S))
        self._next_s = max(self._next_s, self._rests_until_s)
