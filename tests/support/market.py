"""A generated market, and what any fleet must make of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pw_cli.audit.rederive import stored_alerts
from pw_cli.offline.offline import batches
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.dedup import SeenWindow
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert, alert_digest
from pw_common.wire.batches import batch_of
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Batch, Swap, swap_digest
from pw_detection.detector import Detector
from pw_replay.market import generate


def market(*, seed: int, minutes: float, tps: float) -> list[bytes]:
    """The updates, in the order in which a source sends them."""
    return list(generate(seed=seed, minutes=minutes, tps=tps))


def write_capture(path: Path, updates: list[bytes]) -> Path:
    """The same as a capture file."""
    with CaptureWriter(path) as writer:
        for update in updates:
            writer.write(update)
    return path


class Made(NamedTuple):
    """What readers get: counts and digests of swaps and of alerts."""

    swaps: int
    swap_digest: str
    alerts: int
    alert_digest: str


def expected(*captures: Path) -> Made:
    """What any fleet must make of these captures, without a broker."""
    found = list(batches(captures))
    fired = _fired(found)
    return Made(*_swaps(found), len(fired), alert_digest(fired))


def expected_alerts(*captures: Path) -> list[Alert]:
    """The alerts themselves."""
    return _fired(list(batches(captures)))


async def made(bus: Bus) -> Made:
    """What PW_SWAP and PW_ALERT hold for readers now."""
    found = [
        batch_of(headers_of(message), message.data)
        async for message in stored_messages(bus, subjects.STREAM_SWAP)
    ]
    fired = await stored_alerts(bus)
    return Made(*_swaps(found), len(fired), alert_digest(fired))


def _fired(found: list[Batch]) -> list[Alert]:
    assembly, detector = Assembly(sources=("main",)), Detector()
    return [
        alert
        for batch in found
        for closed in assembly.add(batch)
        for alert in detector.step(closed)
    ]


def _swaps(found: list[Batch]) -> tuple[int, str]:
    seen = SeenWindow()
    swaps = [
        event
        for batch in found
        for event in batch.events
        if isinstance(event, Swap) and seen.first_time((event.signature, event.ordinal), event.slot)
    ]
    return len(swaps), swap_digest(swaps)
