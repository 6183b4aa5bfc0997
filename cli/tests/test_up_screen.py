"""On a terminal, lines and figures never share a line, at any width."""

from __future__ import annotations

import os
import re
import threading

import pytest

from pw_cli.up.screen.screen import CLEAR_LINE, Screen

FIGURES = "running      · in 158 tx/s · parsed 158 tx/s · swaps 149/s · waiting 0 (lag 0.0 s)"


def shown(raw: str) -> list[str]:
    """What a terminal shows, line by line."""
    rows = [""]
    for part in re.split(r"(\n|\r\x1b\[K)", raw):
        if part == "\n":
            rows.append("")
        elif part == CLEAR_LINE:
            rows[-1] = ""
        else:
            rows[-1] += part
    return rows


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_line_comes_above_the_figures_which_stay_the_last_line(columns: int) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as out:
        screen = Screen(stream, live=True, columns=lambda: columns)
        screen.figures(FIGURES)
        screen.line("12:00:00 warning ingest: broker_error")
        screen.figures(FIGURES.replace("158", "160"))
        screen.line("the broker runs again")
        screen.close()
        stream.close()
        rows = shown(out.read().decode())
    assert rows[0] == "12:00:00 warning ingest: broker_error"
    assert rows[1] == "the broker runs again"
    assert rows[2].startswith("running      · in 160")
    # It never fills the line: a terminal would begin another.
    assert len(rows[2]) < columns
    assert rows[3:] == [""]


def test_lines_of_many_threads_are_whole() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as out:
        screen = Screen(stream, live=False)

        def write(name: int) -> None:
            for number in range(50):
                screen.line(f"<{name} {number}>")

        threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        screen.close()
        stream.close()
        lines = out.read().decode().splitlines()
    assert len(lines) == 400
    assert all(re.fullmatch(r"<\d \d+>", line) for line in lines)
