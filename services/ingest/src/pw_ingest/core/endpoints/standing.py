"""When an endpoint that claims what cannot be is left, and for how long: pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from pw_common.ordering.backoff import Backoff

# This many refusals within this time are not a slip.
STRIKES_MAX: Final = 6
STRIKES_S: Final = 60.0
LEFT_FIRST_S: Final = 30.0
LEFT_MAX_S: Final = 600.0
LEFT: Final = Backoff(LEFT_FIRST_S, LEFT_MAX_S)
# Forgiven after this long without a refusal.
CLEAN_S: Final = 1_800.0


class Standing:
    """Judges one endpoint by its refusals, in monotonic seconds."""

    def __init__(self) -> None:
        self._strikes: deque[float] = deque(maxlen=STRIKES_MAX)
        self._left_until_s = 0.0
        self._times_left = 0

    def refused(self, now_s: float) -> None:
        """An update of this endpoint was not taken."""
        if self._strikes and now_s - self._strikes[-1] > CLEAN_S:
            self._times_left = 0
        self._strikes.append(now_s)

    def is_liar(self, now_s: float) -> bool:
        """Whether it was refused too often to be kept beside others."""
        return len(self._strikes) == STRIKES_MAX and now_s - self._strikes[0] <= STRIKES_S

    def leave(self, now_s: float) -> None:
        """It is left, each time for longer."""
        self._left_until_s = now_s + LEFT.longest_s(self._times_left)
        self._times_left += 1
        self._strikes.clear()

    def is_left(self, now_s: float) -> bool:
        """Whether it is not to be used yet."""
        return now_s < self._left_until_s
