"""`pw status` can be read on a phone's terminal and on a wall: nothing is cut at any width."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from pw_cli.terminal.status_tables import tables

RATE = {"total": 123_456_789, "per_s_1s": 1_234.5, "per_s_60s": 1_200.25}
INSTANCE = {"instance": "parser-4711-abcdef", "stale": False, "ready": False,
            "reason": "waits for the broker: no answer"}  # fmt: skip
SOURCE: dict[str, Any] = {
    "source": "main", "endpoint": "https://yellowstone.provider.example:443",
    "filter": "successful",
    "connected": True, "waiting_for_broker": False, "lag_ms": 412, "slot": 412_345_678,
    "checkpoint_slot": 412_345_670, "frontier_slot": 412_345_677, "gaps": 1_234, "detail": "",
    "endpoints": [
        {"endpoint": "https://yellowstone.provider.example:443", "active": True, "connected": True,
         "slot": 412_345_678, "lag_ms": 412, "detail": "", "refusing": ""},
        {"endpoint": "https://second.example:443", "active": False, "connected": True,
         "slot": 412_345_678, "lag_ms": 398, "detail": "", "refusing": "refuses token-programs"},
    ],
}  # fmt: skip
STATUS: dict[str, Any] = {
    "mode": "catching_up", "why": ["parser: 17,447 messages wait, and more come than are parsed"],
    "services": [{"service": "parser", "instances": [INSTANCE, INSTANCE],
                  "rates": {"pw_parser_transactions_total": RATE}}],
    "sources": [SOURCE],
    "streams": [{"stream": "PW_TX", "messages": 17_447, "bytes": 7_000_000_000,
                 "bytes_max": 8_589_934_592, "first_seq": 123_456_789, "last_seq": 123_474_236}],
    "consumers": [{"stream": "PW_TX", "consumer": "parser", "pending": 17_447, "ack_pending": 256,
                   "redelivered": 3, "lag_s": 12.34}],
    "totals": {"gaps": 1_234, "dead_letters": 16},
}  # fmt: skip
# Each figure, as it is shown at every width.
FIGURES = (
    "catching up", "17,447 messages wait", "1,234", "123,456,789", "412345678", "412345670",
    "412345677", "7.0 GB", "8.6 GB", "81 %", "123,474,236", "256", "12.3", "dead letters 16",
    "refuses token-programs", "successful",
)  # fmt: skip


def printed(width: int) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(tables(STATUS))
    return capture.get()


@pytest.mark.parametrize("width", [*range(40, 90), 100, 120, 160, 200])
def test_every_figure_is_whole_and_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = printed(width)
    assert "…" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= width
    # A word that wraps is joined again; a figure never wraps.
    joined = re.sub(r"\s+", " ", text)
    for figure in FIGURES:
        assert figure in joined, f"{figure} at {width}\n{text}"


def test_a_wide_terminal_has_columns_and_a_narrow_one_has_blocks() -> None:
    assert "redelivered" in printed(40)
    assert len(printed(40).splitlines()) > len(printed(200).splitlines())
    assert re.search(r"stream +messages +bytes", printed(200))
    assert not re.search(r"stream +messages +bytes", printed(40))
