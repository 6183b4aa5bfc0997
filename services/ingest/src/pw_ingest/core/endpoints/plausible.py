"""What a source may claim: no slot runs ahead of the clock, no time is from another century.

Pure: the time is passed in. A live endpoint is measured by a line: from an anchor, a slot and
its block time, slots grow by at most one in `slot_ms_min`, plus a slack. The anchor with the
lowest line counts, so each believed block makes the bound tighter and none makes it looser.
Slots below the line are always taken: a replay, a node that is behind, a chain that began again.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from pw_common.wire.limits import BLOCK_TIME_S_MAX, SLOT_MAX
from pw_ingest.core.sequencing.identity import META, Seen

Why: TypeAlias = Literal["slot_absurd", "slot_ahead", "block_time", "created_at", "too_large"]

# What the chain's rules allow at its fastest is 300 ms (block times drift by 25 % of 400 ms).
SLOT_MS_MIN: Final = 250
# A minute at the fastest rate. Below the 256 old blocks in a row that begin another session, so
# that a false slot within it costs the frontier a minute or two and resets nothing.
SLACK_SLOTS: Final = 240
# No cluster is older: with the fastest rate it bounds the first slot of a new source.
FIRST_CLUSTER_MS: Final = 1_559_347_200_000  # 2019-06-01
TIME_MS_MIN: Final = FIRST_CLUSTER_MS

# Clocks differ by less; a block time further ahead must be in step with its slot.
AHEAD_MS: Final = 10_000
# Further ahead than a machine's clock is wrong by before anybody notices.
AHEAD_MS_MAX: Final = 900_000
# The chain's rules let block times run no faster than this (150 % of 400 ms late).
SLOT_MS_MAX: Final = 1_000
STEP_SLACK_MS: Final = 10_000
# For an anchor the same, with room for whole seconds and votes that come late.
ANCHOR_SLACK_MS: Final = 60_000
# `created_at` only tells latency: what is a clock at all is shown, not judged.
CREATED_AHEAD_MS_MAX: Final = 86_400_000

# This many blocks in a row below the anchor, and this far below, are another history.
LOW_RUN: Final = 256
LOW_SLOTS: Final = 1_500
# An anchor that stood for this long was the truth; a younger one may have been a lie.
PROVEN_MS: Final = 600_000

NS_PER_MS: Final = 1_000_000


class Refusal(NamedTuple):
    """An update that is not taken: why, and what it claimed, in words."""

    why: Why
    claim: str


class Anchor(NamedTuple):
    """A slot that was believed, and when it was produced, in milliseconds since 1970.

    `stated` by the chain; else it is when we saw it, which is worth nothing to a later run.
    """

    slot: int
    time_ms: int
    stated: bool = True


class Steady:
    """The wall clock, but it never goes back: where that is set back, monotonic time goes on.

    Monotonic time alone would stand still while a machine sleeps.
    """

    def __init__(self) -> None:
        self._last_ms = 0
        self._last_s = 0.0

    def now(self, wall_ms: int, monotonic_s: float) -> int:
        """Milliseconds since 1970."""
        passed_ms = int(max(0.0, monotonic_s - self._last_s) * 1000) if self._last_ms else 0
        if wall_ms >= self._last_ms + passed_ms:
            self._last_ms, self._last_s = wall_ms, monotonic_s
        else:
            # Only what was counted: fractions of a millisecond add up.
            self._last_ms, self._last_s = self._last_ms + passed_ms, self._last_s + passed_ms / 1000
        return self._last_ms


def absurd(seen: Seen) -> Refusal | None:
    """What no source may claim, recorded or live."""
    if max(seen.identity.slot, seen.parent_slot) > SLOT_MAX:
        return Refusal("slot_absurd", f"slot {max(seen.identity.slot, seen.parent_slot)}")
    return None


def created(seen: Seen, now_ms: int | None) -> int | None:
    """The source's clock as it may be used, 0 where it says nothing, None for no clock at all.

    Args:
        seen: An update's facts.
        now_ms: Our clock; None for a recording, which may be of any time.
    """
    if not seen.created_ns:
        return 0
    claimed_ms = seen.created_ns // NS_PER_MS
    latest_ms = BLOCK_TIME_S_MAX * 1000 if now_ms is None else now_ms + CREATED_AHEAD_MS_MAX
    return seen.created_ns if 0 <= claimed_ms <= latest_ms else None


def slot_by_clock(now_ms: int, slot_ms_min: int) -> int:
    """The newest slot that any cluster can have."""
    return min(SLOT_MAX, max(0, now_ms - FIRST_CLUSTER_MS) // slot_ms_min)


class Judge:
    """Follows one endpoint of a live source."""

    def __init__(self, *, slot_ms_min: int = SLOT_MS_MIN) -> None:
        self._slot_ms_min = slot_ms_min
        # How far the newest block's time was ahead of our clock; None until there was one.
        self._ahead_ms: int | None = None
        # The same of the first block since the anchor was established: what is further ahead
        # later may be believed, and is not a measure for others.
        self._first_ahead_ms: int | None = None
        self._newest: Anchor | None = None
        self._former: Anchor | None = None
        self._since_ms = 0
        self._low_run = 0
        self.anchor: Anchor | None = None
        # Slots up to here were believed since the anchor moved: asked once, not for each update.
        self.clear_slot = 0

    def establish(self, anchor: Anchor, now_ms: int, *, proven: bool) -> None:
        """Measure from here; `proven` where an earlier run or another endpoint stood on it."""
        self.anchor = self._newest = anchor
        self.clear_slot = 0
        self._former = None
        self._first_ahead_ms = None
        self._since_ms = now_ms - PROVEN_MS if proven else now_ms
        self._low_run = 0

    def ceiling(self, now_ms: int) -> int:
        """The newest slot that may exist now."""
        by_clock = slot_by_clock(now_ms, self._slot_ms_min)
        if self.anchor is None:
            return by_clock
        return min(by_clock, self._line(self.anchor, now_ms))

    def judge(self, seen: Seen, now_ms: int) -> Refusal | None:
        """Whether this may be believed; what is believed moves the bound."""
        slot = seen.identity.slot
        if not slot:
            return None
        ceiling = self.ceiling(now_ms)
        if slot > ceiling and not self._returns(slot, now_ms):
            ahead = f"{slot - ceiling:,} ahead of what the time allows"
            return Refusal("slot_ahead", f"slot {slot}, {ahead}")
        if self.anchor is not None:
            self.clear_slot = max(self.clear_slot, slot)
        if seen.identity.kind != META or seen.block_time_s is None:
            return None
        time_ms = seen.block_time_s * 1000
        refusal = self._judge_time(slot, time_ms, now_ms)
        if refusal is None and self.anchor is not None:
            self._believe(self.anchor, Anchor(slot, time_ms), now_ms)
        return refusal

    def _line(self, anchor: Anchor, now_ms: int) -> int:
        passed_ms = max(0, self._latest_ms(now_ms) - anchor.time_ms)
        return anchor.slot + passed_ms // self._slot_ms_min + SLACK_SLOTS

    def _latest_ms(self, now_ms: int) -> int:
        """The newest block time, by our clock and how far the chain's is known to be ahead.

        Until a first block was measured, our own clock may be the wrong one.
        """
        if self._ahead_ms is None:
            return now_ms + AHEAD_MS_MAX
        # However small its steps, a clock that creeps ahead gains no more than a wrong clock.
        return now_ms + min(AHEAD_MS_MAX, self._ahead_ms + AHEAD_MS)

    @property
    def ahead_ms(self) -> int:
        """How far the newest block's time was ahead of our clock; 0 where there was none."""
        return self._ahead_ms or 0

    def _judge_time(self, slot: int, time_ms: int, now_ms: int) -> Refusal | None:
        if time_ms < TIME_MS_MIN:
            return Refusal("block_time", f"block time {time_ms // 1000} of slot {slot}")
        if time_ms <= self._latest_ms(now_ms):
            return None
        if time_ms <= now_ms + AHEAD_MS_MAX and self._is_in_step(slot, time_ms):
            return None
        seconds = (time_ms - now_ms) // 1000
        return Refusal("block_time", f"block time of slot {slot}, {seconds:,} s ahead of our clock")

    def _is_in_step(self, slot: int, time_ms: int) -> bool:
        """Whether a time grew with the slots."""
        newest = self._newest
        if newest is None:
            return False
        grown_ms = max(0, slot - newest.slot) * SLOT_MS_MAX + STEP_SLACK_MS
        return time_ms <= newest.time_ms + grown_ms

    def _believe(self, anchor: Anchor, block: Anchor, now_ms: int) -> None:
        if self._newest is None or block.slot >= self._newest.slot:
            self._newest = block
            self._ahead_ms = max(0, block.time_ms - now_ms)
        if block.slot < anchor.slot - LOW_SLOTS:
            self._low_run += 1
            if self._low_run >= LOW_RUN:
                self._start_lower(anchor, block, now_ms)
            return
        self._low_run = 0
        ahead_ms = max(0, block.time_ms - now_ms)
        if self._first_ahead_ms is None:
            self._first_ahead_ms = ahead_ms
        if ahead_ms > self._first_ahead_ms + AHEAD_MS:
            return
        gained, passed_ms = block.slot - anchor.slot, block.time_ms - anchor.time_ms
        is_lower = gained * self._slot_ms_min < passed_ms
        if gained > 0 and is_lower and passed_ms <= gained * SLOT_MS_MAX + ANCHOR_SLACK_MS:
            self.anchor = block
            self.clear_slot = block.slot

    def _start_lower(self, anchor: Anchor, block: Anchor, now_ms: int) -> None:
        """The chain began again, or the anchor was a lie. What stood long may come back."""
        is_proven = now_ms - self._since_ms >= PROVEN_MS
        self.establish(block, now_ms, proven=False)
        if is_proven:
            self._former = anchor

    def _returns(self, slot: int, now_ms: int) -> bool:
        """Whether the history goes on that a lower one had interrupted."""
        former = self._former
        if former is None or not former.slot - LOW_SLOTS <= slot <= self._line(former, now_ms):
            return False
        self.establish(former, now_ms, proven=True)
        return True
