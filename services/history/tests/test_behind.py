"""History reports its lag from the start, over every stream it reads, until it catches up."""

from __future__ import annotations

from pw_history.shell.behind import Behind


def test_nothing_that_waits_is_not_behind() -> None:
    behind = Behind()
    assert behind.seconds(9_000) == 0.0
    behind.reads("swaps", 1_000, waiting=False)
    assert behind.seconds(9_000) == 0.0


def test_the_oldest_of_what_is_read_counts_until_it_has_caught_up() -> None:
    behind = Behind()
    behind.reads("swaps", 4_000, waiting=True)
    behind.reads("alerts", 2_000, waiting=True)
    assert behind.seconds(9_000) == 7.0
    behind.reads("alerts", 8_000, waiting=False)
    assert behind.seconds(9_000) == 5.0
    behind.reads("swaps", 8_500, waiting=True)
    assert behind.seconds(9_000) == 0.5
    # Another machine's clock may be ahead.
    assert behind.seconds(8_000) == 0.0
