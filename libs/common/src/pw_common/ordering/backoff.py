"""How long to wait before the next attempt: the rule for every retry.

The pause doubles from `first_s` and never passes `most_s`, however many attempts there were.
Spread by luck it is never less than half of that, so that many that failed together come back
apart, and nobody comes back at once.
"""

from __future__ import annotations

from math import ldexp
from typing import NamedTuple

# From here on every pause is at its most; a larger exponent would overflow.
DOUBLINGS_MAX = 64


class Backoff(NamedTuple):
    """Pauses between attempts, in seconds; 0 < `first_s` <= `most_s`."""

    first_s: float
    most_s: float

    def longest_s(self, attempt: int) -> float:
        """The pause without luck; `attempt` is 0 for the first retry."""
        return min(self.most_s, ldexp(self.first_s, min(max(attempt, 0), DOUBLINGS_MAX)))

    def wait_s(self, attempt: int, luck: float) -> float:
        """From the whole pause down to its half.

        Args:
            attempt: 0 for the first retry.
            luck: A number from 0 to 1; the larger, the sooner.
        """
        return self.longest_s(attempt) * (1 - luck / 2)
