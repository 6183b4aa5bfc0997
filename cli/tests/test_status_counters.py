"""What a service is shown to do, in the terminal and on the page."""

from __future__ import annotations

import re
from pathlib import Path

from pw_cli.terminal.status_tables import MAIN_COUNTER
from pw_common.service.metrics import METRICS

METRIC_NAME = r'"(pw_(?:ingest|parser|detector|history|notifier|api|replay)_\w+)"'
SOURCES = Path(__file__).parents[1] / "src"
PAGE = Path(__file__).parents[2] / "dashboard" / "src" / "system" / "tables.tsx"


def test_each_services_main_counter_is_one_that_it_counts() -> None:
    counters = {one.name: one.services for one in METRICS if one.kind == "counter"}
    for service, name in MAIN_COUNTER.items():
        assert service in counters[name], name


def test_every_metric_that_the_cli_asks_for_is_declared() -> None:
    # One that is not there would count as 0.
    texts = [path.read_text() for path in SOURCES.rglob("*.py")]
    asked = {name for text in texts for name in re.findall(METRIC_NAME, text)}
    assert "pw_detector_hold_max_seconds" in asked
    assert asked <= {one.name for one in METRICS}


def test_every_service_that_works_on_the_stream_shows_a_figure() -> None:
    assert set(MAIN_COUNTER) == {
        "ingest",
        "parser",
        "detector",
        "history",
        "notifier",
        "api",
        "replay",
    }


def test_the_page_and_the_terminal_show_the_same_figures() -> None:
    found = re.search(r"const MAIN[^{]*\{(.*?)\}", PAGE.read_text(), re.DOTALL)
    assert found is not None
    assert dict(re.findall(r"(\w+): \"(\w+)\"", found[1])) == MAIN_COUNTER
