"""What the notifier says of a source that claims what cannot be."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from pw_common.messages import Heartbeat, SourceHealth
from pw_notifier.core.sight import Facts, conditions

HONEST = SourceHealth(source="main", endpoint="e", connected=True, lag_ms=40)


def facts(source: SourceHealth) -> Facts:
    beats = [
        Heartbeat(
            service=name, instance=name, version="1", pid=1, started_at_ms=0, at_ms=1_000,
            http_url="", ready=True, source=source if name == "ingest" else None,
        )
        for name in ("ingest", "parser", "detector")
    ]  # fmt: skip
    return replace(Facts(now_ms=1_000, heartbeats=()), heartbeats=beats)


def test_a_refused_claim_is_a_condition_that_names_the_endpoint() -> None:
    lied = msgspec.structs.replace(HONEST, refused=3, refusing="http://far:1 claims slot 9")
    assert conditions(facts(HONEST)) == {}
    assert conditions(facts(lied)) == {"refused_main": "Source main: http://far:1 claims slot 9."}


def test_a_clock_that_is_ahead_is_a_condition_of_its_own() -> None:
    ahead = msgspec.structs.replace(HONEST, lag_ms=0, clock_ahead_ms=42_000)
    assert list(conditions(facts(ahead))) == ["clock_main"]
    recorded = msgspec.structs.replace(ahead, kind="recorded")
    assert conditions(facts(recorded)) == {}


def test_only_the_lag_of_a_live_source_means_something() -> None:
    late = msgspec.structs.replace(HONEST, lag_ms=10**10)
    assert list(conditions(facts(late))) == ["source_main"]
    assert conditions(facts(msgspec.structs.replace(late, kind="recorded"))) == {}
