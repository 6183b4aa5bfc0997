"""`pw up --rpc`: a node's blocks give the swaps of a capture of them; with gaps it says so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from solders.pubkey import Pubkey

from pw_common.wire.captures import read_capture
from pw_geyser import geyser_pb2 as pb
from pw_replay.market import generate
from support.chain_node import ChainNode, chain_node, corpus_chain, hash_of
from support.market import expected, write_capture
from support.odd_node import Say, error
from support.poll import poll_until
from support.rpc_node import blocks_of
from support.running import Running, running
from support.signed import signed

FIRST = 300_000_000
TIME_S = 1_767_225_600
SOL_MINT = "So11111111111111111111111111111111111111112"


def market() -> list[bytes]:
    return list(generate(seed=5, minutes=0.5, tps=30))


def of_chain(corpus: Path, chain: dict[int, Any]) -> list[bytes]:
    """The corpus's whole blocks as a source would send them in the slots of this chain."""
    out = []
    for slot, path in zip(chain, sorted(corpus.glob("block-*.pb.gz")), strict=True):
        for one in read_capture(path):
            update = pb.SubscribeUpdate.FromString(one)
            if update.HasField("transaction"):
                update.transaction.slot = slot
            elif update.HasField("block_meta"):
                meta = update.block_meta
                meta.slot, meta.parent_slot = slot, chain[slot]["parentSlot"]
                meta.blockhash, meta.parent_blockhash = hash_of(slot), hash_of(meta.parent_slot)
                meta.block_time.timestamp = chain[slot]["blockTime"]
            else:
                continue
            out.append(update.SerializeToString())
    return out


async def source_of(run: Running) -> dict[str, Any]:
    async def probe() -> dict[str, Any] | None:
        sources = (await run.status())["sources"]
        return sources[0] if sources else None

    return await poll_until(probe, "a source in the status", timeout_s=60)


async def until_frontier(run: Running, slot: int) -> dict[str, Any]:
    async def probe() -> dict[str, Any] | None:
        found = await source_of(run)
        return found if (found["frontier_slot"] or 0) >= slot else None

    return await poll_until(probe, f"frontier {slot}", timeout_s=120)


async def followed(node: ChainNode, folder: Path, until: int, *more: str) -> dict[str, Any]:
    """A whole run over the node, ended by Ctrl-C; its report."""
    report = folder / "report.json"
    words = ("--rpc", node.url, "--rpc-rate", "100", "--report", str(report), *more)
    async with running(*words, folder=folder) as run:
        await until_frontier(run, until)
        assert await run.stop() == 0
    found: dict[str, Any] = msgspec.json.decode(report.read_bytes())
    return found


@pytest.mark.timeout(300)
async def test_a_node_gives_the_swap_digest_of_the_capture_of_its_blocks(tmp_path: Path) -> None:
    updates = market()
    blocks = blocks_of(updates)
    made = expected(write_capture(tmp_path / "market.pb.zst", updates))
    async with chain_node(blocks, per_s=10) as node:
        report = await followed(node, tmp_path, max(blocks) - 1)
    assert report["swap_digest"] == made.swap_digest
    assert (report["swaps"], report["gaps"], report["dead_letters"]) == (made.swaps, 0, 0)


@pytest.mark.corpus
@pytest.mark.timeout(300)
async def test_real_blocks_give_the_swap_digest_of_their_capture(
    corpus_dir: Path, tmp_path: Path
) -> None:
    chain = corpus_chain(corpus_dir, first=FIRST, time_s=TIME_S)
    made = expected(write_capture(tmp_path / "real.pb.zst", of_chain(corpus_dir, chain)))
    assert made.swaps > 50
    async with chain_node(chain, per_s=0.5) as node:
        report = await followed(node, tmp_path, max(chain) - 1)
    assert report["swap_digest"] == made.swap_digest
    assert (report["gaps"], report["dead_letters"]) == (0, 0)


@pytest.mark.timeout(300)
async def test_addresses_that_are_followed_give_the_swaps_that_name_them(tmp_path: Path) -> None:
    updates = signed(market())
    mint = busiest_mint(updates)
    # Where a transaction stood in its block is not known to who asks for it alone.
    naming = [first(one) for one in updates if mint in keys_of(one) or not is_transaction(one)]
    made = expected(write_capture(tmp_path / "naming.pb.zst", naming))
    assert made.swaps > 20
    blocks = blocks_of(updates)
    last = max(blocks)
    # What is followed is some slots behind the newest.
    blocks |= {
        slot: {**blocks[last], "parentSlot": slot - 1, "transactions": []}
        for slot in range(last + 1, last + 40)
    }
    (tmp_path / "who").write_text(f"# a token\n{mint}\n")
    async with chain_node(blocks, per_s=10) as node, running(
        "--rpc", node.url, "--rpc-rate", "100", "--rpc-follow", str(tmp_path / "who"),
        "--report", str(tmp_path / "report.json"), folder=tmp_path,
    ) as run:  # fmt: skip
        await until_frontier(run, last)
        conditions = {one["name"] for one in (await run.status())["conditions"]}
        assert await run.stop() == 0
    report = msgspec.json.decode((tmp_path / "report.json").read_bytes())
    assert "followed_main" in conditions
    assert (report["gaps"], report["dead_letters"]) == (0, 0)
    assert report["swap_digest"] == made.swap_digest


def first(update: bytes) -> bytes:
    """The update, as if its transaction were the first of its block."""
    read = pb.SubscribeUpdate.FromString(update)
    if read.HasField("transaction"):
        read.transaction.transaction.index = 0
    return read.SerializeToString()


def is_transaction(update: bytes) -> bool:
    return pb.SubscribeUpdate.FromString(update).HasField("transaction")


def keys_of(update: bytes) -> set[str]:
    info = pb.SubscribeUpdate.FromString(update).transaction.transaction
    loaded = [*info.meta.loaded_writable_addresses, *info.meta.loaded_readonly_addresses]
    keys = [*info.transaction.message.account_keys, *loaded]
    return {str(Pubkey(bytes(one))) for one in keys}


def busiest_mint(updates: list[bytes]) -> str:
    """The token that most transactions move, and name."""
    times: Counter[str] = Counter()
    for one in updates:
        info = pb.SubscribeUpdate.FromString(one).transaction.transaction
        moved = {balance.mint for balance in info.meta.post_token_balances}
        times.update((moved & keys_of(one)) - {SOL_MINT})
    return times.most_common(1)[0][0]


@pytest.mark.timeout(300)
async def test_a_block_that_is_not_available_is_one_gap_and_the_rest_is_there(
    tmp_path: Path,
) -> None:
    blocks = blocks_of(market())
    hole = FIRST + 30

    def odd(method: str, slot: int) -> Say | None:
        if (method, slot) != ("getBlock", hole):
            return None
        return error(-32004, f"Block not available for slot {slot}")

    async with chain_node(blocks, odd, per_s=10) as node:
        report = await followed(node, tmp_path, max(blocks) - 1)
    assert report["gaps"] == 1
