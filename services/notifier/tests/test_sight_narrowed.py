"""An endpoint that shows less than was asked for is a condition, also after a failover."""

from __future__ import annotations

from pw_common.messages import Heartbeat, SourceHealth
from pw_notifier.core.sight import Facts, conditions

NOW_MS = 1_700_000_000_000


def beat(service: str, source: SourceHealth | None = None) -> Heartbeat:
    return Heartbeat(
        service=service,
        instance=service,
        version="0",
        pid=1,
        started_at_ms=NOW_MS - 60_000,
        http_url="",
        at_ms=NOW_MS,
        ready=True,
        source=source,
    )


def found(narrowed: str) -> dict[str, str]:
    source = SourceHealth(source="main", endpoint="e", connected=True, narrowed=narrowed)
    beats = [beat("ingest", source), beat("parser"), beat("detector")]
    return conditions(Facts(now_ms=NOW_MS, heartbeats=beats))


def test_less_than_was_asked_for_is_a_condition_of_its_own() -> None:
    assert found("") == {}
    said = found("http://far:1 sees only programs, not successful")
    assert said == {"narrow_main": "Source main: http://far:1 sees only programs, not successful."}
