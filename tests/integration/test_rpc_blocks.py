"""A block over JSON-RPC gives the swaps that the same block gives over Yellowstone."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pw_cli.rpc_blocks import Rpc, RpcFailed, updates_of
from pw_common.captures import read_capture
from pw_common.messages import Swap, encode
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.parse import parse
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
def test_real_blocks_give_the_same_swaps_either_way(corpus_dir: Path) -> None:
    compared = 0
    for path in sorted(corpus_dir.glob("block-*.pb.gz")):
        real = list(read_capture(path))
        blocks = blocks_of(real)
        with receiving() as node, httpx.Client(trust_env=False) as client:
            serve(node, blocks)
            rpc = Rpc(node.url, client)
            fetched: list[bytes] = []
            for slot in rpc.produced(min(blocks), max(blocks)):
                block = rpc.block(slot)
                assert block is not None
                fetched += updates_of(slot, block)
        wanted = swaps(as_indexed(real))
        assert swaps(fetched) == wanted
        compared += len(wanted)
    assert compared > 50


def test_what_a_node_refuses_is_said_in_its_words() -> None:
    with receiving() as node, httpx.Client(trust_env=False) as client:
        error = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"Block not available"}}'
        node.always = (200, {}, error)
        with pytest.raises(RpcFailed, match="Block not available"):
            Rpc(node.url, client).block(5)
        node.always = (200, {}, error.replace(b"-32004", b"-32009"))
        assert Rpc(node.url, client).block(5) is None
        node.always = (502, {}, b"<html>")
        with pytest.raises(RpcFailed):
            Rpc(node.url, client).block(5)
