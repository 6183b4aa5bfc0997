"""The parser as a process, on a real broker: every message answered once, whatever happens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pw_common.dev.local_broker import NoBroker, start_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.topology.streams import MIB, declare
from pw_common.topology.subjects import (
    CONSUMER_PARSER,
    DLQ_ALL,
    STREAM_DLQ,
    STREAM_SWAP,
    STREAM_TX,
    SWAP_ALL,
    tx,
)
from pw_common.wire.envelope import (
    ORIGIN_SEQ,
    POSITION,
    TxHeaders,
    compress,
    decompress,
    tx_headers,
)
from pw_common.wire.framing import join, split
from pw_common.wire.messages import decode_batch

MESSAGES = 400
TIMEOUT_S = 90.0
ACK_WAIT_NS = 2_000_000_000


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    try:
        broker = await start_broker(tmp_path / "broker")
    except NoBroker as error:
        pytest.skip(f"NO BROKER: {error}")
    bus = await connect(broker.url, "test", Log("test"))
    try:
        topology = declare(tx_bytes_max=64 * MIB, swap_bytes_max=64 * MIB)
        bodies = [one.body() for one in topology.streams]
        for body in [*bodies, *(one.body() for one in topology.buckets)]:
            await bus.api(f"STREAM.CREATE.{body['name']}", body)
        for consumer in topology.consumers:
            # A killed parser's messages come again sooner than in production.
            config = {**consumer.body(), "ack_wait": ACK_WAIT_NS}
            subject = f"CONSUMER.CREATE.{consumer.stream}.{consumer.name}"
            await bus.api(subject, {"stream_name": consumer.stream, "config": config})
        yield bus
    finally:
        await bus.close()
        broker.stop()


def parser_process(bus: Bus) -> subprocess.Popen[bytes]:
    url = bus.client.connected_url
    assert url is not None
    return subprocess.Popen(
        [sys.executable, "-m", "pw_parser"],
        env={**os.environ, "PW_NATS_URL": url.geturl(), "PW_LOG_LEVEL": "warning"},
        stderr=subprocess.DEVNULL,
    )


async def put(bus: Bus, number: int, updates: list[bytes]) -> None:
    headers = tx_headers(TxHeaders(f"tx:{number}", len(updates), "main", 1, number))
    await bus.client.request(tx("main"), compress(join(updates)), headers=headers, timeout=5)


async def stored(bus: Bus, stream: str) -> int:
    info = await bus.api(f"STREAM.INFO.{stream}")
    return int(info["state"]["messages"])


async def until(bus: Bus, stream: str, at_least: int = 0, at_most: int = 10**9) -> int:
    deadline = asyncio.get_running_loop().time() + TIMEOUT_S
    while not at_least <= (count := await stored(bus, stream)) <= at_most:
        assert asyncio.get_running_loop().time() < deadline, f"{stream} stays at {count}"
        await asyncio.sleep(0.005)
    return count


async def test_a_killed_parser_costs_nothing_and_doubles_nothing(bus: Bus, buy: Any) -> None:
    updates = [buy("alice", "bob").update()] * 8
    for number in range(MESSAGES):
        await put(bus, number, updates)
    killed, survivor = parser_process(bus), None
    try:
        await until(bus, STREAM_SWAP, at_least=1)
        killed.kill()
        assert await stored(bus, STREAM_TX) > 0, "it was to be killed while work was pending"
        survivor = parser_process(bus)
        await until(bus, STREAM_TX, at_most=0)
        survivor.terminate()
        assert await asyncio.to_thread(survivor.wait, TIMEOUT_S) == 0
    finally:
        for process in (killed, survivor):
            if process is not None:
                process.kill()
                process.wait()
    assert await stored(bus, STREAM_SWAP) == MESSAGES
    assert await stored(bus, STREAM_DLQ) == 0
    subscription = await bus.js.pull_subscribe(SWAP_ALL, stream=STREAM_SWAP)
    answered = set()
    for message in await subscription.fetch(MESSAGES, timeout=10):
        batch = decode_batch(decompress(message.data, MIB))
        assert len(batch.events) == 16
        answered.add(batch.tx_seq)
    assert answered == set(range(1, MESSAGES + 1))


async def test_what_cannot_be_read_is_stored_with_its_place_and_the_rest_goes_on(
    bus: Bus, buy: Any
) -> None:
    good, bad = buy("alice").update(), b"\xff\xff\xff"
    await put(bus, 1, [good])
    await put(bus, 2, [good, bad, good])
    process = parser_process(bus)
    try:
        await until(bus, STREAM_TX, at_most=0)
        assert await stored(bus, STREAM_SWAP) == 2
        assert await stored(bus, STREAM_DLQ) == 1
    finally:
        process.kill()
        process.wait()
    subscription = await bus.js.pull_subscribe(DLQ_ALL, stream=STREAM_DLQ)
    (letter,) = await subscription.fetch(1, timeout=10)
    assert letter.headers is not None
    assert (letter.headers[ORIGIN_SEQ], letter.headers[POSITION]) == ("2", "1")
    assert list(split(decompress(letter.data, MIB))) == [bad]
    info = await bus.api(f"CONSUMER.INFO.{STREAM_TX}.{CONSUMER_PARSER}")
    assert (info["num_pending"], info["num_ack_pending"]) == (0, 0)
