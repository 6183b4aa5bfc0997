"""A broker and a parser with one gap in what they stored, without a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import MSG_ID, SCHEMA, SCHEMA_GAP, TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_common.wire.messages import Gap, Swap, decode_gap, encode
from pw_ingest.core.sequencing.identity import META, TX, read_update
from pw_parser.core.parse import parse
from support.broker import provisioned
from support.poll import poll_until
from support.services import running_service

SOURCE = "main"


@dataclass
class Gapped:
    """The running broker, and the gap that it records."""

    broker_url: str
    bus: Bus
    gap: Gap

    async def records(self) -> list[Gap]:
        """What PW_GAP holds."""
        return [
            decode_gap(one.data) async for one in stored_messages(self.bus, subjects.STREAM_GAP)
        ]

    async def swaps(self) -> Counter[tuple[str, int]]:
        """How often PW_SWAP holds each swap."""
        found: Counter[tuple[str, int]] = Counter()
        async for message in stored_messages(self.bus, subjects.STREAM_SWAP):
            for event in batch_of(headers_of(message), message.data).events:
                if isinstance(event, Swap):
                    found[event.signature, event.ordinal] += 1
        return found

    async def until_parsed(self) -> None:
        """Wait until the parser has answered everything."""

        async def parsed() -> bool:
            state = (await self.bus.api(f"STREAM.INFO.{subjects.STREAM_TX}"))["state"]
            return int(state["messages"]) == 0

        await poll_until(parsed, "an empty queue")


def swaps_of(updates: list[bytes]) -> Counter[tuple[str, int]]:
    """Each swap that these updates hold."""
    return Counter(
        (event.signature, event.ordinal)
        for update in updates
        for event in parse(update).events
        if isinstance(event, Swap)
    )


def by_slot(updates: list[bytes]) -> dict[int, list[bytes]]:
    """Transactions and block_metas by their slot."""
    found: dict[int, list[bytes]] = {}
    for update in updates:
        identity = read_update(update).identity
        if identity.kind in {TX, META}:
            found.setdefault(identity.slot, []).append(update)
    return found


@asynccontextmanager
async def gapped(
    folder: Path, market: list[bytes], first: int, last: int, *, parses: bool = True
) -> AsyncIterator[Gapped]:
    """Everything of a market is stored but the slots of one recorded gap."""
    gap = Gap(
        source=SOURCE, epoch=1, first_missing_slot=first, last_missing_slot=last, why="a test's"
    )
    async with provisioned(folder / "broker") as (broker, bus):
        publisher = Publisher(bus, Log("test"))
        await publisher.start()
        for slot, updates in by_slot(market).items():
            if not first <= slot <= last:
                await _publish(publisher, slot, updates)
        headers = {MSG_ID: f"gap:{gap.id}", SCHEMA: SCHEMA_GAP}
        await publisher.publish(subjects.gap(SOURCE), encode(gap), headers)
        await publisher.drain()
        await publisher.stop()
        found = Gapped(broker.url, bus, gap)
        if not parses:
            yield found
            return
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await found.until_parsed()
            yield found


async def _publish(publisher: Publisher, slot: int, updates: list[bytes]) -> None:
    headers = TxHeaders(
        msg_id=f"tx:test:{slot}",
        updates=len(updates),
        source=SOURCE,
        epoch=1,
        frontier_slot=slot,
    )
    await publisher.publish(subjects.tx(SOURCE), compress(join(updates)), tx_headers(headers))
