"""The reason of a gap is of that gap, and of no later one."""

from __future__ import annotations

import pytest

from pw_common.wire.messages import SourceState
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import DISCONTINUITY
from pw_ingest.core.sequencing.outgoing import GapMessage
from pw_ingest.core.sequencing.pipeline import CHAIN_BROKEN, Pipeline

WHY = "from_slot is not supported"


def block(slot: int, parent: int, *, declares: bool = False) -> bytes:
    update = pb.SubscribeUpdate(filters=(DISCONTINUITY,) if declares else ())
    update.block_meta.slot = slot
    update.block_meta.parent_slot = parent
    return update.SerializeToString()


def blocks(first: int, last: int) -> list[bytes]:
    return [block(slot, slot - 1) for slot in range(first, last + 1)]


def gaps(pipeline: Pipeline, updates: list[bytes]) -> list[tuple[int, int, str]]:
    sent = [message for update in updates for message in pipeline.update(update, 0.0)]
    found = [one.gap for one in sent if isinstance(one, GapMessage)]
    return [(one.first_missing_slot, one.last_missing_slot, one.why) for one in found]


def restored() -> Pipeline:
    pipeline = Pipeline("main")
    pipeline.restore(
        SourceState(source="main", epoch=3, checkpoint_slot=100, frontier_slot=102),
    )
    return pipeline


LATER_BREAK = [*blocks(500, 510), *blocks(522, 540)]
LATER_GAP = [(511, 521, CHAIN_BROKEN)]


def test_a_live_start_that_turns_out_a_discontinuity_leaves_no_reason_behind() -> None:
    pipeline = restored()
    pipeline.live(WHY)
    assert gaps(pipeline, [block(499, 498, declares=True)]) == []
    assert gaps(pipeline, LATER_BREAK) == LATER_GAP


def test_a_live_start_of_a_source_of_which_nothing_was_received_leaves_no_reason_behind() -> None:
    pipeline = Pipeline("main")
    pipeline.live(WHY)
    assert gaps(pipeline, LATER_BREAK) == LATER_GAP


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_break_that_cost_nothing_leaves_no_reason_behind(is_whole: bool) -> None:
    pipeline = Pipeline("main")
    assert gaps(pipeline, blocks(480, 490)) == []
    pipeline.left_out(WHY, is_whole=is_whole)
    assert gaps(pipeline, blocks(490, 499)) == []
    assert gaps(pipeline, LATER_BREAK) == LATER_GAP


def test_a_break_gives_its_reason_to_what_it_cost() -> None:
    pipeline = Pipeline("main")
    assert gaps(pipeline, blocks(480, 490)) == []
    pipeline.left_out(WHY, is_whole=True)
    assert gaps(pipeline, blocks(500, 503)) == [(491, 499, WHY)]


def test_the_reason_of_a_live_start_outlives_a_stream_that_brought_nothing() -> None:
    pipeline = restored()
    pipeline.live(WHY)
    pipeline.resumed()
    pipeline.left_out("another", is_whole=True)
    assert gaps(pipeline, blocks(500, 503)) == [(101, 500, WHY)]
