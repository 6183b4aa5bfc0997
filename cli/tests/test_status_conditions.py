"""`pw status` shows what the API judged: why, for how long, and what to do. It judges nothing."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from pw_cli.terminal.status_tables import tables

NOW_MS = 1_700_000_000_000
STATUS: dict[str, Any] = {
    "at_ms": NOW_MS, "mode": "catching_up", "why": ["The detector is behind."], "services": [],
    "streams": [], "consumers": [], "sources": [], "totals": {"gaps": 0},
}  # fmt: skip
BEHIND = {
    "name": "detector_behind", "severity": "critical", "mode": "catching_up",
    "since_ms": NOW_MS - 125_000, "why": "The detector is behind.", "what_to_do": "Wait.",
}  # fmt: skip


def printed(status: dict[str, Any]) -> list[str]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(tables(status))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_each_condition_is_shown_with_how_long_it_lasts_and_what_to_do() -> None:
    lines = printed(STATUS | {"conditions": [BEHIND]})
    assert lines[:3] == [
        "Pocketwatcher catching up",
        "  The detector is behind. (2 min)",
        "    Wait.",
    ]


def test_times_are_said_in_their_largest_unit_that_says_something() -> None:
    for ms, words in ((-5_000, "0 s"), (119_000, "119 s"), (7_200_000, "2 h"), (4 * 10**8, "4 d")):
        lines = printed(STATUS | {"conditions": [BEHIND | {"since_ms": NOW_MS - ms}]})
        assert lines[1].endswith(f"({words})")


def test_of_an_api_of_the_version_before_the_reasons_are_shown() -> None:
    assert printed(STATUS)[1] == "  The detector is behind."
