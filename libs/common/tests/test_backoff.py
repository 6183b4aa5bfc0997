"""Pauses grow to their most, never vanish, and are the same for the same luck."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.backoff import Backoff

SECONDS = st.floats(0.001, 1_000.0)
BACKOFFS = st.tuples(SECONDS, SECONDS).map(lambda both: Backoff(min(both), max(both)))
ATTEMPTS = st.integers(0, 10**9)


@given(BACKOFFS, st.integers(0, 40))
def test_a_pause_is_the_first_one_doubled_as_often_as_we_tried(one: Backoff, attempt: int) -> None:
    pause_s = one.first_s
    for _ in range(attempt):
        pause_s *= 2
    assert one.longest_s(attempt) == min(one.most_s, pause_s)


@given(BACKOFFS, ATTEMPTS, st.floats(0, 1))
def test_a_pause_is_within_its_bounds_whatever_the_luck(
    one: Backoff, attempt: int, luck: float
) -> None:
    wait_s = one.wait_s(attempt, luck)
    assert one.longest_s(attempt) / 2 <= wait_s <= one.longest_s(attempt) <= one.most_s
    assert wait_s >= one.first_s / 2


@given(BACKOFFS, ATTEMPTS, ATTEMPTS)
def test_more_attempts_never_shorten_the_pause(one: Backoff, few: int, many: int) -> None:
    assert one.longest_s(min(few, many)) <= one.longest_s(max(few, many))


@given(BACKOFFS, st.integers(max_value=0))
def test_before_any_failure_it_is_the_first_pause(one: Backoff, attempt: int) -> None:
    assert one.longest_s(attempt) == one.first_s
