"""When to leave blocks out: where the requests allowed cannot follow the chain. Pure.

What can be caught up with is caught up with. Only where that will not come to an end are the
oldest blocks given up for the newest, in runs: a block beside its neighbours says more.
"""

from __future__ import annotations

from collections import deque
from typing import Final

# The chain's usual pace; measured once there is something to measure.
BLOCKS_PER_S: Final = 2.5
# How often the node is asked for its list, at most; and the share of requests that this may take.
LIST_EVERY_S: Final = 0.4
LIST_SHARE: Final = 0.25
# About ten seconds of chain: a run of blocks that is kept whole.
BEHIND_BLOCKS: Final = 25
# About an hour: to catch up with more would take too long to be of use. A backfill can.
BEHIND_BLOCKS_MAX: Final = 9_000
# A backlog that did not shrink for this long will not shrink.
TREND_S: Final = 60.0
# How long a node that could not be followed counts as too slow.
SLOW_S: Final = 600.0
PACE_SPAN_S: Final = 60.0
PACE_SPAN_MIN_S: Final = 10.0


def list_every_s(per_s: float) -> float:
    """How long between two lists, at this rate of requests."""
    return max(LIST_EVERY_S, 1.0 / (per_s * LIST_SHARE))


class Sampling:
    """Decides, from the rate allowed, the chain's pace and how the backlog goes."""

    def __init__(self, per_s: float) -> None:
        # What remains for blocks.
        self.capacity_per_s = per_s - 1.0 / list_every_s(per_s)
        self._listed = 0
        self._pace: deque[tuple[float, int]] = deque()
        self._low = 0
        self._low_before: int | None = None
        self._trend_at_s: float | None = None
        self._slow_until_s = float("-inf")

    def listed(self, blocks: int, now_s: float, *, is_newest: bool) -> None:
        """The node listed more blocks; `is_newest` where its list ends at the chain's tip."""
        self._listed += blocks
        if not is_newest:
            self._pace.clear()
            return
        self._pace.append((now_s, self._listed))
        while now_s - self._pace[0][0] > PACE_SPAN_S:
            self._pace.popleft()

    @property
    def chain_per_s(self) -> float:
        """Blocks a second that the chain makes."""
        if not self._pace:
            return BLOCKS_PER_S
        (first_s, first), (last_s, last) = self._pace[0], self._pace[-1]
        span_s = last_s - first_s
        return (last - first) / span_s if span_s >= PACE_SPAN_MIN_S else BLOCKS_PER_S

    def follows(self, now_s: float) -> bool:
        """Whether the chain can be followed, as far as is known."""
        return self.capacity_per_s >= self.chain_per_s and now_s >= self._slow_until_s

    def excuse(self) -> None:
        """Something of our own held the blocks up: how the backlog went says nothing."""
        self._trend_at_s = None

    def leaves_out(self, backlog: int, now_s: float) -> bool:
        """Whether to give up the oldest blocks now."""
        if backlog <= BEHIND_BLOCKS:
            self._trend_at_s = None
            return False
        if backlog > BEHIND_BLOCKS_MAX or not self.follows(now_s):
            self._trend_at_s = None
            return True
        if not self._grows(backlog, now_s):
            return False
        self._slow_until_s = now_s + SLOW_S
        return True

    def _grows(self, backlog: int, now_s: float) -> bool:
        """Whether the least backlog of a minute is no less than that of the minute before."""
        if self._trend_at_s is None:
            self._trend_at_s, self._low, self._low_before = now_s, backlog, None
        self._low = min(self._low, backlog)
        if now_s - self._trend_at_s < TREND_S:
            return False
        grows = self._low_before is not None and self._low >= self._low_before
        self._trend_at_s, self._low, self._low_before = now_s, backlog, self._low
        if grows:
            self._trend_at_s = None
        return grows
