"""What the broker holds of gaps: their records, their blocks, and storing what fills one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from pw_cli.audit.unreadable import gap_of
from pw_cli.gaps.gap_proof import StoredBlocks, within
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.jetstream.program_store import ActiveProgramTable
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log
from pw_common.topology.subjects import (
    STREAM_GAP,
    STREAM_SWAP,
    STREAM_TX,
    TX_BACKFILL,
    dead_letter,
    gap_filled,
)
from pw_common.topology.subjects import gap as gap_open
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import (
    CONTENT_ENCODING,
    EPOCH,
    MSG_ID,
    ORIGIN_SEQ,
    ORIGIN_STREAM,
    POSITION,
    REASON,
    SCHEMA,
    SCHEMA_DEAD_LETTER,
    SCHEMA_GAP,
    SOURCE,
    ZSTD,
    TxHeaders,
    compress,
    tx_headers,
    tx_msg_id,
)
from pw_common.wire.framing import frame, join
from pw_common.wire.messages import Gap, Swap, encode
from pw_ingest.core.sequencing.batcher import Batcher, Cut
from pw_ingest.core.sequencing.identity import TX, read_update

# Parsers with more work than this are not waited for.
PARSERS_WAIT_S: Final = 10.0
PARSERS_POLL_S: Final = 0.05


@dataclass
class Records:
    """A gap's records in PW_GAP: the newest says whether it is filled."""

    gap: Gap
    seqs: list[int] = field(default_factory=list)


async def recorded(bus: Bus) -> dict[str, Records]:
    """Every recorded gap by its id, in stored order. Raises Unreadable."""
    found: dict[str, Records] = {}
    async for message in stored_messages(bus, STREAM_GAP):
        gap = gap_of(message)
        records = found.setdefault(gap.id, Records(gap))
        records.gap = gap
        records.seqs.append(message.metadata.sequence.stream)
    return found


async def record(bus: Bus, records: Records, *, filled: bool) -> None:
    """Store a gap's present record, then remove its older ones."""
    gap = msgspec.structs.replace(records.gap, filled=filled)
    subject = gap_filled(gap.source) if filled else gap_open(gap.source)
    state = "filled" if filled else "open"
    headers = {MSG_ID: f"gap:{gap.id}:{state}:{records.seqs[-1]}", SCHEMA: SCHEMA_GAP}
    publisher = Publisher(bus, Log("cli"))
    await publisher.start()
    try:
        stored = await (await publisher.publish(subject, encode(gap), headers))
    finally:
        await publisher.stop()
    await forget(bus, [seq for seq in records.seqs if seq != stored.seq])


async def forget(bus: Bus, seqs: Iterable[int]) -> None:
    """Take records of gaps away."""
    for seq in seqs:
        await bus.api(f"STREAM.MSG.DELETE.{STREAM_GAP}", {"seq": seq, "no_erase": True})


class Stored:
    """What PW_SWAP holds: blocks, and which transactions of one gap."""

    def __init__(self) -> None:
        self.blocks = StoredBlocks()
        self.signatures: set[str] = set()
        # Whether the oldest messages of PW_SWAP are gone.
        self.is_trimmed = False


async def read_stored(bus: Bus, gap: Gap) -> Stored:
    """Read PW_SWAP, once the parsers have answered what is queued now or had time to."""
    await _parsed(bus)
    found = Stored()
    state = (await bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]
    found.is_trimmed = int(state["first_seq"]) > 1
    async for message in stored_messages(bus, STREAM_SWAP):
        batch = batch_of(headers_of(message), message.data)
        found.blocks.add(batch)
        for event in batch.events:
            if isinstance(event, Swap) and within(gap, event.slot):
                found.signatures.add(event.signature)
    return found


async def _parsed(bus: Bus) -> None:
    until = int((await bus.api(f"STREAM.INFO.{STREAM_TX}"))["state"]["last_seq"])
    deadline = asyncio.get_running_loop().time() + PARSERS_WAIT_S
    while asyncio.get_running_loop().time() < deadline:
        state = (await bus.api(f"STREAM.INFO.{STREAM_TX}"))["state"]
        if not int(state["messages"]) or int(state["first_seq"]) > until:
            return
        await asyncio.sleep(PARSERS_POLL_S)


async def waiting_fills(bus: Bus) -> int:
    """Messages of backfills that no parser has answered yet."""
    info = await bus.api(f"STREAM.INFO.{STREAM_TX}", {"subjects_filter": TX_BACKFILL})
    return sum((info["state"].get("subjects") or {}).values())


class DeadLetter(NamedTuple):
    """A transaction that cannot be read; `name` says which, and why."""

    slot: int
    position: int
    name: str
    update: bytes


class Filler:
    """Stores a gap's updates in PW_TX, marked with the gap. `stored` counts them."""

    def __init__(self, bus: Bus, gap: Gap, known: set[str], *, attempt: int) -> None:
        """`known` signatures are left out; `attempt` distinguishes the runs of one record."""
        self._gap = gap
        self._known = known
        self._attempt = attempt
        self._publisher = Publisher(bus, Log("cli"))
        self._programs = ActiveProgramTable(bus, Log("cli"))
        self.stored = 0

    async def start(self) -> None:
        """Listen for the broker's answers; everything gets the present table of programs."""
        await self._programs.look()
        await self._publisher.start()

    async def stop(self) -> None:
        """Drop what is not stored yet."""
        await self._publisher.stop()

    async def put(self, updates: Iterable[bytes]) -> None:
        """Store one block's updates, in order: its block_meta comes last.

        The last message goes out once the others are stored, so that a block_meta in the
        streams means that its whole block is there.

        Raises:
            PublishRefused: the broker will never take one of them.
        """
        new = [one for one in updates if _signature(one) not in self._known]
        cuts = list(_cuts(new))
        futures = [await self._send(cut) for cut in cuts[:-1]]
        if futures:
            await asyncio.wait(futures)
        for future in futures:
            future.result()
        if cuts:
            await (await self._send(cuts[-1]))
        self.stored += len(new)

    async def bury(self, dead_letters: Iterable[DeadLetter]) -> None:
        """Store dead letters, each with the bytes as the node gave them.

        Raises:
            PublishRefused: the broker will never take one of them.
        """
        for one in dead_letters:
            headers = {
                MSG_ID: f"dead:backfill:{self._gap.id}:{one.slot}:{one.position}",
                SCHEMA: SCHEMA_DEAD_LETTER,
                REASON: one.name.encode("ascii", "replace").decode("ascii"),
                ORIGIN_STREAM: STREAM_GAP,
                ORIGIN_SEQ: str(self._attempt),
                POSITION: str(one.position),
                SOURCE: self._gap.source,
                EPOCH: str(self._gap.epoch),
                CONTENT_ENCODING: ZSTD,
            }
            body = compress(frame(one.update))
            await (await self._publisher.publish(dead_letter("backfill"), body, headers))

    async def _send(self, cut: Cut) -> asyncio.Future[object]:
        gap = self._gap
        headers = TxHeaders(
            # Not that of the same updates from the source: they are not marked with the gap.
            msg_id=f"{tx_msg_id(cut.identities)}:gap:{gap.id}:{self._attempt}",
            updates=len(cut.updates),
            source=gap.source,
            epoch=gap.epoch,
            # What fills a gap claims nothing about any other slot.
            frontier_slot=0,
            gap=gap.id,
            programs=self._programs.stamp,
        )
        body = compress(join(cut.updates))
        return await self._publisher.publish(TX_BACKFILL, body, tx_headers(headers))  # type: ignore[return-value]


def _signature(update: bytes) -> str:
    from solders.signature import Signature  # noqa: PLC0415 - slow to import

    identity = read_update(update).identity
    return str(Signature(identity.key)) if identity.kind == TX else ""


def _cuts(updates: Iterable[bytes]) -> Iterator[Cut]:
    batcher = Batcher(linger_s=0.0)
    for update in updates:
        yield from batcher.add(update, read_update(update).identity, 0.0, ends_slot=False)
    if cut := batcher.flush():
        yield cut
