"""History reports its lag from the start, over every stream it reads, until it catches up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.restart import Note
from pw_history.core.progress import Progress
from pw_history.shell.behind import FRESH_S, Behind

STREAMS = ("swaps", "alerts")
HOUR_S = 3_600.0
YEAR_1_MS = -62_135_596_800_000


def test_nothing_that_waits_is_not_behind() -> None:
    behind = Behind(["swaps"], 0.0)
    behind.caught_up("swaps", 1.0)
    assert behind.seconds(9_000, 1.0) == 0.0
    assert behind.seconds(9_000, 1.0 + FRESH_S) == 0.0


def test_the_oldest_of_what_is_read_counts_until_it_has_caught_up() -> None:
    behind = Behind(STREAMS, 0.0)
    behind.waits("swaps", 4_000, 0.0)
    behind.waits("alerts", 2_000, 0.0)
    assert behind.seconds(9_000, 0.0) == 7.0
    behind.caught_up("alerts", 0.0)
    assert behind.seconds(9_000, 0.0) == 5.0
    behind.waits("swaps", 8_500, 0.0)
    assert behind.seconds(9_000, 0.0) == 0.5
    # Another machine's clock may be ahead.
    assert behind.seconds(8_000, 0.0) == 0.0


def test_a_stream_that_was_not_looked_at_yet_is_not_caught_up() -> None:
    behind = Behind(STREAMS, 10.0)
    behind.caught_up("swaps", 10.5)
    assert behind.seconds(9_000, 10.5) == 0.5


@pytest.mark.parametrize("waits", [False, True])
def test_a_look_that_is_old_is_no_look(waits: bool) -> None:
    # As after a pause of the process, or while a write waits.
    behind = Behind(["swaps"], 0.0)
    behind.caught_up("swaps", 1.0)
    if waits:
        behind.waits("swaps", 8_990, 1.0)
    assert behind.seconds(9_000, 1.0 + HOUR_S) == HOUR_S


def test_a_stream_that_cannot_be_looked_at_is_behind_at_once_by_the_time_since_it_was() -> None:
    behind = Behind(["swaps"], 0.0)
    behind.caught_up("swaps", 1.0)
    behind.unknown("swaps")
    assert behind.seconds(9_000, 1.5) == 0.5
    behind.caught_up("swaps", 2.0)
    assert behind.seconds(9_000, 2.0) == 0.0


def test_what_waits_waits_no_longer_than_since_all_was_stored() -> None:
    # A source that was idle for two thousand years: what waits now came just now.
    behind = Behind(["swaps"], 0.0)
    behind.caught_up("swaps", HOUR_S)
    behind.waits("swaps", YEAR_1_MS, HOUR_S + 0.25)
    assert behind.seconds(9_000, HOUR_S + 0.5) == 0.5


def test_what_is_held_is_not_shown_unless_it_is_read_again() -> None:
    progress = Progress("then", Note(0, 5, TxPosition(0, 1)), come_ms=5_000)
    assembly = Assembly()
    # Read again after a start: that a part waits for its turn is no news.
    progress.read(5, 3_000, assembly)
    assert progress.shown_ms(2_500, at_end=False) == 5_000
    # At the end it waits indeed.
    assert progress.shown_ms(2_500, at_end=True) == 2_500
    progress.read(6, 6_000, assembly)
    assert progress.shown_ms(2_500, at_end=False) == 2_500
    assert progress.shown_ms(None, at_end=False) == 6_000


looks = st.lists(
    st.tuples(
        # The time since the one before, and what it was: nothing waits, or this old, or it failed.
        st.sampled_from([0.25, 1.0, 40.0, HOUR_S]),
        st.sampled_from([None, None, "failed", 0, 500, 3_600_000]),
    ),
    max_size=8,
)


@given(first_ms=st.sampled_from([None, 100, 50_000]), steps=looks, after_s=st.floats(0.01, 5_000))
def test_it_is_0_only_by_a_fresh_look_and_no_more_than_what_can_wait(
    first_ms: int | None, steps: list[tuple[float, str | int | None]], after_s: float
) -> None:
    def wall_ms(at_s: float) -> int:
        return 1_800_000_000_000 + int(at_s * 1000)

    now_s, whole_s, looked_s = 100.0, None, 100.0
    waits_ms: int | None = None
    is_fresh = False
    behind = Behind(["swaps"], now_s)
    if first_ms is not None:
        waits_ms = wall_ms(now_s) - first_ms
        behind.waits("swaps", waits_ms, now_s)
    for step_s, found in steps:
        now_s += step_s
        if found == "failed":
            is_fresh = False
            behind.unknown("swaps")
            continue
        looked_s = now_s
        if isinstance(found, int):
            is_fresh, waits_ms = False, wall_ms(now_s) - found
            behind.waits("swaps", waits_ms, now_s)
        else:
            is_fresh, whole_s, waits_ms = True, now_s, None
            behind.caught_up("swaps", now_s)
    now_s += after_s
    said_s = behind.seconds(wall_ms(now_s), now_s)
    assert (said_s == 0) == (is_fresh and now_s - looked_s <= FRESH_S)
    if said_s:
        assert said_s >= now_s - looked_s
    if waits_ms is None:
        assert said_s <= now_s - looked_s
    elif whole_s is not None:
        assert said_s <= now_s - whole_s
