"""The parent chain in `pw verify`: what it was seen by, and what is still on its way."""

from __future__ import annotations

import msgspec
import pytest

from pw_cli.audit.stream_audit import StreamAudit
from pw_common.wire.messages import Batch, Counts, SlotEvent


def batch(tx_seq: int, slot: int, filter_: str = "", *, parent: int | None = None) -> Batch:
    return Batch(
        tx_stream_created="x",
        tx_seq=tx_seq,
        source="main",
        epoch=1,
        frontier_slot=slot,
        counts=Counts(),
        events=(SlotEvent(slot=slot, parent=parent or slot - 1, block_time_s=None),),
        filter=filter_,
    )


def detail(*filters: str) -> str:
    audit = StreamAudit("x")
    for at, filter_ in enumerate(filters, start=1):
        audit.add(batch(at, 100 + at, filter_))
    return audit.chain(()).detail


def test_each_filter_is_named_with_its_slots() -> None:
    assert detail("") == "0 gaps recorded"
    assert detail("successful", "successful") == "0 gaps recorded, seen by successful"
    assert detail("successful", "programs", "programs") == (
        "0 gaps recorded, seen by successful in slots 101 to 101, programs in slots 102 to 103"
    )


def holds(*sequences: int, first_waiting: int | None) -> bool:
    audit = StreamAudit("x")
    for seq in sequences:
        audit.add(batch(seq, 100 + seq))
    return audit.chain((), first_waiting=first_waiting).holds


def test_a_block_whose_parent_another_parser_still_has_is_not_judged() -> None:
    assert not holds(1, 2, 4, first_waiting=None)
    assert holds(1, 2, 4, first_waiting=3)


def test_a_break_before_the_first_waiting_sequence_is_a_break() -> None:
    assert not holds(1, 3, 4, 6, first_waiting=5)


@pytest.mark.parametrize("parent", [101, 102])
def test_of_two_headers_of_a_slot_the_first_in_the_queue_counts_whoever_answers_first(
    parent: int,
) -> None:
    # Only slot 101 has a block before it.
    first, second = (batch(seq, 103, parent=at) for seq, at in ((2, parent), (3, 203 - parent)))
    for order in ((first, second), (second, first)):
        audit = StreamAudit("x")
        for one in (batch(1, 101), *order):
            audit.add(one)
        assert audit.chain(()).holds == (parent == 101)


def test_what_waits_is_what_lies_before_the_last_answered_sequence() -> None:
    audit = StreamAudit("x")
    for seq in (1, 2, 4, 7):
        audit.add(batch(seq, 100 + seq))
    assert audit.waiting() == [3, 5, 6]


def test_a_dead_letter_that_was_sent_again_is_no_source_that_slots_wait_for() -> None:
    audit = StreamAudit("x")
    audit.add(batch(1, 101))
    audit.add(msgspec.structs.replace(batch(2, 102), source="replay", epoch=0))
    audit.add(msgspec.structs.replace(batch(3, 103), source="main", gap="main:1:5-6"))
    assert audit.sources == {"main"}
