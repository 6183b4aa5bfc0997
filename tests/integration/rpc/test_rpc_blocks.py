"""A block over JSON-RPC gives the swaps that the same block gives over Yellowstone."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import Swap, encode
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.parse import parse
from pw_rpc.core.blocks import BadBlock, Block, updates_of
from pw_rpc.node import NodeFailed, NotHad, Rpc, _retry_after_s
from support.receiver import receiving
from support.rpc_node import blocks_of, serve


def swaps(updates: list[bytes]) -> list[bytes]:
    return sorted(
        encode(event) for one in updates for event in parse(one).events if isinstance(event, Swap)
    )


def as_indexed(updates: list[bytes]) -> list[bytes]:
    """The updates with their index counted within what the capture holds of their block."""
    out: list[bytes] = []
    count: dict[int, int] = {}
    read = [pb.SubscribeUpdate.FromString(one) for one in updates]
    chosen = [one for one in read if one.HasField("transaction")]
    chosen.sort(key=lambda one: (one.transaction.slot, one.transaction.transaction.index))
    for one in chosen:
        slot = one.transaction.slot
        one.transaction.transaction.index = count.get(slot, 0)
        count[slot] = count.get(slot, 0) + 1
        out.append(one.SerializeToString())
    return out


@pytest.mark.corpus
async def test_real_blocks_give_the_same_swaps_either_way(corpus_dir: Path) -> None:
    compared = 0
    for path in sorted(corpus_dir.glob("block-*.pb.gz")):
        real = list(read_capture(path))
        blocks = blocks_of(real)
        fetched: list[bytes] = []
        with receiving() as node:
            serve(node, blocks)
            async with httpx.AsyncClient(trust_env=False) as client:
                rpc = Rpc(node.url, client)
                for slot in await rpc.produced(min(blocks), max(blocks)):
                    fetched += updates_of(slot, await rpc.block(slot))
        wanted = swaps(as_indexed(real))
        assert swaps(fetched) == wanted
        compared += len(wanted)
    assert compared > 50


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("innerInstructions", None),
        ("preTokenBalances", None),
        ("postTokenBalances", None),
        ("loadedAddresses", None),
        ("loadedAddresses", {"writable": [], "readonly": []}),
    ],
)
def test_a_node_that_keeps_not_what_trades_are_read_from_gives_no_block(
    corpus_dir: Path, name: str, said: object
) -> None:
    path = min(corpus_dir.glob("block-*.pb.gz"))
    slot, block = min(blocks_of(list(read_capture(path))).items())
    for one in block["transactions"]:
        if one["meta"]["err"] is None:
            one["meta"][name] = said
    with pytest.raises(BadBlock, match=f"{name}.*enable-extended-tx-metadata-storage"):
        updates_of(slot, msgspec.json.decode(msgspec.json.encode(block), type=Block))


@pytest.mark.corpus
def test_an_amount_that_is_no_number_gives_no_block(corpus_dir: Path) -> None:
    path = min(corpus_dir.glob("block-*.pb.gz"))
    _, block = min(blocks_of(list(read_capture(path))).items())
    balances = [b for one in block["transactions"] for b in one["meta"]["postTokenBalances"]]
    balances[0]["uiTokenAmount"]["amount"] = "12x"
    with pytest.raises(msgspec.ValidationError, match="amount"):
        msgspec.json.decode(msgspec.json.encode(block), type=Block)


async def test_what_a_node_refuses_is_said_in_its_words() -> None:
    with receiving() as node:
        error = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"Block not available"}}'
        async with httpx.AsyncClient(trust_env=False) as client:
            rpc = Rpc(node.url, client, patience_s=0.1)
            for code in (b"-32004", b"-32007", b"-32009"):
                node.always = (200, {}, error.replace(b"-32004", code))
                with pytest.raises(NotHad, match="Block not available"):
                    await rpc.block(5)
            node.always = (502, {}, b"<html>")
            with pytest.raises(NodeFailed, match="HTTP 502"):
                await rpc.block(5)


@settings(deadline=None)
@given(
    said=st.text(max_size=60)
    | st.from_regex(r"Wed, [0-9]{1,25} Oct [0-9]{1,25} 07:28:[0-9]{1,9} ([+-][0-9]{1,25}|GMT)")
)
def test_what_a_node_says_of_later_is_seconds_or_nothing(said: str) -> None:
    found = _retry_after_s(said)
    assert found is None or found >= 0
