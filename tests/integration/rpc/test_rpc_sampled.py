"""A rate too low for the chain: whole blocks are left out, every one of them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_ingest.core.rpc.follow import SAMPLED
from pw_ingest.core.sequencing.identity import read_update
from pw_replay.market import generate
from support.broker import provisioned
from support.chain_node import ChainNode, chain_node
from support.ingesting import gaps_stored, heartbeat, ingest, stop, until_frontier, updates_stored
from support.odd_node import Say
from support.poll import poll_until
from support.rpc_node import blocks_of
from support.source import FakeSource

FIRST = 300_000_000
PER_S = 20.0
RATE = 8.0


@pytest.fixture(scope="module")
def blocks() -> dict[int, object]:
    """Some 600 small blocks."""
    return dict(blocks_of(list(generate(seed=7, minutes=4, tps=5))))


def settings(node: ChainNode, rate: float) -> dict[str, str]:
    return {
        "PW_INGEST_ENDPOINT": "",
        "PW_INGEST_RPC_URL": node.url,
        "PW_INGEST_RPC_RATE": str(rate),
        "PW_INGEST_SLOT_MS_MIN": "20",
    }


@pytest.mark.timeout(300)
async def test_at_too_low_a_rate_the_share_seen_is_right_and_the_rest_is_gaps(
    blocks: dict[int, object], tmp_path: Path
) -> None:
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=PER_S) as node,
        ingest(broker, FakeSource([]), **settings(node, RATE)) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        # What the heartbeat says is up to a second old: it catches up with the last block.
        last = max(blocks)

        async def whole() -> int | None:
            now = await heartbeat(bus)
            at_end = now is not None and now.source is not None and now.source.slot == last
            return now.source.seen_permille if at_end and now and now.source else None

        permille = await poll_until(whole, "the share at the chain's end")
        beat = await heartbeat(bus)
        assert beat is not None
        assert beat.source is not None
        assert "do not follow the chain" in beat.source.sampled
        code, err = await stop(process)
        assert code == 0, err
        there = {read_update(one).identity.slot for one in await updates_stored(bus)}
        gaps = await gaps_stored(bus)
    missing = {
        slot
        for gap in gaps
        for slot in range(gap.first_missing_slot, gap.last_missing_slot + 1)
        if slot in blocks
    }
    assert {gap.why for gap in gaps} == {SAMPLED}
    assert not there & missing
    assert there | missing == set(blocks)
    assert permille == 1000 * len(there) // len(blocks)
    assert 100 < permille < 600
    spent_s = node.times_s[-1] - node.times_s[0]
    assert len(node.times_s) <= RATE * spent_s + 2
    # In runs: a block beside its neighbours says more.
    assert len(gaps) < len(there) / 3


@pytest.mark.timeout(300)
async def test_requests_are_spaced_and_a_rest_that_the_node_asks_for_is_kept(
    blocks: dict[int, object], tmp_path: Path
) -> None:
    rests: list[float] = []

    def limited(method: str, _slot: int) -> Say | None:
        if method == "getBlock" and len(node.times_s) > 20 and not rests:
            rests.append(node.times_s[-1])
            return Say(b"", 429, {"Retry-After": "3"})
        return None

    async with (
        provisioned(tmp_path) as (broker, _bus),
        chain_node(blocks, limited, per_s=2.5) as node,
        ingest(broker, FakeSource([]), **settings(node, 10.0)) as process,
    ):

        async def enough() -> bool:
            return len(rests) == 1 and node.times_s[-1] > rests[0] + 5

        await poll_until(enough, "requests after the rest", timeout_s=120)
        code, err = await stop(process)
        assert code == 0, err
    # What was on its way when the answer came is not called back.
    during = [one for one in node.times_s if rests[0] + 0.5 < one < rests[0] + 2.9]
    assert during == []
    for first, later in zip(node.times_s, node.times_s[11:], strict=False):
        assert later - first > 0.9


@pytest.mark.timeout(300)
async def test_a_slow_node_is_asked_for_several_blocks_at_a_time_and_nothing_is_missing(
    tmp_path: Path,
) -> None:
    """Each answer takes 0.6 s: one after another would not follow 5 blocks a second."""
    blocks = blocks_of(list(generate(seed=7, minutes=0.5, tps=5)))
    busy = most = 0

    def slow(method: str, _slot: int) -> Say | None:
        nonlocal busy, most
        if method != "getBlock":
            return None
        busy += 1
        most = max(most, busy)
        node.lock.release()
        node.done.wait(0.6)
        node.lock.acquire()
        busy -= 1
        return None

    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, slow, per_s=5.0) as node,
        ingest(broker, FakeSource([]), **settings(node, 50.0)) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        assert await gaps_stored(bus) == []
        there = {read_update(one).identity.slot for one in await updates_stored(bus)}
    assert there == set(blocks)
    assert 1 < most <= 4


@pytest.mark.parametrize(
    "said",
    [
        Say(b"<html>busy</html>"),
        Say(b"x" * 65_536, endless=True),
        Say(b"", 500),
        Say(reset=True),
        Say(b'{"jsonrpc":"2.0","id":99,"result":5}'),
        Say(b"[]"),
        Say(b'{"jsonrpc":"2.0","id":1,"result":99999999999999}'),
    ],
    ids=["html", "endless", "500", "reset", "another id", "list", "a slot of the future"],
)
async def test_a_node_that_gives_nothing_usable_is_away_and_ingest_waits_for_it(
    said: Say, blocks: dict[int, object], tmp_path: Path
) -> None:
    broken = [True]
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, lambda *_: said if broken[0] else None, per_s=PER_S) as node,
        ingest(broker, FakeSource([]), **settings(node, 100.0)) as process,
    ):

        async def away() -> bool:
            beat = await heartbeat(bus)
            found = beat and beat.source
            return bool(found and not found.connected and "UNAVAILABLE" in found.detail)

        await poll_until(away, "a source that is away")
        broken[0] = False
        await until_frontier(bus, FIRST + 30)
        code, err = await stop(process)
        assert code == 0, err
