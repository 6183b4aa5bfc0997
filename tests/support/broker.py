"""Real brokers for tests: nats-server on a free port, provisioned or bare."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pw_common.dev.local_broker import LocalBroker, start_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.topology.streams import MIB, Topology, declare
from pw_provision.apply import apply


def small_topology(*, tx_bytes_max: int = 256 * MIB) -> Topology:
    """The real declaration with limits that fit a test."""
    return declare(tx_bytes_max=tx_bytes_max, swap_bytes_max=256 * MIB)


@asynccontextmanager
async def running_broker(folder: Path) -> AsyncIterator[LocalBroker]:
    """A nats-server with its data under `folder`, ended afterwards."""
    broker = await start_broker(folder)
    try:
        yield broker
    finally:
        broker.stop()


@asynccontextmanager
async def connected(broker: LocalBroker, name: str = "test") -> AsyncIterator[Bus]:
    """A connection to it."""
    bus = await connect(broker.url, name, Log(name))
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def provisioned(
    folder: Path, *, tx_bytes_max: int = 256 * MIB
) -> AsyncIterator[tuple[LocalBroker, Bus]]:
    """A broker with every stream, consumer and bucket of the declaration."""
    async with running_broker(folder) as broker, connected(broker) as bus:
        await apply(bus, small_topology(tx_bytes_max=tx_bytes_max))
        yield broker, bus
