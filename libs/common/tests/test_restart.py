"""A restart reads from a horizon before what was folded, and no further."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.assembly import TxPosition
from pw_common.ordering.restart import NOTE_EVERY_MS, Note, RestartPoints

HORIZON_MS = 125 * 60_000


@given(st.lists(st.integers(1, 20 * NOTE_EVERY_MS), max_size=200))
def test_what_is_read_again_covers_the_horizon_and_little_more(steps_ms: list[int]) -> None:
    points = RestartPoints(Note(0, 1, TxPosition(0, 1)), HORIZON_MS)
    notes = []
    now_ms = NOTE_EVERY_MS
    for number, step_ms in enumerate(steps_ms, start=2):
        now_ms += step_ms
        note = Note(now_ms, number, TxPosition(0, number))
        notes.append(note)
        points.take(note)
        oldest = points.oldest
        missed = [one for one in notes if one.swap_seq < oldest.swap_seq]
        assert all(one.event_time_ms <= now_ms - HORIZON_MS for one in missed)
    if steps_ms and now_ms > 2 * HORIZON_MS + 40 * NOTE_EVERY_MS:
        assert points.oldest.event_time_ms >= now_ms - HORIZON_MS - 21 * NOTE_EVERY_MS


def test_after_a_discontinuity_nothing_before_it_is_read() -> None:
    points = RestartPoints(Note(0, 1, TxPosition(0, 1)), HORIZON_MS)
    points.take(Note(NOTE_EVERY_MS, 50, TxPosition(0, 50)))
    points.reset(Note(5, 70, TxPosition(0, 70)))
    assert points.oldest == Note(5, 70, TxPosition(0, 70))


def test_at_a_jump_of_time_that_is_no_restart_what_was_known_stays_for_a_horizon() -> None:
    first = Note(0, 1, TxPosition(0, 1))
    points = RestartPoints(first, HORIZON_MS)
    points.take(Note(NOTE_EVERY_MS, 50, TxPosition(0, 50)))
    jump_ms = 9 * HORIZON_MS
    points.hold(jump_ms)
    points.take(Note(jump_ms, 60, TxPosition(0, 60)))
    points.take(Note(jump_ms + HORIZON_MS - 1, 70, TxPosition(0, 70)))
    assert points.oldest == first
    points.take(Note(jump_ms + HORIZON_MS, 80, TxPosition(0, 80)))
    assert points.oldest.swap_seq == 60
