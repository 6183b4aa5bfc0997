"""Nodes that lie, fail, flood or drip: what is taken from them, and what is said."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.keypair import Keypair
from solders.message import MessageHeader, MessageV1, TransactionConfig
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from pw_cli.gaps.gap_proof import Around, Fill, Link, why_open
from pw_cli.gaps.gap_sources import Job, from_captures, from_node
from pw_cli.gaps.gap_store import Filler
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Gap
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import META, read_update
from pw_parser.core.parse import parse
from pw_replay.market import generate
from pw_rpc import node as rpc_module
from pw_rpc.core.blocks import Block, Entry, StatusMeta, updates_of
from pw_rpc.node import BadAnswer, NodeFailed, Rpc
from support.gapped import by_slot
from support.odd_node import OddNode, Say, error, odd_node, only, result
from support.rpc_node import blocks_of

FIRST, LAST = 300_000_030, 300_000_045
MISSING = 300_000_037
UNSUPPORTED = "Transaction version (1) is not supported by the requesting client"


@pytest.fixture(scope="module")
def market() -> list[bytes]:
    return list(generate(seed=5, minutes=0.5, tps=80))


@pytest.fixture(scope="module")
def blocks(market: list[bytes]) -> dict[int, Any]:
    found = blocks_of(market)
    assert {FIRST, MISSING - 1, MISSING, MISSING + 1, LAST} <= found.keys()
    return found


class Recorder(Filler):
    """Keeps what it is given instead of storing it."""

    def __init__(self) -> None:
        self.slots: list[int] = []

    async def put(self, updates: Any) -> None:
        identities = [read_update(one).identity for one in updates]
        self.slots += [one.slot for one in identities if one.kind == META]


def job_of(blocks: dict[int, Any], lines: list[str]) -> Job:
    """The gap, with the blocks on both sides stored."""
    gap = Gap(source="main", epoch=1, first_missing_slot=FIRST, last_missing_slot=LAST, why="test")
    before = max(slot for slot in blocks if slot < FIRST)
    after = min(slot for slot in blocks if slot > LAST)
    around = Around(before, Link(after, blocks[after]["parentSlot"]))
    fill = Fill(gap, stored={}, filled={})
    return Job(gap, fill, Recorder(), around, lines.append, lambda _line: None)


async def filled_from(
    node: OddNode, blocks: dict[int, Any], *, patience_s: float = 0.6, deadline_s: float = 20.0
) -> tuple[Job, str, list[str]]:
    """The job afterwards, why the gap is open, and what was said meanwhile."""
    lines: list[str] = []
    job = job_of(blocks, lines)
    async with httpx.AsyncClient(trust_env=False) as client:
        rpc = Rpc(node.url, client, patience_s=patience_s, deadline_s=deadline_s, say=lines.append)
        stopped = await from_node(job, rpc)
    return job, stopped or why_open(job.gap, job.fill.links, job.around), lines


def taken(job: Job) -> list[int]:
    assert isinstance(job.filler, Recorder)
    return job.filler.slots


async def test_a_node_that_has_everything_closes_the_gap(blocks: dict[int, Any]) -> None:
    with odd_node(blocks) as node:
        job, why, _ = await filled_from(node, blocks)
    assert why == ""
    assert taken(job) == [slot for slot in sorted(blocks) if FIRST <= slot <= LAST]


LISTS: dict[str, Any] = {
    "empty": result([]),
    "null": result(None),
    "skipped": error(-32007, "Slot 300000030 was skipped, or missing due to ledger jump"),
    "cleaned": error(-32009, "Slot 300000030 was skipped, or missing in long-term storage"),
    "cleaned up": error(-32001, "Block 300000030 cleaned up, does not exist on node"),
    "a word": result("none"),
    "words": result(["a", "b"]),
    "beyond": result([1, 2**63, 400_000_000]),
    "not JSON": Say(b"<html>it works</html>"),
    "deep": Say(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 200_000),
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_gap_of_which_a_node_lists_nothing_stays_open(
    name: str, blocks: dict[int, Any]
) -> None:
    with odd_node(blocks, only("getBlocks", FIRST, LISTS[name])) as node:
        job, why, _ = await filled_from(node, blocks)
    assert f"no block of slots {FIRST} to {LAST} is there" in why
    assert (taken(job), node.blocks_asked()) == ([], [])


REFUSALS: dict[str, Any] = {
    "cleaned up": error(-32001, "Block 300000037 cleaned up, does not exist on node"),
    "not available": error(-32004, "Block not available for slot 300000037"),
    "skipped": error(-32007, "Slot 300000037 was skipped, or missing due to ledger jump"),
    "long-term": error(-32009, "Slot 300000037 was skipped, or missing in long-term storage"),
    "history": error(-32011, "Transaction history is not available from this node"),
    "no status": error(-32014, "Block status not yet available for slot 300000037"),
    "version": error(-32015, UNSUPPORTED),
    "null": result(None),
    "list": result([]),
    "text": result("block"),
    "number": result(7),
    "nothing in it": result({}),
    "cut JSON": Say(b'{"jsonrpc":"2.0","id":1,"result":{"parentSlot":'),
    "HTML": Say(b"<html>"),
    "another answer": Say(b'{"jsonrpc":"2.0","id":999,"result":{}}'),
    "gzip": Say(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_block_that_is_not_given_leaves_its_slot_open_and_the_others_stored(
    name: str, blocks: dict[int, Any]
) -> None:
    said = REFUSALS[name]
    with odd_node(blocks, only("getBlock", MISSING, said)) as node:
        job, why, _ = await filled_from(node, blocks)
    assert why == f"the block of slot {MISSING + 1} follows slot {MISSING}, which is not there"
    assert taken(job) == [
        slot for slot in sorted(blocks) if FIRST <= slot <= LAST and slot != MISSING
    ]
    if b'"code"' in said.body:
        assert str(json.loads(said.body)["error"]["code"]) in job.remarks[MISSING]


def other(blocks: dict[int, Any], **changed: Any) -> Say:
    return result({**blocks[MISSING], **changed})


def lies(blocks: dict[int, Any]) -> dict[str, Say]:
    return {
        "another parent": other(blocks, parentSlot=MISSING - 5),
        "itself as parent": other(blocks, parentSlot=MISSING),
        "a later parent": other(blocks, parentSlot=MISSING + 40),
        "a negative parent": other(blocks, parentSlot=-1),
        "another hash": other(blocks, blockhash="1" * 32),
        "another parent's hash": other(blocks, previousBlockhash="1" * 32),
        "another height": other(blocks, blockHeight=1),
        "the block before": result(blocks[MISSING - 1]),
        "the block after": result(blocks[MISSING + 1]),
        "no transactions": result(
            {k: v for k, v in blocks[MISSING].items() if k != "transactions"}
        ),
        "only signatures": other(blocks, transactions=["5" * 88]),
        "broken base64": other(blocks, transactions=[{"transaction": ["%", "base64"], "meta": {}}]),
        "no meta": other(
            blocks, transactions=[{**blocks[MISSING]["transactions"][0], "meta": None}]
        ),
        "a huge number": other(blocks, blockTime=2**80),
    }


LIES = (
    "another parent", "itself as parent", "a later parent", "a negative parent", "another hash",
    "another parent's hash", "another height", "the block before", "the block after",
    "no transactions", "only signatures", "broken base64", "no meta", "a huge number",
)  # fmt: skip


@pytest.mark.parametrize("name", LIES)
async def test_a_node_whose_blocks_contradict_each_other_proves_nothing(
    name: str, blocks: dict[int, Any]
) -> None:
    assert set(LIES) == lies(blocks).keys()
    with odd_node(blocks, only("getBlock", MISSING, lies(blocks)[name])) as node:
        job, why, _ = await filled_from(node, blocks)
    assert any(str(slot) in why for slot in (MISSING - 1, MISSING, MISSING + 1)), why
    # What speaks against the rest is not stored, where it can be known by then.
    if name != "another hash":
        assert MISSING not in taken(job)


TROUBLES: dict[str, Say] = {
    "429": error(-32429, "slow down", status=429),
    "429 for an hour": error(-32429, "slow down", status=429, Retry_After="3600"),
    "429 until a date": error(
        -32429, "slow down", status=429, Retry_After="Wed, 21 Oct 2150 07:28:00 GMT"
    ),
    "500": Say(b"oops", status=500),
    "502": Say(b"<html>", status=502),
    "503": Say(b"", status=503, headers={"Retry-After": "soon"}),
    "behind": error(-32005, "Node is behind by 42 slots"),
    "reset": Say(reset=True),
    "redirect": Say(b"", status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "forbidden": error(403, "no", status=403),
    "not found": Say(b"<html>", status=404),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_node_that_fails_for_good_ends_it_and_what_was_read_is_kept(
    name: str, blocks: dict[int, Any]
) -> None:
    with odd_node(blocks, only("getBlock", MISSING, TROUBLES[name])) as node:
        job, why, lines = await filled_from(node, blocks)
    assert taken(job) == [slot for slot in sorted(blocks) if FIRST <= slot < MISSING]
    assert set(taken(job)) == job.fill.links.keys()
    tries = node.blocks_asked().count(MISSING)
    is_final = name in {"redirect", "forbidden", "not found", "429 for an hour", "429 until a date"}
    # How often another is tried within its patience is a matter of the machine; see below.
    assert tries == 1 or not is_final
    assert len([line for line in lines if "waits" in line]) == tries - 1
    assert why


@pytest.mark.parametrize("name", ["429", "500", "502", "503", "behind", "reset"])
async def test_a_node_that_fails_for_a_while_is_asked_again(
    name: str, blocks: dict[int, Any]
) -> None:
    left = 2

    def odd(_method: str, slot: int) -> Say | None:
        nonlocal left
        if slot != MISSING or not left:
            return None
        left -= 1
        return TROUBLES[name]

    with odd_node(blocks, odd) as node:
        _, why, lines = await filled_from(node, blocks, patience_s=10.0)
    assert why == ""
    assert node.blocks_asked().count(MISSING) == 3
    # Growing pauses, each of them said.
    assert [line.rpartition("waits ")[2] for line in lines] == ["0.5 s", "1.0 s"]


async def test_a_node_that_says_when_is_waited_for_as_it_says(blocks: dict[int, Any]) -> None:
    said = [error(429, "slow down", status=429, Retry_After="1")]
    with odd_node(blocks, lambda _method, _slot: said.pop() if said else None) as node:
        _, why, lines = await filled_from(node, blocks, patience_s=5.0)
    assert why == ""
    assert [line.rpartition("; ")[2] for line in lines] == ["waits 1.0 s"]


async def test_an_answer_that_never_ends_is_cut(
    blocks: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_module, "ANSWER_BYTES_MAX", 1 << 20)
    flood = Say(b" " * 65_536, endless=True)
    with odd_node(blocks, only("getBlock", MISSING, flood)) as node:
        job, why, _ = await filled_from(node, blocks)
    assert f"follows slot {MISSING}, which is not there" in why
    assert "over 1 MiB" in job.remarks[MISSING]


async def test_an_answer_that_drips_is_given_up_at_the_deadline(blocks: dict[int, Any]) -> None:
    drip = Say(b" " * 10_000, drip=True)
    with odd_node(blocks, only("getBlock", MISSING, drip)) as node:
        began_s = asyncio.get_running_loop().time()
        job, why, _ = await filled_from(node, blocks, deadline_s=0.4, patience_s=1.0)
        assert asyncio.get_running_loop().time() - began_s < 20
    assert "no whole answer in 0.4 s" in why
    assert MISSING not in taken(job)


async def test_a_node_of_which_nothing_can_be_read_is_left(blocks: dict[int, Any]) -> None:
    def odd(method: str, _slot: int) -> Say | None:
        return Say(b"<html>") if method == "getBlock" else None

    with odd_node(blocks, odd) as node:
        job, why, _ = await filled_from(node, blocks)
    assert len(node.blocks_asked()) == 5
    assert str(node.blocks_asked()[-1]) in why
    assert taken(job) == []


async def test_a_nodes_words_drive_no_terminal(blocks: dict[int, Any]) -> None:
    said = error(-32007, "\x1b[2J\u202eskipped\nfilled" + "x" * 5_000)
    with odd_node(blocks, only("getBlock", MISSING, said)) as node:
        job, _, _ = await filled_from(node, blocks)
    assert job.remarks[MISSING].isprintable()
    assert len(job.remarks[MISSING]) < 300


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"result":', b"[" * 200_000, b"\xff\xfe"])
async def test_what_is_no_answer_raises_what_is_named(body: bytes) -> None:
    with odd_node({}, lambda _method, _slot: Say(body)) as node:
        async with httpx.AsyncClient(trust_env=False) as client:
            rpc = Rpc(node.url, client, patience_s=0.1)
            for asked in (rpc.block(5), rpc.parent(5), rpc.produced(1, 9)):
                with pytest.raises((BadAnswer, NodeFailed)):
                    await asked


async def from_capture(
    blocks: dict[int, Any], path: Path, slots: dict[int, list[bytes]]
) -> tuple[Job, str]:
    with CaptureWriter(path) as writer:
        for updates in slots.values():
            for update in updates:
                writer.write(update)
    job = job_of(blocks, [])
    stopped = await from_captures(job, [path])
    return job, stopped or why_open(job.gap, job.fill.links, job.around)


async def test_a_capture_that_begins_or_ends_in_the_middle_of_a_block_does_not_prove_that_block(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    parts = {slot: part for slot, part in by_slot(market).items() if FIRST <= slot <= LAST}
    job, why = await from_capture(blocks, tmp_path / "whole.pb.zst", parts)
    assert why == ""
    first = parts[FIRST]
    begun = {**parts, FIRST: first[len(first) // 2 :]}
    job, why = await from_capture(blocks, tmp_path / "begun.pb.zst", begun)
    assert f"follows slot {FIRST}, which is not there" in why
    assert "begin or end in it" in job.remarks[FIRST]
    # Sources may tell a block's place before its last transactions.
    cut = {**parts, LAST: [parts[LAST][-1], *parts[LAST][:2]]}
    job, why = await from_capture(blocks, tmp_path / "cut.pb.zst", cut)
    assert f"follows slot {LAST}, which is not there" in why
    assert FIRST in taken(job)
    assert LAST not in taken(job)


async def test_captures_of_two_chains_prove_nothing(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    parts = {slot: part for slot, part in by_slot(market).items() if FIRST <= slot <= LAST}
    other_meta = pb.SubscribeUpdate.FromString(parts[MISSING][-1])
    other_meta.block_meta.blockhash = "1" * 32
    twice = {**parts, MISSING: [*parts[MISSING], other_meta.SerializeToString()]}
    _, why = await from_capture(blocks, tmp_path / "twice.pb.zst", twice)
    assert why == f"the captures hold two different blocks of slot {MISSING}"
    other = {**parts, MISSING: [*parts[MISSING][:-1], other_meta.SerializeToString()]}
    job, why = await from_capture(blocks, tmp_path / "other.pb.zst", other)
    assert str(MISSING) in why
    assert MISSING + 1 not in taken(job)


def test_a_transaction_of_version_one_is_read() -> None:
    payer = Keypair()
    message = MessageV1(
        MessageHeader(1, 0, 1),
        TransactionConfig(compute_unit_limit=200_000),
        Hash.default(),
        [payer.pubkey(), Pubkey.new_unique()],
        [CompiledInstruction(1, b"data", bytes([0]))],
    )
    wire = bytes(VersionedTransaction(message, [payer]))
    meta = StatusMeta(
        5_000, [9, 1], [4, 1],
        inner_instructions=[], pre_token_balances=[], post_token_balances=[],
    )  # fmt: skip
    entry = Entry((base64.b64encode(wire).decode(), "base64"), meta)
    block = Block(parent_slot=4, blockhash="b", previous_blockhash="a", transactions=[entry])
    first, last = updates_of(5, block)
    info = pb.SubscribeUpdate.FromString(first).transaction.transaction
    assert bytes(info.transaction.message.account_keys[0]) == bytes(payer.pubkey())
    assert info.transaction.message.versioned
    assert info.transaction.message.instructions[0].data == b"data"
    assert parse(first).kind == "transaction"
    assert pb.SubscribeUpdate.FromString(last).block_meta.parent_slot == 4
