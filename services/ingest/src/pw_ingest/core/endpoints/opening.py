"""The first updates of a source that nothing is known of yet: held until its blocks agree.

Without a checkpoint the first slot may be a lie, and everything after it would be measured by it.
So a few blocks are waited for, each the parent of the next. Pure.
"""

from __future__ import annotations

from statistics import median_high
from typing import Final, NamedTuple

from pw_ingest.core.endpoints.plausible import SLOT_MS_MAX, STEP_SLACK_MS, Anchor
from pw_ingest.core.sequencing.identity import META, Seen

LINKED_BLOCKS: Final = 3
# Where no chain shows by then, the majority is believed.
HOLD_S: Final = 2.0
HELD_BYTES_MAX: Final = 32 * 1024 * 1024


class Held(NamedTuple):
    """One update that waits."""

    update: bytes
    seen: Seen


class Run(NamedTuple):
    """A block that ends a chain of linked ones, and its time; None where it has none."""

    blocks: int
    time_ms: int | None


class Opening:
    """Holds updates in the order received, by bytes and by time."""

    def __init__(self) -> None:
        self._held: list[Held] = []
        self._held_bytes = 0
        self._since_s = 0.0
        self._runs: dict[int, Run] = {}
        self._best: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._held

    def add(self, update: bytes, seen: Seen, now_s: float) -> None:
        """Hold an update whose own claims are possible."""
        if not self._held:
            self._since_s = now_s
        self._held.append(Held(update, seen))
        self._held_bytes += len(update)
        if seen.identity.kind == META:
            self._link(seen)

    def is_due(self, now_s: float) -> bool:
        """Whether enough blocks agree, or waiting longer would cost too much."""
        if not self._held:
            return False
        return (
            self._longest() >= LINKED_BLOCKS
            or self._held_bytes >= HELD_BYTES_MAX
            or now_s - self._since_s >= HOLD_S
        )

    def anchor(self, now_ms: int) -> Anchor | None:
        """What to measure by: the longest chain, or the middle of all slots; None without any."""
        if self._best is not None and self._longest() > 1:
            time_ms = self._runs[self._best].time_ms
            if time_ms is None:
                return Anchor(self._best, now_ms, stated=False)
            return Anchor(self._best, time_ms)
        slots = [one.seen.identity.slot for one in self._held if one.seen.identity.slot]
        return Anchor(median_high(slots), now_ms, stated=False) if slots else None

    def release(self) -> list[Held]:
        """Everything held, in order."""
        held, self._held, self._held_bytes = self._held, [], 0
        self._runs.clear()
        self._best = None
        return held

    def _longest(self) -> int:
        return 0 if self._best is None else self._runs[self._best].blocks

    def _link(self, seen: Seen) -> None:
        slot, parent_slot = seen.identity.slot, seen.parent_slot
        if parent_slot >= slot:
            return
        time_ms = None if seen.block_time_s is None else seen.block_time_s * 1000
        parent = self._runs.get(parent_slot)
        blocks = 1
        if parent is not None and _in_step(parent.time_ms, time_ms, slot - parent_slot):
            blocks = parent.blocks + 1
        self._runs[slot] = Run(blocks, time_ms)
        if blocks >= self._longest():
            self._best = slot


def _in_step(before_ms: int | None, time_ms: int | None, slots: int) -> bool:
    if before_ms is None or time_ms is None:
        return True
    return abs(time_ms - before_ms) <= slots * SLOT_MS_MAX + STEP_SLACK_MS
