"""Version 1 transactions by every way in, and what a version that nobody knows costs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import headers_of
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.topology import subjects
from pw_common.wire.captures import read_capture
from pw_common.wire.envelope import REASON, decompress
from pw_common.wire.framing import split, varint
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX
from pw_common.wire.messages import Swap, encode
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.parse import parse
from pw_replay.core.items import read_item, strip
from pw_replay.core.shift import Shift
from pw_replay.market import generate
from pw_rpc.core.blocks import Block, read_block, updates_of
from pw_rpc.core.wire import WIRE_FIELD, UnknownVersion, read_wire
from pw_rpc.node import NotHad, Rpc
from support.command import pw
from support.gapped import Gapped, gapped, swaps_of
from support.odd_node import OddNode, Say, error, odd_node, result
from support.replaying import replaying
from support.rpc_node import blocks_of
from support.version_one import as_version_one, wire_of_version_one

FIRST, LAST = 300_000_030, 300_000_034
SPOILED = 300_000_032


def is_legacy(update: bytes) -> bool:
    read = pb.SubscribeUpdate.FromString(update)
    message = read.transaction.transaction.transaction.message
    return read.HasField("transaction") and not message.versioned


def events_of(updates: list[bytes]) -> list[bytes]:
    return sorted(
        encode(event) for one in updates for event in parse(one).events if isinstance(event, Swap)
    )


def served(updates: list[bytes]) -> dict[int, dict[str, Any]]:
    """getBlock's results, with version 1 transactions in their own wire form."""
    blocks = blocks_of(updates)
    places: dict[int, list[pb.SubscribeUpdateTransactionInfo]] = {}
    for one in updates:
        read = pb.SubscribeUpdate.FromString(one)
        if read.HasField("transaction"):
            places.setdefault(read.transaction.slot, []).append(read.transaction.transaction)
    for slot, infos in places.items():
        infos.sort(key=lambda one: one.index)
        for entry, info in zip(blocks[slot]["transactions"], infos, strict=True):
            if info.transaction.message.HasField("config"):
                raw = wire_of_version_one(info.transaction)
                entry["transaction"] = [base64.b64encode(raw).decode(), "base64"]
                entry["version"] = 1
    return blocks


def as_block(result: dict[str, Any]) -> Block:
    return msgspec.json.decode(msgspec.json.encode(result), type=Block)


@pytest.mark.corpus
async def test_real_calls_as_version_one_read_the_same_from_a_stream_a_capture_and_a_node(
    corpus_dir: Path, tmp_path: Path
) -> None:
    real = [one for one in read_capture(corpus_dir / "assorted.pb.gz") if is_legacy(one)]
    streamed = []
    for number, one in enumerate(real):
        read = pb.SubscribeUpdate.FromString(as_version_one(one))
        # One block of them: the capture's own are single transactions of many slots.
        read.transaction.slot, read.transaction.transaction.index = FIRST, number
        streamed.append(read.SerializeToString())
    path = tmp_path / "v1.pb.zst"
    async with replaying(streamed) as server:
        ended = await pw(
            *("capture", "--endpoint", f"http://{server.target}", "--out", str(path)),
            *("--seconds", "3"),
        )
    assert ended.code in {0, 1}, ended
    captured = list(read_capture(path))
    assert [strip(one) for one in captured] == [strip(one) for one in streamed]
    block = as_block(served(streamed)[FIRST])
    fetched = updates_of(FIRST, block)[:-1]
    for one, other in zip(streamed, fetched, strict=True):
        mine, theirs = (
            pb.SubscribeUpdate.FromString(each).transaction.transaction for each in (one, other)
        )
        assert mine.transaction == theirs.transaction
        assert theirs.transaction.message.config.compute_unit_limit == 200_000
    assert events_of(captured) == events_of(streamed) == events_of(fetched)
    assert len(events_of(fetched)) >= 10


async def test_a_loop_moves_version_one_transactions_and_keeps_their_settings() -> None:
    market = list(generate(seed=5, minutes=0.02, tps=40))
    chosen = [as_version_one(one) if is_legacy(one) else one for one in market]
    moved = [Shift(1, 1000, 400).apply(read_item(one)).rest for one in chosen]
    for before, after in zip(chosen, moved, strict=True):
        one = pb.SubscribeUpdate.FromString(before).transaction.transaction.transaction.message
        assert pb.SubscribeUpdate.FromString(after).transaction.transaction.transaction.message == (
            one
        )


@pytest.fixture(scope="module")
def market() -> list[bytes]:
    return list(generate(seed=5, minutes=0.3, tps=60))


def spoiled(blocks: dict[int, Any], market: list[bytes]) -> tuple[dict[int, Any], int, str, bytes]:
    """One trade of a block in a form that begins with 0x82: where, its signature, its bytes."""
    [chosen, *_] = [
        one
        for update in market
        if parse(update).events
        and (one := pb.SubscribeUpdate.FromString(update)).transaction.slot == SPOILED
    ]
    info = chosen.transaction.transaction
    raw = wire_of_version_one(info.transaction, first=0x82)
    entry = blocks[SPOILED]["transactions"][info.index]
    changed = {**entry, "transaction": [base64.b64encode(raw).decode(), "base64"], "version": 2}
    listed = list(blocks[SPOILED]["transactions"])
    listed[info.index] = changed
    [swap] = [one for one in parse(chosen.SerializeToString()).events if isinstance(one, Swap)]
    return (
        {**blocks, SPOILED: {**blocks[SPOILED], "transactions": listed}},
        info.index,
        (swap.signature),
        raw,
    )


def picky(node: OddNode, signatures: list[str] | None, accepts: int = 255) -> None:
    """The node refuses higher versions than it accepts, and gives a block's signatures."""

    def odd(method: str, slot: int) -> Say | None:
        if method != "getBlock":
            return None
        if node.options[-1]["maxSupportedTransactionVersion"] > accepts:
            return error(-32602, "Invalid params: maxSupportedTransactionVersion out of range")
        if node.options[-1]["transactionDetails"] == "signatures" and slot == SPOILED:
            if signatures is None:
                return error(-32601, "Method not found")
            return result({**node.blocks[slot], "transactions": [], "signatures": signatures})
        return None

    node.odd = odd


async def letters_of(system: Gapped) -> list[tuple[dict[str, str], bytes]]:
    found = []
    async for message in stored_messages(system.bus, subjects.STREAM_DLQ):
        [update] = split(decompress(message.data, DECOMPRESSED_BYTES_MAX))
        found.append((dict(headers_of(message)), update))
    return found


async def test_a_transaction_of_an_unknown_version_is_a_dead_letter_and_its_block_is_filled(
    market: list[bytes], tmp_path: Path
) -> None:
    blocks, index, signature, raw = spoiled(blocks_of(market), market)
    count = len(blocks[SPOILED]["transactions"])
    signatures = ["1" * 64] * count
    signatures[index] = signature
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        with odd_node(blocks) as node:
            picky(node, signatures)
            ended = await pw(
                *("backfill", "--gap", system.gap.id, "--rpc", node.url),
                PW_NATS_URL=system.broker_url,
            )
        assert ended.code == 0, ended
        assert "1 became dead letters; filled" in ended.out
        assert f"transaction {index} of slot {SPOILED}, {signature}: version 2" in ended.err
        [(headers, update)] = await letters_of(system)
        assert signature in headers[REASON]
        read = pb.SubscribeUpdate.FromString(update).transaction
        assert (read.slot, read.transaction.index) == (SPOILED, index)
        assert read.transaction.meta.post_balances
        kept = varint(WIRE_FIELD << 3 | 2) + varint(len(raw)) + raw
        assert kept in update
        await system.until_parsed()
        wanted = swaps_of(market)
        del wanted[signature, 0]
        assert await system.swaps() == wanted
        # The letter can be sent back, and comes back as long as nobody reads that version.
        again = await pw("dlq", "replay", "--all", PW_NATS_URL=system.broker_url)
        assert again.code == 0, again
        await system.until_parsed()
        assert len(await letters_of(system)) == 2


async def test_what_has_no_known_signature_is_named_by_its_place(
    market: list[bytes], tmp_path: Path
) -> None:
    blocks, index, _, _ = spoiled(blocks_of(market), market)
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        with odd_node(blocks) as node:
            picky(node, None)
            ended = await pw(
                *("backfill", "--json", "--gap", system.gap.id, "--rpc", node.url),
                PW_NATS_URL=system.broker_url,
            )
        assert ended.code == 0, ended
        assert msgspec.json.decode(ended.out)["dead_letters"] == 1
        [(headers, _)] = await letters_of(system)
        assert f"transaction {index} of slot {SPOILED}, of unknown signature" in headers[REASON]


@pytest.mark.parametrize(("accepts", "asked"), [(255, [127]), (1, [127, 1]), (0, [127, 1, 0])])
async def test_a_node_is_asked_for_the_highest_version_that_it_accepts(
    market: list[bytes], accepts: int, asked: list[int]
) -> None:
    with odd_node(blocks_of(market)) as node:
        picky(node, None, accepts)
        async with httpx.AsyncClient(trust_env=False) as client:
            rpc = Rpc(node.url, client, patience_s=1)
            await rpc.block(FIRST)
            assert [one["maxSupportedTransactionVersion"] for one in node.options] == asked
            await rpc.block(SPOILED)
    # What it refused once it is not asked for again.
    assert node.options[-1]["maxSupportedTransactionVersion"] == asked[-1]
    assert len(node.options) == len(asked) + 1


async def test_a_node_that_meets_a_newer_version_keeps_its_own_words() -> None:
    said = 'not supported: set "maxSupportedTransactionVersion": 1'
    with odd_node({}, lambda _method, _slot: error(-32015, said)) as node:
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(NotHad, match="-32015"):
                await Rpc(node.url, client, patience_s=1).block(FIRST)
    assert len(node.options) == 1


def test_a_failed_transaction_of_an_unknown_version_is_nothing_that_is_missed(
    market: list[bytes],
) -> None:
    blocks, index, _, _ = spoiled(blocks_of(market), market)
    blocks[SPOILED]["transactions"][index]["meta"]["err"] = {"InstructionError": [0, "Custom"]}
    [unread] = read_block(SPOILED, as_block(blocks[SPOILED])).unread
    assert unread.meta.failed


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"\x82" + bytes(200), "version 2"),
        (b"\x01" + bytes(64) + b"\x83" + bytes(99), "version 3 behind its signatures"),
        (b"\x81\x01\x00\x00" + b"\x00\x02\x00\x00" + bytes(200), "unknown settings"),
    ],
)
def test_unknown_forms_are_told_from_broken_ones(raw: bytes, what: str) -> None:
    with pytest.raises(UnknownVersion, match=what):
        read_wire(raw)
    for broken in (b"\x81" + bytes(20), b"\x01\x02", b""):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - which one is the point
            read_wire(broken)
        assert not isinstance(caught.value, UnknownVersion)
