"""Reading the streams as the detector does, to derive again what it stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from pw_cli.up.stored import stored_messages
from pw_common.alerts import Alert, decode_alert
from pw_common.batches import batch_of
from pw_common.bus import Bus, headers_of
from pw_common.log import Log
from pw_common.messages import Batch
from pw_common.subjects import STREAM_ALERT, STREAM_SWAP
from pw_detection.assembly import Assembly, Place
from pw_detection.detector import Detector
from pw_detector.configuration import Configuration
from pw_detector.in_force import apply


@dataclass
class Derived:
    """Alerts by id, as the stored swaps give them. `first_ms` is the first event time seen."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    first_ms: int = 0
    late: int = 0
    missing: list[int] = field(default_factory=list)


async def stored_batches(bus: Bus) -> AsyncIterator[Batch]:
    """Everything that PW_SWAP holds now."""
    async for message in stored_messages(bus, STREAM_SWAP):
        yield batch_of(headers_of(message), message.data)


async def stored_alerts(bus: Bus) -> list[Alert]:
    """The tokens' alerts that PW_ALERT holds now."""
    found = [decode_alert(one.data) async for one in stored_messages(bus, STREAM_ALERT)]
    return [alert for alert in found if alert.mint]


async def derive(bus: Bus, batches: list[Batch], until_slot: int | None = None) -> Derived:
    """Fold batches with the rules that held at each slot.

    Sequences that nobody answered are passed; `missing` names them.
    """
    detector = Detector()
    configuration = Configuration(bus, Log("cli"))
    for change in await configuration.at_start(0):
        apply(detector, change)
    sources = {one.source for one in batches if one.source and not one.gap}
    first = min((one.tx_seq for one in batches), default=1)
    assembly = Assembly(sources=sources, first=Place(0, first))
    found = Derived()
    for batch in batches:
        closed = assembly.add(batch)
        _fold(detector, closed, found)
        if until_slot is not None and closed and closed[-1].slot >= until_slot:
            break
    while assembly.missing:
        found.missing.extend(assembly.missing)
        _fold(detector, assembly.skip_void(assembly.missing[-1]), found)
    found.late = assembly.late
    return found


def _fold(detector: Detector, closed: list, found: Derived) -> None:  # type: ignore[type-arg]
    for one in closed:
        found.first_ms = found.first_ms or one.event_time_ms
        for alert in detector.step(one):
            found.alerts[alert.id] = alert
