"""What `pw up` says a source is, and what `pw status` shows of it."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from pw_cli.terminal.status_tables import _lag
from pw_cli.up.options.arguments import add_arguments, options
from pw_cli.up.options.plan import Ports, ingest_spec

PORTS = Ports(replay=1, replay_http=2, ingest_http=3, parser_http=(4,), api=5)


@pytest.mark.parametrize(("endpoint", "kind"), [("https://host:443", "live"), (None, "recorded")])
def test_an_endpoint_is_live_and_what_pw_up_plays_is_recorded(
    endpoint: str | None, kind: str
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    chosen = options(parser.parse_args(["--endpoint", endpoint] if endpoint else []))
    spec = ingest_spec(chosen, "nats://b:1", PORTS)
    assert spec.env["PW_INGEST_SOURCE_KIND"] == kind


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ({"lag_ms": 40, "kind": "live", "clock_ahead_ms": 0}, "40"),
        ({"lag_ms": 10**11, "kind": "recorded", "clock_ahead_ms": 0}, "recording"),
        ({"lag_ms": 10**11, "kind": "live", "clock_ahead_ms": 0}, "100,000,000,000"),
        ({"lag_ms": 0, "kind": "live", "clock_ahead_ms": 90_000}, "clock 90 s ahead"),
        ({"lag_ms": 40}, "40"),
    ],
    ids=["live", "recorded", "far behind", "ahead", "an API of the version before"],
)
def test_a_lag_is_shown_by_the_declared_kind(source: dict[str, Any], shown: str) -> None:
    assert _lag(source) == shown
