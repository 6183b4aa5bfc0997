"""Slots close once, whole and in order, however the stream was cut, shuffled or repeated."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.assembly import HOLD_MAX_MS, STRAYS_MAX, Assembly
from pw_common.wire.limits import PUBLISHED_AHEAD_MAX
from pw_common.wire.messages import SlotEvent, Swap

stream: Any = importlib.import_module("support.cut_stream")


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_any_cut_gives_the_same_slots(seed: int, other: int) -> None:
    events = stream.flow(7, 60)
    assert stream.closed_slots(stream.cut(events, seed)) == stream.closed_slots(
        stream.cut(events, other)
    )


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_parsers_may_answer_in_any_order_and_twice(seed: int, reach: int) -> None:
    batches = stream.cut(stream.flow(3, 60), 5)
    rng = random.Random(seed)
    shuffled = sorted(batches, key=lambda one: one.tx_seq + rng.randrange(reach))
    repeated = [one for one in shuffled for _ in range(rng.choice((1, 1, 2)))]
    assembly = Assembly(sources=("main",))
    closed = [slot for one in repeated for slot in assembly.add(one)]
    assert closed == stream.closed_slots(batches)
    assert assembly.late == 0
    assert assembly.held == 0


def test_events_sent_again_in_other_batches_count_once() -> None:
    events = stream.flow(3, 60)
    again = stream.cut(events, 1) + stream.cut(events, 2, first_seq=10_000)
    assembly = Assembly(sources=("main",))
    closed = [
        slot
        for number, one in enumerate(again, start=1)
        for slot in assembly.add(stream.batch(number, one.events, one.frontier_slot))
    ]
    assert closed == stream.closed_slots(stream.cut(events, 1))
    assert assembly.repeats > 0
    assert assembly.repeated_swaps == sum(isinstance(one, Swap) for one in events) > 0
    assert assembly.late == 0


def test_every_swap_is_in_exactly_one_slot_in_chain_order() -> None:
    events = stream.flow(9, 200)
    closed = stream.closed_slots(stream.cut(events, 3))
    given_out = [swap for slot in closed for swap in slot.swaps]
    wanted = [event for event in events if isinstance(event, Swap)]
    assert sorted(given_out, key=lambda s: s.signature) == wanted
    keys = [(s.slot, s.index, s.signature, s.ordinal) for s in given_out]
    assert keys == sorted(keys)
    times = [slot.event_time_ms for slot in closed]
    assert times == sorted(times)


def test_nothing_closes_until_every_declared_source_has_spoken() -> None:
    assembly = Assembly(sources=("main", "other"))
    assert [slot for one in stream.cut(stream.flow(1, 30), 1) for slot in assembly.add(one)] == []


def test_a_sequence_gap_is_held_and_given_up_only_after_its_time() -> None:
    batches = stream.cut(stream.flow(1, 30), 1)
    assembly = Assembly(sources=("main",))
    for one in batches[1:]:
        assert assembly.add(one, 1_000, one.tx_seq) == []
    assert assembly.held == len(batches) - 1
    assert (assembly.oldest_held_ms, assembly.oldest_held_seq) == (1_000, 2)
    assert assembly.skip_sequence_gaps(1_000 + HOLD_MAX_MS) == []
    assert assembly.skip_sequence_gaps(1_001 + HOLD_MAX_MS)
    assert assembly.held == 0


def one_slot_each(seqs: Iterable[int]) -> list[Any]:
    """Message n has a trade of slot n and its clock, and says that slot n - 1 is complete."""
    return [
        msgspec.structs.replace(
            stream.batch(
                n,
                (
                    stream.swap(n, n),
                    SlotEvent(slot=n, parent=n - 1, block_time_s=stream.BEGIN_S + n),
                ),
                n - 1,
            ),
            tx_id=f"m{n}",
        )
        for n in seqs
    ]


def test_a_message_after_its_sequence_was_given_up_is_counted_late_and_open_slots_take_it() -> (  # noqa: E501
    None
):
    assembly = Assembly(sources=("main",))
    closed = [
        slot for one in one_slot_each((1, 2, 4, 5, 7, 8)) for slot in assembly.add(one, 1_000, 1)
    ]
    for _ in range(2):
        closed += assembly.skip_sequence_gaps(1_001 + HOLD_MAX_MS)
    assert (assembly.held, assembly.next.tx_seq, assembly.late) == (0, 9, 0)
    # One trade of a slot that closed meanwhile, one of the slot that is still open.
    (third, sixth) = one_slot_each((3, 6))
    sixth = msgspec.structs.replace(sixth, events=(stream.swap(6, 8),))
    closed += assembly.add(third, 2_000, 7) + assembly.add(sixth, 2_000, 8)
    assert assembly.late == 1
    # Twice the same is a repeat, neither late nor another message.
    closed += assembly.add(third, 2_000, 9) + assembly.add(sixth, 2_000, 10)
    closed += [slot for one in one_slot_each((9, 10)) for slot in assembly.add(one, 2_000, 11)]
    assert (assembly.late, assembly.reused, assembly.next.incarnation) == (1, 0, 0)
    taken = {slot.slot: {swap.signature for swap in slot.swaps} for slot in closed}
    assert taken[8] == {stream.swap(6, 8).signature, stream.swap(8, 8).signature}
    assert sorted(taken) == [1, 2, 4, 5, 7, 8, 9]


def test_what_comes_at_a_sequence_proven_never_stored_is_taken_all_the_same() -> None:
    assembly = Assembly(sources=("main",))
    for one in one_slot_each((1, 2, 5, 6)):
        assembly.add(one, 1_000, 1)
    assembly.skip_never_stored(4)
    # Somebody deleted the message while a parser had it in hand: its answer is not a repeat.
    (fourth,) = one_slot_each((4,))
    fourth = msgspec.structs.replace(fourth, events=(stream.swap(4, 6),))
    assert assembly.add(fourth, 2_000, 7) == []
    (closed,) = assembly.add(one_slot_each((7,))[0], 2_000, 8)
    assert [swap.signature for swap in closed.swaps] == [
        stream.swap(one, 6).signature for one in (4, 6)
    ]
    assert (assembly.reused, assembly.late) == (0, 0)


def test_a_sequence_that_never_was_a_message_is_passed_at_once_when_that_is_proven() -> None:
    batches = stream.cut(stream.flow(1, 30), 1)
    whole = stream.closed_slots(batches)
    # The same content under sequences that leave 5 and 6 out.
    moved = [
        msgspec.structs.replace(one, tx_seq=one.tx_seq + (2 if one.tx_seq >= 5 else 0))
        for one in batches
    ]
    assembly = Assembly(sources=("main",))
    closed = [slot for one in moved for slot in assembly.add(one, 1_000, one.tx_seq)]
    assert assembly.missing == range(5, 7)
    assert assembly.skip_never_stored(5) == []
    closed += assembly.skip_never_stored(6)
    assert closed == whole
    assert assembly.late == 0


def test_what_comes_after_its_slot_closed_is_late_and_left_out() -> None:
    assembly = Assembly(sources=("main",))
    clock = SlotEvent(slot=5, parent=4, block_time_s=stream.BEGIN_S)
    (closed,) = assembly.add(stream.batch(1, (clock,), 5))
    assert closed.swaps == ()
    assert assembly.add(stream.batch(2, (stream.swap(1, 5),), 5)) == []
    assert assembly.late == 1


def test_a_new_session_closes_the_old_one_whole_and_resets() -> None:
    first, second = stream.flow(1, 20), stream.flow(2, 20)
    batches = stream.cut(first, 1)[:-1]
    more = stream.cut(second, 1, first_seq=len(batches) + 1, epoch=2)
    closed = stream.closed_slots([*batches, *more])
    assert [slot.slot for slot in closed] == [*range(1, 21), *range(1, 21)]
    assert [at for at, slot in enumerate(closed) if slot.reset] == [0, 20]


def interleaved(old: list[Any], new: list[Any], rng: random.Random) -> list[Any]:
    """Messages of a session that are sent again while the next one's are stored already."""
    order = [new[0], *sorted(old + new[1:], key=lambda _: rng.random())]
    # Each session keeps its own order, as its publisher does.
    ours = {id(one) for one in old}
    olds, news = iter(old), iter(new)
    return [next(olds) if id(one) in ours else next(news) for one in order]


@given(st.integers(0, 2**32), st.integers(1, PUBLISHED_AHEAD_MAX))
def test_messages_of_the_old_session_among_the_new_reset_nothing(seed: int, behind: int) -> None:
    rng = random.Random(seed)
    first = stream.cut(stream.flow(rng.randrange(1_000), 90), seed)
    behind = min(behind, len(first) - 1)
    old, resent = first[:-behind], first[-behind:]
    # The other history has slots of the same numbers, and above and below them.
    new = stream.cut(stream.flow(rng.randrange(1_000), 120), seed + 1, epoch=2)
    order = [*old, *interleaved(resent, new, rng)]
    assembly = Assembly(sources=("main",))
    closed = [
        slot
        for seq, one in enumerate(order, start=1)
        for slot in assembly.add(msgspec.structs.replace(one, tx_seq=seq), 1_000, seq)
    ]
    # One is the stream's own beginning, unless nothing of it told the time.
    begins = [at for at, slot in enumerate(closed) if slot.reset]
    assert begins == sorted({0, begins[-1]})
    assert closed[begins[-1] :] == stream.closed_slots(new)
    windowed = sum(len(slot.swaps) + len(slot.quotes) for slot in closed[: begins[-1]])
    sent = [event for one in first for event in one.events if not isinstance(event, SlotEvent)]
    assert windowed + assembly.late + assembly.untimed == len(sent)


def test_a_source_that_counts_its_sessions_from_1_again_is_taken_after_a_bounded_while() -> None:
    before = stream.cut(stream.flow(1, 30), 1, epoch=7)
    # Its checkpoint is gone: sessions begin with 1 again.
    after = [
        msgspec.structs.replace(one, tx_seq=len(before) + one.tx_seq, epoch=1)
        for one in one_slot_each(range(1, 4 * STRAYS_MAX))
    ]
    assembly = Assembly(sources=("main",))
    closed = [slot for one in [*before, *after] for slot in assembly.add(one, 1_000, 1)]
    begins = [slot.slot for slot in closed if slot.reset][1:]
    assert begins == [STRAYS_MAX + 1]
    assert closed[-1].slot == 4 * STRAYS_MAX - 2
    assert assembly.late == STRAYS_MAX


def test_slot_zero_and_slots_without_a_clock_are_never_windowed() -> None:
    assembly = Assembly(sources=("main",))
    timeless = (stream.swap(1, 0), stream.swap(2, 3))
    assert assembly.add(stream.batch(1, timeless, 9)) == []
    assert assembly.untimed == 1


def test_sequences_that_mean_other_messages_after_a_restore_are_taken_and_not_dropped() -> None:
    events = stream.flow(4, 60)
    plain = stream.cut(events, 1)
    whole = stream.closed_slots(plain)
    half = len(plain) // 2
    named = [msgspec.structs.replace(one, tx_id=f"m{at}") for at, one in enumerate(plain)]
    # The older copy ended ten sequences earlier: what follows stands at used numbers.
    moved = [msgspec.structs.replace(one, tx_seq=one.tx_seq - 10) for one in named[half:]]
    overtaking = [moved[1], moved[0], *moved[2:]]
    repeats = named[half - 15 : half - 12]
    assembly = Assembly(sources=("main",))
    closed = [
        slot
        for at, one in enumerate([*named[:half], *repeats, *overtaking, *repeats])
        for slot in assembly.add(one, 1_000, at + 1)
    ]
    assert closed == whole
    assert (assembly.held, assembly.reused > 0) == (0, True)


@given(st.integers(0, 2**32))
def test_a_filled_gap_counts_in_the_windows_and_closes_nothing_twice(seed: int) -> None:
    rng = random.Random(seed)
    events = stream.flow(rng.randrange(1_000), 40)
    hidden = {11, 12, 13}
    seen = [one for one in events if one.slot not in hidden]
    missed = [one for one in events if one.slot in hidden and isinstance(one, Swap)]
    assembly = Assembly(sources=("main",))
    closed = [slot for one in stream.cut(seen, 1) for slot in assembly.add(one)]
    filling = msgspec.structs.replace(
        stream.batch(assembly.next.tx_seq, tuple(missed), 0), gap="main:1:11-13"
    )
    amended = assembly.add(filling)
    assert all(slot.amends for slot in amended)
    assert sorted(swap.signature for slot in amended for swap in slot.swaps) == sorted(
        swap.signature for swap in missed
    )
    # Twice the same is dropped as any repeat.
    again = msgspec.structs.replace(filling, tx_seq=filling.tx_seq + 1)
    assert assembly.add(again) == []
    times = {slot.slot: slot.event_time_ms for slot in closed}
    for slot in amended:
        assert times[10] <= slot.event_time_ms <= times[14]


def test_a_source_that_has_claimed_nothing_yet_holds_every_slot_open() -> None:
    assembly = Assembly(sources=("main", "other"))
    (first, second) = one_slot_each((5, 6))
    said = [
        msgspec.structs.replace(first, tx_seq=1, source="other", frontier_slot=0),
        msgspec.structs.replace(second, tx_seq=2, frontier_slot=6),
    ]
    assert [slot for one in said for slot in assembly.add(one)] == []
    # It is the one that still has a trade of that slot.
    more = msgspec.structs.replace(
        first, tx_seq=3, source="other", events=(stream.swap(9, 5),), frontier_slot=5, tx_id="m9"
    )
    (closed,) = assembly.add(more)
    assert (closed.slot, len(closed.swaps), assembly.late) == (5, 2, 0)
