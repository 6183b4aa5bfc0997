"""Ranges are a set that forgets nothing and names what is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_cli.audit.ranges import Ranges

NUMBERS = st.lists(st.integers(1, 60), max_size=80)


@given(NUMBERS, st.integers(0, 70))
def test_ranges_hold_what_a_set_holds_and_miss_what_it_misses(
    numbers: list[int], until: int
) -> None:
    ranges, plain = Ranges(), set()
    for number in numbers:
        ranges.add(number)
        plain.add(number)
    assert ranges.count == len(plain)
    assert ranges.first == min(plain, default=None)
    assert [number for number in range(71) if number in ranges] == sorted(plain)
    missing = [number for part in ranges.missing(until) for number in part]
    expected = range(min(plain), until + 1) if plain else range(0)
    assert missing == [number for number in expected if number not in plain]


def test_a_long_run_with_one_number_missing_is_kept_as_two_ranges() -> None:
    ranges = Ranges()
    for number in range(1, 10_001):
        if number != 77:
            ranges.add(number)
    assert list(ranges.missing(10_000)) == [range(77, 78)]
    assert len(ranges._firsts) == 2
