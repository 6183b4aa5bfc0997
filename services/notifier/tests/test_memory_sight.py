"""A detector that nears its memory limit is a condition, and one that had to drop another."""

from __future__ import annotations

from pw_common.messages import Heartbeat, MemoryHealth, decode_heartbeat, encode
from pw_notifier.core.sight import Facts, conditions

NOW_MS = 1_700_000_000_000


def said(resident: int, cut_ms: int = 0) -> dict[str, str]:
    memory = MemoryHealth(resident_bytes=resident, limit_bytes=1_000, cut_ms=cut_ms)
    beats = [
        Heartbeat(
            service=service, instance=service, version="1", pid=1, started_at_ms=0, at_ms=NOW_MS,
            http_url="", ready=True, memory=memory if service == "detector" else None,
        )
        for service in ("ingest", "parser", "detector")
    ]  # fmt: skip
    # As they come out of the bucket.
    return conditions(Facts(NOW_MS, [decode_heartbeat(encode(beat)) for beat in beats]))


def test_four_fifths_of_the_memory_limit_are_a_condition_and_less_is_none() -> None:
    assert said(799) == {}
    assert said(800) == {"detector_memory": "The detector holds 80 % of its memory limit."}


def test_a_detector_that_had_to_drop_says_that_it_holds_less_than_an_hour() -> None:
    (only,) = said(900, cut_ms=NOW_MS).items()
    assert only[0] == "detector_cut"
    assert "less than an hour" in only[1]
