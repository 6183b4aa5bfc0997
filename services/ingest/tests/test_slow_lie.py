"""A live source that lies in small steps gains no more than one that lies once."""

from __future__ import annotations

import pytest

from pw_common.wire.envelope import Identity
from pw_ingest.core.endpoints.merge import Merge
from pw_ingest.core.endpoints.plausible import AHEAD_MS_MAX, SLACK_SLOTS, SLOT_MS_MIN, Anchor, Judge
from pw_ingest.core.sequencing.identity import META, Seen
from pw_ingest.core.sequencing.pipeline import Pipeline

NOW_MS = 1_795_000_000_000
SLOT = 350_000_000
SLOT_MS = 400
LIES = 2_000
# The whole of what a clock that is wrong is given.
SLOTS_AHEAD_MAX = SLACK_SLOTS + AHEAD_MS_MAX // SLOT_MS_MIN


def meta(slot: int, time_ms: int, parent: int) -> Seen:
    return Seen(Identity(META, slot, b""), 0, False, parent, time_ms // 1000)


class Endpoint:
    """One endpoint's blocks, judged as ingest judges them, into a pipeline that others share."""

    def __init__(self, pipeline: Pipeline, merge: Merge, number: int) -> None:
        self.judge, self.pipeline, self.merge, self.number = Judge(), pipeline, merge, number
        self.judge.establish(Anchor(SLOT, NOW_MS), NOW_MS, proven=True)
        self.merge.opened(number, is_live=False)

    def says(self, seen: Seen, now_ms: int) -> bool:
        """Whether it was taken."""
        if self.judge.judge(seen, now_ms) is not None:
            return False
        self.merge.views[self.number].ahead_ms = self.judge.ahead_ms
        if not self.merge.admits(self.number, seen, self.pipeline.complete_slot or 0):
            return False
        now_s = now_ms / 1_000
        for message in [*self.pipeline.take(b"", seen, now_s), *self.pipeline.tick(now_s)]:
            self.pipeline.stored(message, is_duplicate=False)
        return True

    def tells_the_truth(self, slot: int, now_ms: int, blocks: int) -> int:
        """How many blocks were taken."""
        return sum(
            self.says(
                meta(slot + one, now_ms + SLOT_MS * one, slot + one - 1), now_ms + SLOT_MS * one
            )
            for one in range(1, blocks + 1)
        )

    def lies(self, slot: int, now_ms: int, step_slots: int, step_ms: int) -> None:
        for one in range(LIES):
            at = slot + step_slots * one
            self.says(meta(at + step_slots, now_ms + step_ms * (one + 1), at), now_ms)


@pytest.mark.parametrize(
    ("step_slots", "step_ms"), [(1, 9_000), (30, 9_000), (39, 9_900), (280, 290_000)]
)
def test_small_steps_of_a_lone_source_add_up_to_no_more_than_a_wrong_clock(
    step_slots: int, step_ms: int
) -> None:
    pipeline = Pipeline("main")
    source = Endpoint(pipeline, Merge(1), 0)
    assert source.tells_the_truth(SLOT, NOW_MS, 1_500) == 1_500
    slot, now_ms = SLOT + 1_500, NOW_MS + 1_500 * SLOT_MS
    source.lies(slot, now_ms, step_slots, step_ms)
    assert source.judge.ahead_ms <= AHEAD_MS_MAX
    assert (pipeline.frontier.slot or 0) <= slot + SLOTS_AHEAD_MAX
    assert (pipeline.checkpoint_slot or 0) <= slot + SLOTS_AHEAD_MAX
    # And the truth goes on, whatever was believed.
    assert source.tells_the_truth(slot + 100, now_ms + 40_000, 600) >= 590


@pytest.mark.parametrize("stays", [False, True])
def test_the_first_of_two_endpoints_lies_slowly_and_the_second_ones_blocks_go_on(
    *, stays: bool
) -> None:
    pipeline, merge = Pipeline("main"), Merge(2)
    liar, honest = Endpoint(pipeline, merge, 0), Endpoint(pipeline, merge, 1)
    liar.tells_the_truth(SLOT, NOW_MS, 1_500)
    slot, now_ms = SLOT + 1_500, NOW_MS + 1_500 * SLOT_MS
    honest.tells_the_truth(slot - 1, now_ms - SLOT_MS, 1)
    liar.lies(slot, now_ms, 30, 9_000)
    if not stays:
        merge.closed(0)
    taken = 0
    for one in range(1, 3_001):
        at_ms = now_ms + SLOT_MS * one
        if stays and one % 10 == 0:
            # It goes on from where its lies ended.
            ahead = slot + SLOTS_AHEAD_MAX - SLACK_SLOTS + one
            liar.says(meta(ahead, at_ms + AHEAD_MS_MAX - 5_000, ahead - 1), at_ms)
        taken += honest.says(meta(slot + one, at_ms, slot + one - 1), at_ms)
    assert taken >= 2_900
    frontier = pipeline.frontier.slot
    assert frontier is not None
    assert abs(frontier - (slot + 3_000)) < SLOTS_AHEAD_MAX
