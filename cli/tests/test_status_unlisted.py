"""`pw status` says how much trades at programs that no table names."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from pw_cli.terminal.status_tables import tables

PROGRAM = "ExA6GYhHAeRNMWVNLrDir1SKPJZcZA2oaPq6uriSmxfJ"
STATUS: dict[str, Any] = {
    "mode": "running", "why": [], "services": [], "streams": [], "consumers": [], "sources": [],
    "totals": {"gaps": 0},
}  # fmt: skip


def printed(status: dict[str, Any]) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(tables(status))
    return capture.get()


def test_the_line_names_share_and_who_trades_most_and_what_was_left_out() -> None:
    found: dict[str, Any] = {"programs": 2, "share": 0.1234, "swaps": 40_000, "left_out": 0}
    found["shown"] = [{"program": PROGRAM, "share": 0.041}]
    text = printed(STATUS | {"unlisted": found})
    assert "unlisted programs 2: 12.3% of 40,000 swaps in 2 h" in text
    assert f"most: {PROGRAM} 4.1%" in text
    assert "beyond what is noted" not in text
    assert "beyond what is noted: 7" in printed(STATUS | {"unlisted": found | {"left_out": 7}})


def test_nothing_is_said_where_none_trades_or_an_older_api_answers() -> None:
    none: dict[str, Any] = {"programs": 0, "share": None, "swaps": 0, "left_out": 0, "shown": []}
    assert "unlisted" not in printed(STATUS | {"unlisted": none})
    assert "unlisted" not in printed(STATUS)
