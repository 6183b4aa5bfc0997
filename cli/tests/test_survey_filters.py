"""`pw verify` says what the blocks were seen by: a chain is whole only for what that shows."""

from __future__ import annotations

from pw_cli.survey import Survey
from pw_common.messages import Batch, Counts, SlotEvent


def batch(tx_seq: int, slot: int, filter_: str) -> Batch:
    return Batch(
        tx_stream_created="x",
        tx_seq=tx_seq,
        source="main",
        epoch=1,
        frontier_slot=slot,
        counts=Counts(),
        events=(SlotEvent(slot=slot, parent=slot - 1, block_time_s=None),),
        filter=filter_,
    )


def detail(*filters: str) -> str:
    survey = Survey("x")
    for at, filter_ in enumerate(filters, start=1):
        survey.add(batch(at, 100 + at, filter_))
    return survey.chain(()).detail


def test_each_filter_is_named_with_its_slots() -> None:
    assert detail("") == "0 gaps recorded"
    assert detail("successful", "successful") == "0 gaps recorded, seen by successful"
    assert detail("successful", "programs", "programs") == (
        "0 gaps recorded, seen by successful in slots 101 to 101, programs in slots 102 to 103"
    )
