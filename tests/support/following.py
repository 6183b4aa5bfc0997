"""Ingest in front of a JSON-RPC node of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pw_common.dev.local_broker import LocalBroker
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.rpc.follow import Break
from pw_ingest.source.any_source import AnySource
from support.chain_node import ChainNode
from support.ingesting import ingest
from support.source import FakeSource

# Blocks that the node's chain gets a second.
PER_S = 20.0
QUICK = {"PW_INGEST_RPC_RATE": "200", "PW_INGEST_SLOT_MS_MIN": "20"}


@asynccontextmanager
async def following(
    broker: LocalBroker, node: ChainNode, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    nothing = FakeSource([])
    settings = {"PW_INGEST_RPC_URL": node.url, **QUICK, **settings}
    async with ingest(broker, nothing, PW_INGEST_ENDPOINT="", **settings) as process:
        yield process


async def read_until(source: AnySource, slot: int) -> tuple[list[int], list[Break]]:
    """The slots whose blocks came, up to this one, and the breaks among them."""
    seen: list[int] = []
    breaks: list[Break] = []
    while not seen or seen[-1] < slot:
        one = await source.read()
        if isinstance(one, Break):
            breaks.append(one)
        elif (read := pb.SubscribeUpdate.FromString(one)).HasField("block_meta"):
            seen.append(read.block_meta.slot)
    return seen, breaks
