"""A transaction of an unknown version costs itself, and not its block."""

from __future__ import annotations

import base64
import copy
from pathlib import Path

import pytest

from pw_geyser import geyser_pb2 as pb
from pw_parser.core.decode.transaction import Malformed
from pw_parser.core.parse import parse
from pw_replay.market import generate
from pw_rpc.core.wire import WIRE_FIELD
from support.broker import provisioned
from support.chain_node import chain_node
from support.ingesting import gaps_stored, ingest, stop, until_frontier, updates_stored
from support.rpc_node import blocks_of
from support.source import FakeSource

FIRST = 300_000_000


async def test_a_transaction_of_an_unknown_version_goes_to_the_parsers_and_its_block_is_whole(
    tmp_path: Path,
) -> None:
    blocks = copy.deepcopy(blocks_of(list(generate(seed=5, minutes=0.2, tps=30))))
    spoiled = FIRST + 5
    entry = blocks[spoiled]["transactions"][3]
    wire = base64.b64decode(entry["transaction"][0])
    # Behind one signature the message states version 9.
    later = wire[:65] + b"\x89" + wire[65:]
    entry["transaction"] = [base64.b64encode(later).decode(), "base64"]
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=10) as node,
        ingest(
            broker,
            FakeSource([]),
            PW_INGEST_ENDPOINT="",
            PW_INGEST_RPC_URL=node.url,
            PW_INGEST_RPC_RATE="100",
            PW_INGEST_SLOT_MS_MIN="20",
        ) as process,
    ):
        await until_frontier(bus, max(blocks) - 1)
        code, err = await stop(process)
        assert code == 0, err
        assert await gaps_stored(bus) == []
        stored = [pb.SubscribeUpdate.FromString(one) for one in await updates_stored(bus)]
    of_block = [one for one in stored if one.transaction.slot == spoiled]
    assert len(of_block) == len(blocks[spoiled]["transactions"])
    [unread] = [one for one in of_block if not one.transaction.transaction.transaction.signatures]
    info = unread.transaction.transaction
    assert (info.index, info.signature) == (3, wire[1:65])
    assert later in info.transaction.SerializeToString()
    assert WIRE_FIELD == 1000
    with pytest.raises(Malformed):
        parse(unread.SerializeToString())
