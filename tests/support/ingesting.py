"""An ingest process between a source and a broker of the test, and what it stored."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_INSTANCES, BUCKET_SOURCE
from pw_common.wire.envelope import TxHeaders, decompress, read_tx_headers
from pw_common.wire.framing import split
from pw_common.wire.heartbeat import Heartbeat
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX
from pw_common.wire.messages import (
    Gap,
    SourceState,
    decode_gap,
    decode_heartbeat,
    decode_source_state,
)
from support.poll import poll_until
from support.source import FakeSource


@asynccontextmanager
async def ingest(
    broker: LocalBroker, source: FakeSource, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = {
        **os.environ,
        "PW_NATS_URL": broker.url,
        "PW_INGEST_ENDPOINT": source.endpoint,
        "PW_INGEST_PROGRAMS": "all",
        "PW_LOG_FORMAT": "text",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pw_ingest", env=environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def stop(process: asyncio.subprocess.Process) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, err.decode()


async def stored(bus: Bus) -> list[tuple[TxHeaders, list[bytes]]]:
    """Everything in PW_TX, in stored order."""
    state = (await bus.api("STREAM.INFO.PW_TX"))["state"]
    out: list[tuple[TxHeaders, list[bytes]]] = []
    if not state["messages"]:
        return out
    for seq in range(state["first_seq"], state["last_seq"] + 1):
        message = await bus.js.get_msg("PW_TX", seq)
        headers = read_tx_headers(message.headers or {})
        body = decompress(message.data or b"", DECOMPRESSED_BYTES_MAX)
        updates = list(split(body))
        assert len(updates) == headers.updates
        out.append((headers, updates))
    return out


async def updates_stored(bus: Bus) -> list[bytes]:
    return [update for _, updates in await stored(bus) for update in updates]


async def gaps_stored(bus: Bus) -> list[Gap]:
    state = (await bus.api("STREAM.INFO.PW_GAP"))["state"]
    if not state["messages"]:
        return []
    return [
        decode_gap((await bus.js.get_msg("PW_GAP", seq)).data or b"")
        for seq in range(state["first_seq"], state["last_seq"] + 1)
    ]


async def checkpoint(bus: Bus) -> SourceState | None:
    entry = await bus.kv_get(BUCKET_SOURCE, "main")
    return decode_source_state(entry[0]) if entry else None


async def heartbeat(bus: Bus) -> Heartbeat | None:
    for body in (await bus.kv_all(BUCKET_INSTANCES)).values():
        return decode_heartbeat(body)
    return None


async def until_checkpoint(bus: Bus, slot: int) -> None:
    """As `until_frontier`, where parsers empty the queue."""

    async def probe() -> bool:
        state = await checkpoint(bus)
        return state is not None and state.frontier_slot >= slot

    await poll_until(probe, f"a checkpoint at frontier {slot}")


async def until_frontier(bus: Bus, slot: int) -> None:
    async def probe() -> bool:
        last = (await bus.api("STREAM.INFO.PW_TX"))["state"]["last_seq"]
        if not last:
            return False
        message = await bus.js.get_msg("PW_TX", last)
        return read_tx_headers(message.headers or {}).frontier_slot >= slot

    await poll_until(probe, f"frontier {slot}")
