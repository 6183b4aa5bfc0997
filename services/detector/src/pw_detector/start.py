"""How the detector starts: where to read from, what holds, and which episodes are open."""

from __future__ import annotations

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.resuming import FIRST_SEQ, least_tx_seq, went_back
from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.restart import Note
from pw_common.process.log import Log
from pw_common.process.memory import limit_bytes
from pw_common.service.run import Runtime
from pw_common.topology.streams import stream_created
from pw_common.topology.subjects import STREAM_SWAP
from pw_detection.detector import Detector
from pw_detector.config import Settings
from pw_detector.core.restart import Resumed
from pw_detector.folding import Folding, Stores
from pw_detector.store.alert_store import AlertStore, stored_alerts
from pw_detector.store.configuration import Configuration
from pw_detector.store.position import Position, PositionStore


async def start(settings: Settings, runtime: Runtime, store: AlertStore) -> Folding:
    """Everything that an earlier run knew, from the broker alone.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    bus, log = runtime.bus, runtime.log
    info = await bus.api(f"STREAM.INFO.{STREAM_SWAP}")
    created = stream_created(info)
    first_seq = max(FIRST_SEQ, int(info["state"]["first_seq"]))
    positions = PositionStore(bus)
    position = await _position(bus, log, positions, created)
    resumed = await _resumed(bus, position, created, first_seq)
    if position is not None and position.restart_seq < first_seq:
        log.warning("horizon_trimmed", wanted_seq=position.restart_seq, first_seq=first_seq)
    configuration = Configuration(bus, log)
    folding = Folding(
        Assembly(
            sources=settings.source_names(),
            first=resumed.first.tx_position,
            former=resumed.first.former,
        ),
        await _detector(bus, log, position, resumed),
        Stores(store, positions, configuration, SequenceGaps(bus)),
        resumed,
        runtime.metrics,
        log,
        memory_bytes_max=limit_bytes(settings.memory_bytes_max),
    )
    runtime.memory = folding.memory
    runtime.expects = settings.source_names()
    folding.apply(await configuration.at_start(resumed.released_slot))
    await folding.reconfigure()
    log.info(
        "detector_starts",
        reads_from_seq=resumed.first.swap_seq,
        folded_seq=resumed.folded_seq,
    )
    return folding


async def _position(bus: Bus, log: Log, positions: PositionStore, created: str) -> Position | None:
    """Where an earlier run had come to in this very stream; None where that is useless."""
    position = await positions.load()
    if positions.unreadable:
        log.error("position_unreadable", reason=positions.unreadable)
    if position is None:
        return None
    if position.swap_stream_created != created:
        log.warning("swap_stream_recreated", was=position.swap_stream_created, now=created)
        return None
    if await went_back(bus, position.folded_seq, position.folded_time_ms):
        log.error("swap_stream_went_back", why="PW_SWAP was restored from an older copy")
        positions.forget()
        return None
    return position


async def _resumed(bus: Bus, position: Position | None, created: str, first_seq: int) -> Resumed:
    first = await _first_note(bus, position, first_seq)
    if position is None:
        return Resumed(created, first)
    return Resumed(
        created,
        first,
        folded_seq=position.folded_seq,
        folded_tx_position=position.folded_place,
        released_slot=position.released_slot,
        session_time_ms=position.epoch_time_ms,
    )


async def _detector(bus: Bus, log: Log, position: Position | None, resumed: Resumed) -> Detector:
    """A detector that knows the alerts that are stored."""
    detector = Detector()
    if position is not None:
        detector.restore(
            await stored_alerts(bus, log, until_slot=position.released_slot),
            restarts_at_ms=resumed.first.event_time_ms,
            session_since_ms=position.epoch_time_ms,
            evaluates_from_ms=position.event_time_ms,
            cut_ms=position.cut_ms,
            until_slot=position.released_slot,
        )
    return detector


async def _first_note(bus: Bus, position: Position | None, first_seq: int) -> Note:
    if position is not None and position.restart_seq >= first_seq:
        return Note(
            position.restart_time_ms,
            position.restart_seq,
            position.restart_place,
            position.restart_former,
        )
    # From the stream's own beginning: a log that was never trimmed begins with PW_TX's
    # first message; of a trimmed one the least sequence that a fleet may hold back counts.
    least = await least_tx_seq(bus, first_seq)
    incarnation = position.folded_place.incarnation if position is not None else 0
    return Note(0, first_seq, TxPosition(incarnation, least))
