"""What every reader of a log relies on: repeats dropped, prefixes proven, lateness counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.dedup import SeenWindow
from pw_common.ordering.sequences.prefix import SEQUENCE_GAPS_MAX, Prefix
from pw_common.ordering.watermark import Watermark
from pw_common.wire.messages import Batch, Counts


def batch(seq: int, frontier: int = 0, epoch: int = 1, source: str = "main") -> Batch:
    return Batch(
        tx_stream_created="",
        tx_seq=seq,
        source=source,
        epoch=epoch,
        frontier_slot=frontier,
        counts=Counts(),
    )


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=80))
def test_a_key_is_new_exactly_when_the_window_does_not_hold_it(
    seen: list[tuple[int, int]],
) -> None:
    window = SeenWindow(slots_max=10, keys_max=1_000)
    remembered: list[tuple[int, int]] = []
    newest = 0
    for key, slot in seen:
        expected = key not in {k for k, _ in remembered}
        assert window.first_time(key, slot) == expected
        if expected:
            remembered.append((key, slot))
            newest = max(newest, slot)
            # Only what stands before the first young enough key is forgotten.
            while remembered and remembered[0][1] < newest - 10:
                remembered.pop(0)


def test_the_window_is_bounded_by_keys_and_says_so() -> None:
    window = SeenWindow(slots_max=10**9, keys_max=3)
    for key in range(5):
        assert window.first_time(key, 1)
    assert window.evicted == 2
    assert window.first_time(0, 1)
    assert not window.first_time(4, 1)


@given(st.permutations(range(1, 15)), st.lists(st.integers(1, 14), max_size=10))
def test_the_prefix_is_released_in_order_whatever_the_arrival(
    order: list[int], repeats: list[int]
) -> None:
    prefix = Prefix()
    released: list[int] = []
    arrived: set[int] = set()
    for seq in [*order, *repeats]:
        released += [one.tx_seq for one in prefix.add(batch(seq))]
        arrived.add(seq)
        whole = next(n for n in range(1, 17) if n not in arrived)
        assert released == list(range(1, whole))
        assert prefix.held == len(arrived) - len(released)
    assert prefix.repeats == len(repeats)


@given(st.sets(st.integers(1, 40), max_size=20), st.permutations(range(1, 41)))
def test_what_was_passed_over_is_recovered_once_and_nothing_else_is(
    missing: set[int], asked: list[int]
) -> None:
    prefix = Prefix()
    for seq in sorted({*range(1, 41), 41} - missing):
        prefix.add(batch(seq))
    while prefix.held:
        prefix.skip_sequence_gap()
    assert {seq for seq in asked if prefix.recover(seq)} == missing
    assert not any(prefix.recover(seq) for seq in asked)


def test_what_was_passed_over_is_remembered_within_a_bound() -> None:
    prefix = Prefix()
    for seq in range(2, 4 * SEQUENCE_GAPS_MAX, 2):
        prefix.add(batch(seq))
        prefix.skip_sequence_gap()
    assert not prefix.recover(1)
    recovered = sum(prefix.recover(seq) for seq in range(1, 4 * SEQUENCE_GAPS_MAX))
    assert recovered == SEQUENCE_GAPS_MAX


def test_the_watermark_is_the_least_frontier_of_all_sources() -> None:
    watermark = Watermark()
    assert watermark.advance(batch(1, frontier=10, source="a")) == 10
    assert watermark.advance(batch(2, frontier=7, source="b")) == 7
    assert watermark.advance(batch(3, frontier=12, source="b")) == 10


def test_a_new_session_replaces_its_frontier_and_zero_says_nothing() -> None:
    watermark = Watermark()
    watermark.advance(batch(1, frontier=100))
    assert watermark.advance(batch(2, frontier=0)) == 100
    assert watermark.advance(batch(3, frontier=5, epoch=2)) == 5
    assert not watermark.is_late(batch(4, epoch=3), 4)
    assert watermark.is_late(batch(4, epoch=2), 5)
    assert not watermark.is_late(batch(4, epoch=2), 0)
