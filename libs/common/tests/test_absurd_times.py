"""Event time goes on through a block time that cannot be."""

from __future__ import annotations

import pytest

from pw_common.ordering.assembly import Assembly
from pw_common.wire.messages import Batch, Counts, SlotEvent

TIME_S = 1_700_000_000


def batch(seq: int, frontier_slot: int, *events: SlotEvent) -> Batch:
    return Batch(
        tx_stream_created="t", tx_seq=seq, source="main", epoch=1, frontier_slot=frontier_slot,
        counts=Counts(), events=events, tx_id=f"tx:{seq}",
    )  # fmt: skip


@pytest.mark.parametrize("lie", [2**62, -(2**62), -1, 32_503_680_000])
def test_a_block_time_that_is_no_time_is_as_one_that_is_missing(lie: int) -> None:
    closed = []
    assembly = Assembly()
    for seq, slot in enumerate(range(10, 20), start=1):
        time_s = lie if slot in {10, 14} else TIME_S + slot
        event = SlotEvent(slot=slot, parent=slot - 1, block_time_s=time_s)
        closed += assembly.add(batch(seq, slot, event))
    assert [one.slot for one in closed] == list(range(11, 20))
    times = {one.slot: one.event_time_ms for one in closed}
    assert times[14] == times[13] + 400
    assert times[15] == (TIME_S + 15) * 1000
    assert [one.reset for one in closed] == [True] + [False] * 8
