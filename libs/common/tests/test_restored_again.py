"""Queues that were restored more than once, or while answers still waited: nothing is lost."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from pw_common.ordering.assembly import HOLD_MAX_MS, Assembly, ClosedSlot
from pw_common.topology.streams import PARSER_ACK_PENDING_MAX
from pw_common.wire.messages import Batch, SlotEvent

stream: Any = importlib.import_module("support.cut_stream")

MADE = "2026-01-01T00:00:00Z"
ONCE = f"{MADE}+6"


def message(tx_seq: int, slot: int, **changed: Any) -> Batch:
    """One trade of a slot and its clock; it says that the slot before is complete."""
    clock = SlotEvent(slot=slot, parent=slot - 1, block_time_s=stream.BEGIN_S + slot)
    one = stream.batch(tx_seq, (stream.swap(slot, slot), clock), slot - 1)
    found: Batch = msgspec.structs.replace(one, tx_id=f"m{slot}", **changed)
    return found


def named(batches: Iterable[Batch], name: str) -> list[Batch]:
    return [msgspec.structs.replace(one, tx_stream_created=name) for one in batches]


def read(assembly: Assembly, batches: Iterable[Batch], first_seq: int = 1) -> list[ClosedSlot]:
    return [
        slot for at, one in enumerate(batches, first_seq) for slot in assembly.add(one, 1_000, at)
    ]


def trades(closed: Iterable[ClosedSlot]) -> dict[int, int]:
    """Slot -> trades; a slot that closed twice is a failure."""
    found: dict[int, int] = {}
    for one in closed:
        assert one.amends or one.slot not in found
        found[one.slot] = found.get(one.slot, 0) + len(one.swaps)
    return found


def test_a_sequence_gap_given_up_before_a_restore_is_filled_after_it() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in (1, 2, 4, 5, 6, 7, 8)])
    closed += assembly.skip_sequence_gaps(1_001 + HOLD_MAX_MS)
    # The copy ends at 6 and holds the third message still: now a parser answers it.
    (third,) = named([message(3, 3)], ONCE)
    third = msgspec.structs.replace(third, events=(stream.swap(3, 8),))
    after = [*named([stream.empty(message(seq, seq), seq) for seq in (7, 8)], ONCE), third]
    closed += read(assembly, [*after, *named([message(9, 9), message(10, 10)], ONCE)], 20)
    assert trades(closed)[8] == 2
    assert assembly.late == 0


def test_a_queue_restored_from_a_copy_older_than_its_last_restore_goes_on() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in range(1, 11)])
    # Of a copy that ended at 6, then of one that ended at 4: its name says nothing of the 6.
    closed += read(assembly, named([message(seq, seq + 4) for seq in range(7, 11)], ONCE), 11)
    twice = [message(seq, seq + 10) for seq in range(5, 15)]
    closed += read(assembly, named(twice, f"{MADE}+4"), 15)
    assert trades(closed) == dict.fromkeys(range(1, 24), 1)
    assert (assembly.held, assembly.late) == (0, 0)
    assert [one.slot for one in closed if one.reset] == [1]


def test_what_the_former_of_two_restores_still_answers_turns_nothing_back() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in range(1, 7)])
    closed += read(assembly, named([message(7, 7), message(8, 8)], ONCE), 7)
    again = named([message(5, 9), message(6, 10)], f"{MADE}+4")
    # A parser had it in hand. It is of a slot that is still open.
    stray = msgspec.structs.replace(
        message(9, 12), events=(stream.swap(12, 10),), tx_stream_created=ONCE
    )
    closed += read(assembly, [*again, stray], 9)
    closed += read(assembly, named([message(7, 11), message(8, 12)], f"{MADE}+4"), 12)
    assert trades(closed) == {**dict.fromkeys(range(1, 10), 1), 10: 2, 11: 1}
    assert (assembly.held, assembly.late) == (0, 0)


def test_an_answer_beyond_the_copy_begins_no_session() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in range(1, 7)])
    # The next session began before the restore, behind a sequence gap; session 1 ends once more.
    closed += read(assembly, [message(8, 108, epoch=2), message(9, 109, epoch=2)], 7)
    after = [
        message(7, 7),
        message(8, 8),
        stream.empty(message(8, 108), 9),
        stream.empty(message(9, 109), 10),
        message(11, 110, epoch=2),
        message(12, 111, epoch=2),
    ]
    closed += read(assembly, named(after, ONCE), 9)
    assert trades(closed) == {**dict.fromkeys(range(1, 9), 1), 108: 1, 109: 1, 110: 1}
    assert [one.slot for one in closed if one.reset] == [1, 108]
    assert assembly.late == 0
    # What was lost stood in another queue: no place of this one is a restart to begin at.
    assert assembly.session_start is None


@pytest.mark.parametrize("gap", ["", "main:1:3-3"])
def test_an_answer_beyond_the_copy_leaves_what_waits_at_its_sequence_alone(gap: str) -> None:
    assembly = Assembly(sources=("main",))
    read(assembly, [message(seq, seq) for seq in (1, 2, 4, 5, 6, 7)])
    read(assembly, named([message(8, 8)], ONCE), 7)
    stray = message(8, 3, gap=gap)
    read(assembly, [msgspec.structs.replace(stray, frontier_slot=0)], 8)
    assert (assembly.held, assembly.oldest_held_seq) == (4, 3)
    read(assembly, named([message(3, 3)], ONCE), 9)
    assert (assembly.held, assembly.oldest_held_seq) == (1, 7)


def test_a_backfill_beyond_the_copy_stands_no_further_than_what_is_complete() -> None:
    assembly = Assembly(sources=("main",))
    read(assembly, [message(seq, seq + (seq > 2)) for seq in range(1, 7)])
    read(assembly, named([message(8, 8)], ONCE), 7)
    filling = msgspec.structs.replace(message(60, 3, gap="main:1:3-3"), events=(stream.swap(3, 3),))
    (amended,) = read(assembly, [filling], 8)
    assert amended.amends
    # A restart asks by it what was evaluated: the eighth still waits.
    assert amended.tx_position.tx_seq < 8
    (closed,) = read(assembly, named([message(7, 9)], ONCE), 9)[:1]
    assert closed.tx_position > amended.tx_position


def test_what_waits_when_sequences_begin_again_unsaid_proves_nothing() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in (1, 2, 3, 4, 6, 7, 8)])
    # A volume's snapshot took its place: the fifth is sent again at 6, as another message.
    closed += read(assembly, [message(6, 5), message(7, 9), message(8, 10)], 8)
    assert trades(closed) == dict.fromkeys(range(1, 10), 1)
    assert assembly.late == 0


def test_an_answer_of_a_queue_that_was_deleted_turns_nothing_back() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in range(1, 7)])
    created = "2026-02-02T00:00:00Z"
    recreated = [message(seq, seq + 10, tx_stream_created=created) for seq in range(1, 9)]
    closed += read(assembly, [*recreated[:3], message(7, 7), *recreated[3:]], 7)
    assert trades(closed) == {**dict.fromkeys(range(1, 7), 1), **dict.fromkeys(range(11, 18), 1)}
    assert [one.slot for one in closed if one.reset] == [1, 11]
    assert (assembly.held, assembly.late) == (0, 1)


def test_a_queue_that_comes_back_for_good_is_read_after_a_bounded_while() -> None:
    assembly = Assembly(sources=("main",))
    read(assembly, [message(seq, seq) for seq in range(1, 7)])
    read(assembly, [message(1, 11, tx_stream_created="2026-02-02T00:00:00Z")], 7)
    back = [message(7 + at, 20 + at) for at in range(PARSER_ACK_PENDING_MAX + 9)]
    read(assembly, back, 8)
    assert assembly.late == PARSER_ACK_PENDING_MAX
    assert assembly.held == 9


def test_a_backfill_of_a_session_that_is_over_is_kept_apart_from_the_present_one() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in range(1, 7)])
    closed += read(assembly, [message(6 + seq, seq, epoch=2) for seq in range(1, 5)], 7)
    # The other history has slots of the same numbers: of one that closed, and of an open one.
    filling = message(11, 3, gap="main:1:3-4")
    clocks = tuple(
        SlotEvent(slot=slot, parent=slot - 1, block_time_s=stream.BEGIN_S) for slot in (3, 4)
    )
    events = (stream.swap(903, 3), stream.swap(904, 4), *clocks)
    filling = msgspec.structs.replace(filling, events=events)
    amended = read(assembly, [filling], 11)
    assert [(one.slot, one.amends, one.is_before_session) for one in amended] == [
        (3, True, True),
        (4, True, True),
    ]
    (fourth,) = read(assembly, [message(12, 5, epoch=2)], 12)
    assert [one.signature for one in fourth.swaps] == [stream.swap(4, 4).signature]
    assert (assembly.too_old, assembly.before_session) == (0, 2)


def test_what_was_answered_first_where_it_is_sent_again_counts_from_where_it_stood() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in (1, 2, 3, 5, 6)])
    # The copy holds the fourth still, ingest sends it again, and that is answered first.
    again = [
        stream.empty(message(9, 6), 9),
        message(7, 4),
        stream.empty(message(8, 5), 8),
        stream.empty(message(4, 4), 4),
        message(10, 7),
        message(11, 8),
    ]
    closed += read(assembly, named(again, ONCE), 6)
    assert trades(closed) == dict.fromkeys(range(1, 8), 1)
    assert (assembly.held, assembly.late) == (0, 0)


def test_a_session_that_was_answered_whole_before_it_was_lost_is_closed_by_the_next() -> None:
    assembly = Assembly(sources=("main",))
    closed = read(assembly, [message(seq, seq) for seq in range(1, 7)])
    lost = [message(8, 108, epoch=2), message(9, 109, epoch=2)]
    closed += read(assembly, lost, 7)
    again = [stream.empty(one, one.tx_seq) for one in lost]
    after = [message(7, 7), *again, message(10, 210, epoch=3), message(11, 211, epoch=3)]
    closed += read(assembly, named(after, ONCE), 9)
    assert trades(closed) == dict.fromkeys((*range(1, 8), 108, 109, 210), 1)
    assert [one.slot for one in closed if one.reset] == [1, 108, 210]
    assert assembly.late == 0


def test_what_was_lost_before_anything_was_complete_waits_for_its_own_session() -> None:
    assembly = Assembly(sources=("main",))
    # The first message is still in hand, and so nothing is known of any session.
    read(assembly, [message(2, 2), message(9, 109, epoch=2)])
    after = [
        message(1, 1),
        *(message(seq, seq) for seq in range(3, 7)),
        message(7, 7),
        stream.empty(message(8, 109), 8),
        message(9, 110, epoch=2),
        message(10, 111, epoch=2),
    ]
    closed = read(assembly, named(after, ONCE), 3)
    assert trades(closed) == dict.fromkeys((*range(1, 8), 109, 110), 1)
    assert assembly.late == 0


def test_an_answer_to_what_was_lost_that_comes_twice_is_a_repeat() -> None:
    assembly = Assembly(sources=("main",))
    read(assembly, [message(seq, seq) for seq in range(1, 9)])
    read(assembly, named([message(7, 109, epoch=2)], ONCE), 9)
    read(assembly, [message(8, 8)], 10)
    assert (assembly.late, assembly.repeats) == (0, 1)


def test_what_comes_twice_of_a_queue_that_was_deleted_is_a_repeat() -> None:
    assembly = Assembly(sources=("main",))
    read(assembly, [message(seq, seq) for seq in range(1, 7)])
    recreated = [message(seq, seq + 10, tx_stream_created="2026-02-02T00:00:00Z") for seq in (1, 2)]
    read(assembly, [recreated[0], message(6, 6), recreated[1]], 7)
    assert (assembly.late, assembly.repeats, assembly.held) == (0, 1, 0)


def test_a_reader_that_begins_after_a_restore_is_told_which_queues_were_before() -> None:
    first = Assembly(sources=("main",))
    read(first, [message(seq, seq) for seq in range(1, 7)])
    read(first, named([message(7, 7)], ONCE), 7)
    read(first, named([message(5, 8)], f"{MADE}+4"), 8)
    assert set(first.former) == {MADE, ONCE}
    again = Assembly(sources=("main",), first=first.next, former=first.former)
    after = [*named([message(6, 9)], f"{MADE}+4"), *named([message(8, 9)], ONCE)]
    closed = read(again, [*after, *named([message(7, 10)], f"{MADE}+4")], 9)
    assert trades(closed) == {9: 1}
    assert again.held == 0
