"""How long to wait before the next attempt."""

from __future__ import annotations

FIRST_S = 0.25
CAP_S = 10.0


def wait_s(attempt: int, luck: float, *, first_s: float = FIRST_S, cap_s: float = CAP_S) -> float:
    """Seconds before an attempt: doubled each time up to a cap, the upper half spread by luck.

    Args:
        attempt: 0 for the first retry.
        luck: A random number from 0 to 1.
        first_s: The first wait, in seconds.
        cap_s: The longest wait, in seconds.
    """
    longest_s = min(cap_s, first_s * float(2 ** min(attempt, 32)))
    return longest_s * (0.5 + 0.5 * luck)
