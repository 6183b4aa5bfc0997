"""Ingest follows a JSON-RPC node: the updates of its blocks, and gaps where it gives none."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pw_common.jetstream.bus import Bus
from pw_common.wire.heartbeat import SourceHealth
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import read_update
from pw_replay.market import generate
from support.broker import provisioned
from support.chain_node import ChainNode, chain_node, corpus_chain
from support.following import PER_S, following
from support.ingesting import (
    checkpoint,
    gaps_stored,
    heartbeat,
    stop,
    until_frontier,
    updates_stored,
)
from support.odd_node import Say, error, only, result
from support.poll import poll_until
from support.rpc_node import blocks_of

FIRST = 300_000_000


@pytest.fixture(scope="module")
def updates() -> list[bytes]:
    """Some 70 blocks of a generated market."""
    return list(generate(seed=5, minutes=0.5, tps=30))


async def source(bus: Bus) -> SourceHealth:
    async def probe() -> SourceHealth | None:
        beat = await heartbeat(bus)
        return None if beat is None else beat.source

    return await poll_until(probe, "a source in the heartbeat")


def of_json(update: bytes) -> pb.SubscribeUpdate:
    """An update without what JSON lacks: see the README of libs/chain_rpc."""
    read = pb.SubscribeUpdate.FromString(update)
    read.ClearField("created_at")
    read.ClearField("filters")
    if read.HasField("transaction"):
        meta = read.transaction.transaction.meta
        meta.ClearField("rewards")
        if meta.HasField("err"):
            meta.err.err = b"\x01"
    if read.HasField("block_meta"):
        read.block_meta.ClearField("entries_count")
    return read


def wanted(updates: list[bytes], *, votes: bool = True) -> dict[Any, pb.SubscribeUpdate]:
    """By identity, what ingest should store of a source's updates."""
    found = {}
    for one in updates:
        read = of_json(one)
        if read.HasField("transaction"):
            info = read.transaction.transaction
            if not votes and (info.is_vote or info.meta.HasField("err")):
                continue
        elif not read.HasField("block_meta"):
            continue
        found[read_update(one).identity] = read
    return found


def stored_as(found: list[bytes]) -> dict[Any, pb.SubscribeUpdate]:
    return {read_update(one).identity: pb.SubscribeUpdate.FromString(one) for one in found}


@pytest.mark.parametrize("programs", ["all", "successful"])
async def test_a_node_gives_the_updates_that_a_stream_gives(
    updates: list[bytes], programs: str, tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=PER_S) as node,
        following(broker, node, PW_INGEST_PROGRAMS=programs) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        assert stored_as(await updates_stored(bus)) == wanted(updates, votes=programs == "all")
        assert await gaps_stored(bus) == []


@pytest.mark.corpus
async def test_real_blocks_come_as_the_same_bytes_but_for_what_json_lacks(
    corpus_dir: Path, tmp_path: Path
) -> None:
    from pw_common.wire.captures import read_capture

    real = [one for path in sorted(corpus_dir.glob("block-*.pb.gz")) for one in read_capture(path)]
    by_signature = {
        identity.key: read.transaction.transaction.SerializeToString(deterministic=True)
        for identity, read in wanted(real).items()
        if read.HasField("transaction")
    }
    chain = corpus_chain(corpus_dir, first=FIRST, time_s=1_767_225_600)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(chain) as node,
        following(broker, node, PW_INGEST_PROGRAMS="all") as process,
    ):
        await until_asked(node, "getBlock", min(chain))
        node.tip = max(chain)
        await until_frontier(bus, max(chain) - 1)
        code, err = await stop(process)
        assert code == 0, err
        found = {
            identity.key: read.transaction.transaction.SerializeToString(deterministic=True)
            for identity, read in stored_as(await updates_stored(bus)).items()
            if read.HasField("transaction")
        }
    assert len(found) == 2_949
    assert found == by_signature


async def until_asked(node: ChainNode, method: str, slot: int) -> None:
    async def probe() -> bool:
        return (method, slot) in node.asked

    await poll_until(probe, f"{method} of {slot}")


async def test_a_block_that_the_node_does_not_give_is_a_gap_of_that_slot_alone(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    hole = FIRST + 20
    missing = error(-32009, "Slot was skipped, or missing in long-term storage")
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, only("getBlock", hole, missing), per_s=PER_S) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        [gap] = await gaps_stored(bus)
        assert (gap.first_missing_slot, gap.last_missing_slot) == (hole, hole)
        assert "long-term storage" in gap.why
        there = {read_update(one).identity.slot for one in await updates_stored(bus)}
        assert there == set(blocks) - {hole}


async def test_a_skipped_slot_is_believed_where_the_next_block_says_so(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    skipped = FIRST + 20
    # The list names it all the same, as of a node whose list comes from somewhere else.
    of_the_chain = {slot: dict(one) for slot, one in blocks.items() if slot != skipped}
    child = of_the_chain[skipped + 1]
    child["parentSlot"] = skipped - 1
    child["previousBlockhash"] = of_the_chain[skipped - 1]["blockhash"]
    for slot in [one for one in of_the_chain if one > skipped]:
        of_the_chain[slot] = dict(of_the_chain[slot])
        of_the_chain[slot]["blockHeight"] -= 1

    def lists_it(method: str, slot: int) -> Say | None:
        if method == "getBlocks" and slot <= skipped <= node.tip:
            return result(list(range(slot, node.tip + 1)))
        return None

    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(of_the_chain, lists_it, per_s=PER_S) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        assert ("getBlock", skipped) in node.asked
        code, err = await stop(process)
        assert code == 0, err
        assert await gaps_stored(bus) == []


def once(method: str, slot: int, said: Say) -> Any:
    """Only the first such call is answered so."""
    left = [said]
    return lambda asked, first: left.pop() if left and (asked, first) == (method, slot) else None


async def test_what_a_list_leaves_out_is_asked_for_by_its_childs_word(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    unlisted = {FIRST + 20, FIRST + 21, FIRST + 22}

    def hides(method: str, slot: int) -> Say | None:
        if method != "getBlocks":
            return None
        return result([one for one in range(slot, node.tip + 1) if one not in unlisted])

    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, hides, per_s=PER_S) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        assert await gaps_stored(bus) == []
        assert stored_as(await updates_stored(bus)) == wanted(updates, votes=True)


LIES: dict[str, Any] = {
    "wrong parent": lambda block: {**block, "parentSlot": block["parentSlot"] - 5},
    "its own parent": lambda block: {**block, "parentSlot": block["parentSlot"] + 1},
    "wrong blockhash": lambda block: {**block, "blockhash": block["previousBlockhash"]},
    "wrong previous blockhash": lambda block: {**block, "previousBlockhash": "1" * 32},
    "wrong height": lambda block: {**block, "blockHeight": 7},
    "no transactions": lambda block: {**block, "transactions": None},
    "garbage": lambda _block: "what?",
    "null": lambda _block: None,
    "an amount of 100 digits": lambda block: {**block, "blockTime": 10**100},
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_about_a_block_is_a_gap_around_it_and_no_more(
    updates: list[bytes], lie: str, tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    at = FIRST + 20
    lied = result(LIES[lie](blocks[at]))
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, only("getBlock", at, lied), per_s=PER_S) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        gaps = await gaps_stored(bus)
        missing = {
            slot
            for gap in gaps
            for slot in range(gap.first_missing_slot, gap.last_missing_slot + 1)
        }
        assert at in missing
        assert missing <= {at - 1, at, at + 1}


async def test_another_slots_block_is_not_taken_for_this_ones(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    at = FIRST + 20
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, only("getBlock", at, result(blocks[at + 2])), per_s=PER_S) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        gaps = await gaps_stored(bus)
        assert any(one.first_missing_slot <= at <= one.last_missing_slot for one in gaps)


async def test_a_limit_is_waited_out_and_costs_no_block(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    limits = 0

    def limited(method: str, _slot: int) -> Say | None:
        nonlocal limits
        if method != "getBlock" or len(node.times_s) % 9:
            return None
        limits += 1
        return Say(b"slow down", 429, {"Retry-After": "1"} if limits % 2 else {})

    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, limited, per_s=PER_S) as node,
        following(broker, node) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        assert limits > 3
        assert await gaps_stored(bus) == []
        assert stored_as(await updates_stored(bus)) == wanted(updates)


async def test_ingest_goes_on_after_its_checkpoint_and_nothing_is_missing(
    updates: list[bytes], tmp_path: Path
) -> None:
    blocks = blocks_of(updates)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=PER_S) as node,
    ):
        async with following(broker, node) as process:
            await until_frontier(bus, FIRST + 15)
            process.kill()
            await process.wait()
        state = await checkpoint(bus)
        assert state is not None
        async with following(broker, node) as process:
            await until_frontier(bus, max(blocks) - 1)
            code, err = await stop(process)
            assert code == 0, err
        assert await gaps_stored(bus) == []
        assert stored_as(await updates_stored(bus)) == wanted(updates)


async def test_what_the_node_no_longer_keeps_is_a_gap(updates: list[bytes], tmp_path: Path) -> None:
    blocks = blocks_of(updates)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks) as node,
    ):
        async with following(broker, node) as process:
            await until_asked(node, "getBlock", FIRST)
            node.tip = FIRST + 10
            await until_frontier(bus, FIRST + 9)
            await stop(process)
        node.first, node.tip = FIRST + 40, max(blocks)
        async with following(broker, node) as process:
            await until_frontier(bus, max(blocks) - 1)
            await stop(process)
        [gap] = await gaps_stored(bus)
        assert gap.last_missing_slot == FIRST + 39
        assert gap.first_missing_slot <= FIRST + 11
        assert gap.why == "replay window exceeded"


async def test_a_key_that_is_refused_ends_ingest_with_one_line(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path) as (broker, _bus),
        chain_node({FIRST: {}}, lambda *_: Say(b"no", 401)) as node,
        following(broker, node) as process,
    ):
        _, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 69
        assert "refuses us" in err.decode()
