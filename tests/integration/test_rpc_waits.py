"""A node that takes back where it is, or rests us for long: ingest goes on and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.clock import monotonic_s
from pw_replay.market import generate
from support.broker import provisioned
from support.chain_node import chain_node
from support.following import PER_S, following
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
