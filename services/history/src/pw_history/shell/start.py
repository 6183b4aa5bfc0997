"""How history starts: where to read from, and what was lost meanwhile."""

from __future__ import annotations

from typing import NamedTuple

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import oldest_beyond_ms
from pw_common.jetstream.consuming.resuming import FIRST_SEQ, least_tx_seq, went_back
from pw_common.jetstream.consuming.sequence_gaps import SequenceGaps
from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.closed_slot import WITH_POOLS
from pw_common.ordering.restart import Note
from pw_common.process.clock import now_ms
from pw_common.process.log import Log
from pw_common.service.run import Runtime
from pw_common.topology.stream_end import stream_end
from pw_common.topology.subjects import STREAM_SWAP
from pw_history.config import Settings
from pw_history.core.progress import Progress, StoredPosition
from pw_history.core.rows import RowMaker
from pw_history.shell.folding import Folding
from pw_history.shell.keeping import Keeping
from pw_history.store.writer import Writer


class _From(NamedTuple):
    """Where reading begins; `missed` says why something is missing before it."""

    note: Note
    goes_on: bool = False
    missed: str = ""


async def start(settings: Settings, runtime: Runtime, keeping: Keeping) -> Folding:
    """Go on from what is stored.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    bus, log, writer = runtime.bus, runtime.log, keeping.writer
    info = await bus.api(f"STREAM.INFO.{STREAM_SWAP}")
    end = stream_end(info)
    created, first_seq = end.created, max(FIRST_SEQ, int(info["state"]["first_seq"]))
    position = writer.position()
    begin = await _from(bus, log, position, created, first_seq)
    read_seq = position.read_seq if position is not None and begin.goes_on else 0
    waits_ms = await oldest_beyond_ms(bus, STREAM_SWAP, end, read_seq)
    come_ms = now_ms() if waits_ms is None else waits_ms
    maker, first = continued(writer, begin.note, goes_on=begin.goes_on)
    if missed := begin.missed or writer.missing():
        maker.miss(missed)
    elif position is None and maker.last[0]:
        # It was made again from what had been exported.
        maker.miss("rebuilt")
    log.info(
        "history_starts",
        reads_from_seq=begin.note.swap_seq,
        stored_seq=position.read_seq if position is not None else 0,
    )
    assembly = Assembly(
        sources=settings.source_names(),
        first=begin.note.tx_position,
        former=begin.note.former,
        placed=WITH_POOLS,
    )
    return Folding(
        assembly,
        maker,
        Progress(created, first, come_ms=come_ms),
        keeping,
        SequenceGaps(bus),
        runtime.metrics,
        log,
    )


def continued(writer: Writer, note: Note, *, goes_on: bool) -> tuple[RowMaker, Note]:
    """What makes rows of what is read from a note, and the note with its session's number."""
    position = writer.position()
    last = writer.newest() if position is None else (position.slot, position.event_time_ms)
    # An older version did not note the number before the first session had ended.
    session = writer.session((note.session or None) if goes_on else None)
    if session is None or not goes_on:
        number = 1 if session is None else session.number + 1
        return RowMaker(session, goes_on=False, last=last), note._replace(session=number)
    maker = RowMaker(
        session,
        last=last,
        follows=writer.session(session.number + 1),
        since_ms=max(note.event_time_ms, session.began_ms),
    )
    return maker, note._replace(session=session.number)


async def _from(
    bus: Bus, log: Log, position: StoredPosition | None, created: str, first_seq: int
) -> _From:
    least = TxPosition(
        position.restart_incarnation if position is not None else 0,
        await least_tx_seq(bus, first_seq),
    )
    beginning = Note(0, first_seq, least)
    if position is None:
        return _From(beginning)
    if position.swap_stream_created != created:
        log.warning("swap_stream_recreated", was=position.swap_stream_created, now=created)
        return _From(beginning, missed="stream made again")
    if await went_back(bus, position.read_seq, position.read_time_ms):
        log.error("swap_stream_went_back", why="PW_SWAP was restored from an older copy")
        return _From(beginning, missed="stream restored")
    if position.restart_seq >= first_seq:
        return _From(position.note(), goes_on=True)
    if position.read_seq + 1 >= first_seq:
        # What was read is stored; only what is needed to go on within the session is gone.
        return _From(beginning)
    log.error(
        "swap_stream_trimmed",
        why="it was trimmed before history had read it",
        stored_seq=position.read_seq,
        first_seq=first_seq,
    )
    return _From(beginning, missed="trimmed")
