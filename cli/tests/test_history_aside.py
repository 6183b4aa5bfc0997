"""What a node answers is read beside the event loop: a hostile answer holds up nothing else."""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from pw_cli.commands.captures import capture
from pw_cli.history import capture_rpc, history_chain
from pw_rpc.core.blocks import Block, Parent, Read, read_block
from pw_rpc.core.single import Single
from pw_rpc.history import History
from support.archive_node import Archive, archive_node

WAIT_S = 10


class Node:
    """One block, and the one behind it."""

    async def produced(self, first: int, last: int) -> list[int]:
        return [slot for slot in (5, 6) if first <= slot <= last]

    async def block_json(self, slot: int) -> bytes:
        block = {
            "parentSlot": slot - 1, "blockhash": f"{slot}", "previousBlockhash": f"{slot - 1}",
            "transactions": [],
        }  # fmt: skip
        return json.dumps(block).encode()

    async def parent(self, slot: int) -> Parent:
        return Parent(slot - 1, f"{slot}", f"{slot - 1}")


async def test_others_go_on_while_a_block_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    went_on = threading.Event()

    def long(slot: int, block: Block) -> Read:
        loop.call_soon_threadsafe(went_on.set)
        assert went_on.wait(WAIT_S)
        return read_block(slot, block)

    monkeypatch.setattr(history_chain, "read_block", long)
    chain = history_chain.Chain(cast("History", Node()), 5, 5)
    assert [block.slot async for block in chain.blocks()] == [5]


def test_others_go_on_while_a_transaction_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    signature = "1" * 64
    meta: dict[str, Any] = {"fee": 0, "preBalances": [], "postBalances": []}
    single = {"slot": 5, "transaction": ["", "base64"], "meta": meta}
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(signature)
    beside = []

    def long(_signature: str, _found: Single) -> bytes:
        beside.append(threading.current_thread() is not threading.main_thread())
        return b""

    monkeypatch.setattr(capture_rpc, "read_single", long)
    parser = argparse.ArgumentParser()
    capture.add_arguments(parser)
    with archive_node(Archive({}, {signature: single})) as node:
        words = ["--rpc", node.url, "--signatures", str(wanted), "--out", str(tmp_path / "a.pb")]
        assert capture.run(parser.parse_args(words)) == 0
    assert beside == [True]
