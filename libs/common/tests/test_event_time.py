from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.event_time import SLOT_MS, SlotTime, next_slot_time

steps = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.booleans()), max_size=60)


def test_equal_seconds_are_spread_by_400_ms_a_slot() -> None:
    first = next_slot_time(None, 10, 1_000)
    second = next_slot_time(first, 11, 1_000)
    third = next_slot_time(second, 12, 1_000)
    assert [t.event_time_ms for t in (first, second, third)] == [1_000_000, 1_000_400, 1_000_800]


def test_a_slot_without_a_block_time_is_400_ms_for_each_slot_of_distance() -> None:
    first = next_slot_time(None, 10, 1_000)
    assert next_slot_time(first, 13, None).event_time_ms == 1_000_000 + 3 * SLOT_MS


@given(steps)
def test_time_never_goes_back_and_stays_within_its_second(
    walk: list[tuple[int, int, bool]],
) -> None:
    now = next_slot_time(None, 1, 1_000)
    second = 1_000
    for slots, seconds, known in walk:
        second += seconds
        after = next_slot_time(now, now.slot + slots, second if known else None)
        assert after.event_time_ms >= now.event_time_ms
        if known and now.event_time_ms <= second * 1_000 + 999:
            assert second * 1_000 <= after.event_time_ms <= second * 1_000 + 999
        now = after


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 1)), min_size=8, max_size=80))
def test_a_clock_that_starts_later_tells_the_same_time_from_a_new_second_on(
    walk: list[tuple[int, int]],
) -> None:
    slots: list[tuple[int, int]] = []
    slot = second = 1_000
    for distance, seconds in walk:
        slot, second = slot + distance, second + seconds
        slots.append((slot, second))

    def told(begin: int) -> dict[int, int]:
        now = None
        found = {}
        for at, time_s in slots[begin:]:
            now = next_slot_time(now, at, time_s)
            found[at] = now.event_time_ms
        return found

    whole = told(0)
    for begin in range(1, len(slots)):
        turned = [at for at, time_s in slots[begin:] if time_s > slots[begin][1]]
        later = told(begin)
        assert [later[at] for at in turned] == [whole[at] for at in turned]


def test_a_session_needs_a_clock_to_begin_and_slots_that_go_on() -> None:
    with pytest.raises(ValueError, match="without a block time"):
        next_slot_time(None, 5, None)
    with pytest.raises(ValueError, match="closes after"):
        next_slot_time(SlotTime(5, 1), 5, 1)
