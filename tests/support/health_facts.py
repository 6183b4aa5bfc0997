"""Facts of a system that is well, and what changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pw_common.wire.heartbeat import Heartbeat, SourceHealth
from pw_health import Beat, Queue, Snapshot

NOW_MS = 1_700_000_000_000


def beat(service: str, *, instance: str = "", age_ms: int = 0, **more: Any) -> Beat:
    """A process as its last heartbeat says, stored `age_ms` ago."""
    at_ms = NOW_MS - age_ms
    fields: dict[str, Any] = {
        "service": service, "instance": instance or f"{service}-1", "version": "1", "pid": 1,
        "started_at_ms": at_ms - 60_000, "at_ms": at_ms, "http_url": "", "ready": True,
    }  # fmt: skip
    return Beat(said=Heartbeat(**(fields | more)), stored_ms=at_ms)


def source(**more: Any) -> SourceHealth:
    fields: dict[str, Any] = {"source": "main", "endpoint": "e", "connected": True, "lag_ms": 100}
    return SourceHealth(**(fields | more))


def ingest(**more: Any) -> Beat:
    """The ingest of a source that is like this."""
    return beat("ingest", source=source(**more))


INGEST, PARSER, DETECTOR = ingest(), beat("parser"), beat("detector")
WELL = Snapshot(
    at_ms=NOW_MS,
    beats=(INGEST, PARSER, DETECTOR),
    queues=(Queue(service="parser", stream="PW_TX", pending=3, lag_ms=200),),
    tx_bytes=10,
    tx_bytes_max=100,
    tx_last_ms=NOW_MS - 100,
)


def with_beats(*beats: Beat) -> Snapshot:
    return replace(WELL, beats=beats)


def with_queue(service: str, stream: str, **more: int) -> Snapshot:
    return replace(WELL, queues=(Queue(service=service, stream=stream, **more),))
