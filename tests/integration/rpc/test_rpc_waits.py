"""A node that takes back where it is, or rests us for long: ingest goes on and says why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.service.settings import load
from pw_geyser import geyser_pb2 as pb
from pw_ingest.config import Settings
from pw_ingest.source.any_source import StreamEnded
from pw_ingest.source.rpc_source import RpcSource
from pw_replay.market import generate
from support.broker import provisioned
from support.chain_node import chain_node
from support.following import PER_S, following, read_until
from support.ingesting import heartbeat, stop, until_frontier
from support.odd_node import Say, result
from support.poll import poll_until
from support.rpc_node import blocks_of

FIRST = 300_000_000


@pytest.fixture(scope="module")
def updates() -> list[bytes]:
    """Some 70 blocks of a generated market."""
    return list(generate(seed=5, minutes=0.5, tps=30))


async def test_a_head_that_the_node_takes_back_holds_nothing_up(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)

    def begins_with_a_lie(method: str, _slot: int) -> Say | None:
        is_begun = any(one == "getBlocks" for one, _ in node.asked)
        return result(FIRST + 9_000_000) if method == "getSlot" and not is_begun else None

    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, begins_with_a_lie, per_s=4.0) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        assert "spoke of slot" in err


async def test_a_node_that_asks_for_a_long_rest_is_named_for_as_long(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)

    def resting(method: str, _slot: int) -> Say | None:
        return Say(b"", 429, {"Retry-After": "43200"}) if method == "getBlocks" else None

    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, resting, per_s=PER_S) as node,
        following(broker, node, PW_INGEST_STALE_S="2"),
    ):

        async def told() -> bool:
            return "43200" in str(await heartbeat(bus))

        await poll_until(told, "the node's own words")
        asked = len(node.asked)
        began_s = monotonic_s()

        async def later() -> bool:
            return monotonic_s() - began_s > 6.0

        # Also in the streams after the one that met it, which ask for nothing.
        await poll_until(later, "three streams")
        await poll_until(told, "the node's own words in a later stream")
        assert len(node.asked) - asked < 5


def source_of(url: str) -> RpcSource:
    environ = {
        "PW_NATS_URL": "nats://127.0.0.1:4222",
        "PW_INGEST_RPC_URL": url,
        "PW_INGEST_RPC_RATE": "200",
    }
    settings = load(Settings, environ)
    metrics = SimpleNamespace(count=lambda *_, **__: None)
    runtime: Any = SimpleNamespace(metrics=metrics, log=Log("test"))
    [endpoint] = settings.endpoints()
    return RpcSource(endpoint, settings, runtime, lambda _slot: True)


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}])
async def test_one_block_that_is_always_limited_is_a_gap_and_holds_nothing_up(
    updates: list[bytes], headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pw_ingest.source.rpc_source.BLOCK_PATIENCE_S", 0.3)
    blocks = blocks_of(updates)
    hole = FIRST + 20

    def odd(method: str, slot: int) -> Say | None:
        limits = method == "getBlock" and slot == hole
        return Say(b"slow down", 429, headers) if limits else None

    async with chain_node(blocks, odd) as node:
        node.tip = max(blocks)
        source = source_of(node.url)
        await source.open(FIRST, pb.SubscribeRequest())
        try:
            async with asyncio.timeout(60):
                seen, breaks = await read_until(source, hole + 30)
        finally:
            await source.close()
        assert seen == [slot for slot in sorted(blocks) if slot <= hole + 30 and slot != hole]
        [only] = breaks
        assert f"does not give slot {hole}" in only.why
        assert "429" in only.why


async def test_slots_that_are_listed_and_never_come_end_the_stream(
    updates: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pw_ingest.source.rpc_source.STANDS_S", 0.5)
    monkeypatch.setattr("pw_ingest.core.rpc.follow.PAUSE_FIRST_S", 0.01)
    blocks = blocks_of(updates)

    def odd(method: str, slot: int) -> Say | None:
        return result([slot + 4_000]) if method == "getBlocks" else None

    async with chain_node(blocks, odd) as node:
        node.tip = FIRST + 40
        source = source_of(node.url)
        await source.open(FIRST, pb.SubscribeRequest())
        try:
            async with asyncio.timeout(60):
                with pytest.raises(StreamEnded, match="spoke of slot"):
                    while True:
                        await source.read()
        finally:
            await source.close()
