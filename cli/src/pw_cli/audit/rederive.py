"""Reading the streams as the detector does, to derive again what it stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from pw_cli.audit.unreadable import Unreadable
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.jetstream.consuming.ranges import read_batches
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.ordering.assembly import Assembly, ClosedSlot, TxPosition
from pw_common.process.log import Log
from pw_common.topology.subjects import STREAM_ALERT, STREAM_SWAP
from pw_common.wire.alerts import Alert, decode_alert, of_detector
from pw_common.wire.messages import Batch
from pw_detection.detector import Detector
from pw_detector.core.apply_config import apply
from pw_detector.store.configuration import Configuration


@dataclass
class Rederived:
    """Alerts by id, as the stored swaps give them. `first_ms` is the first event time seen."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    first_ms: int = 0
    late: int = 0
    missing: list[int] = field(default_factory=list)

    def fold(self, detector: Detector, closed: Iterable[ClosedSlot]) -> None:
        """Take the next slots; what lies before the session is in no window, and begins nothing."""
        for one in closed:
            if one.is_before_session:
                continue
            self.first_ms = self.first_ms or one.event_time_ms
            for alert in detector.step(one):
                self.alerts[alert.id] = alert


async def stored_batches(
    bus: Bus,
    *,
    first_seq: int = 1,
    last_seq: int | None = None,
    on_read: Callable[[int], None] = lambda _seq: None,
) -> AsyncIterator[Batch]:
    """What PW_SWAP holds from `first_seq` up to `last_seq`, by default its present end.

    Raises:
        Unreadable: a message that is not a batch.
        BrokerAway, ApiRefused: from the broker.
    """
    if last_seq is None:
        last_seq = int((await bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]["last_seq"])
    async with aclosing(read_batches(bus, first_seq, last_seq, on_bad=_refuse)) as found:
        async for message, batch in found:
            yield batch
            on_read(message.seq)


def _refuse(message: StoredMessage, error: Exception) -> None:
    raise Unreadable(f"{STREAM_SWAP} {message.seq}: {error}") from error


def is_streamed(batch: Batch) -> bool:
    """Whether it is of a source's stream: not filled in, and no dead letter that was sent again."""
    return bool(batch.source and batch.epoch and not batch.gap)


async def as_stream(batches: Iterable[Batch]) -> AsyncIterator[Batch]:
    """Batches at hand, in the form in which the broker's come."""
    for batch in batches:
        yield batch


async def stored_alerts(bus: Bus) -> list[Alert]:
    """The tokens' alerts that PW_ALERT holds now."""
    found = [decode_alert(one.data) async for one in stored_messages(bus, STREAM_ALERT)]
    return [alert for alert in found if of_detector(alert)]


async def rederive(
    bus: Bus,
    batches: AsyncIterator[Batch],
    *,
    sources: Iterable[str],
    first_tx_seq: int,
    wanted: Alert | None = None,
) -> Rederived:
    """Fold batches with the rules that held at each slot; as `derive`."""
    detector = Detector()
    configuration = Configuration(bus, Log("cli"))
    for change in await configuration.at_start(0):
        apply(detector, change)
    return await derive(
        detector, batches, sources=sources, first_tx_seq=first_tx_seq, wanted=wanted
    )


async def derive(
    detector: Detector,
    batches: AsyncIterator[Batch],
    *,
    sources: Iterable[str],
    first_tx_seq: int,
    wanted: Alert | None = None,
) -> Rederived:
    """What a detector gives for batches, all of them, or until it has given the wanted alert.

    Sequences that nobody answered are passed; `missing` names them.
    """
    assembly = Assembly(sources=sources, first=TxPosition(0, first_tx_seq))
    found = Rederived()
    async for batch in batches:
        found.fold(detector, assembly.add(batch))
        # Slots say nothing: those of a later session may be lower.
        if wanted is not None and wanted.id in found.alerts:
            return found
    while assembly.missing:
        found.missing.extend(assembly.missing)
        found.fold(detector, assembly.skip_never_stored(assembly.missing[-1]))
    found.late = assembly.late
    return found
