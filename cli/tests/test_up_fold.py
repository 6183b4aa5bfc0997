"""Log lines that repeat are shown once and counted; nothing that is new is held back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_cli.up.processes.fold import KINDS_MAX, WAIT_FIRST_S, Fold

REFUSED = "04:47:{:02} warning ingest: broker_error reason=Refused 127.0.0.1:{}"


def test_a_warning_that_repeats_a_thousand_times_is_a_handful_of_lines() -> None:
    fold = Fold()
    shown: list[str] = []
    for number in range(1_111):
        now_s = number * 0.25
        shown += fold.take("ingest", REFUSED.format(number % 60, 40_000 + number), now_s)
        shown += fold.due(now_s)
    shown += fold.rest(1_111 * 0.25)
    assert len(shown) <= 6
    assert shown[0] == REFUSED.format(0, 40_000)
    counted = sum(int(line.split("the last of ")[1].split()[0]) for line in shown[1:])
    assert counted == 1_110


def test_what_differs_in_words_is_shown_at_once() -> None:
    fold = Fold()
    lines = ["a warning: one", "a warning: two", "a warning: three"]
    assert [shown for line in lines for shown in fold.take("api", line, 0.0)] == lines
    # The same words of another service are news too.
    assert fold.take("parser", lines[0], 0.0) == [lines[0]]


def test_after_a_quiet_time_the_same_line_is_news_again() -> None:
    fold = Fold()
    assert fold.take("api", "warning 1", 0.0) == ["warning 1"]
    assert fold.take("api", "warning 2", 1.0) == []
    assert fold.due(WAIT_FIRST_S) == ["warning 2"]
    assert fold.due(10 * WAIT_FIRST_S) == []
    assert fold.take("api", "warning 3", 10 * WAIT_FIRST_S) == ["warning 3"]


def test_a_traceback_goes_where_its_line_goes() -> None:
    fold = Fold()
    said = []
    for line in ("crash 1", "  File a", "  File b", "crash 2", "  File a", "  File b", "other"):
        said += fold.take("api", line, 0.0)
    assert said == ["crash 1", "  File a", "  File b", "other"]


@given(st.lists(st.text(alphabet="abcdefghij ", min_size=1, max_size=6), max_size=2_000))
def test_no_line_is_lost_and_the_memory_is_bounded(lines: list[str]) -> None:
    fold = Fold()
    said: list[str] = []
    stripped = [line.strip() or "x" for line in lines]
    for line in stripped:
        said += fold.take("api", line, 0.0)
        assert len(fold._kinds) <= KINDS_MAX  # noqa: SLF001 - the bound itself
    said += fold.rest(1.0)
    total = 0
    for line in said:
        _, _, of = line.partition("(the last of ")
        total += int(of.split()[0].replace(",", "")) if of else 1
    assert total == len(stripped)
    assert {one.partition(" (the last")[0] for one in said} == set(stripped)
