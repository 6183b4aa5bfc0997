"""A JSON-RPC node that keeps history: blocks by slot, and transactions by signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from solders.signature import Signature

from pw_geyser import geyser_pb2 as pb
from support.receiver import Received, Receiver, receiving
from support.rpc_node import blocks_of, entry

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Archive:
    """What it keeps; `odd` may answer a call (method, first parameter, id) instead."""

    blocks: dict[int, dict[str, Any]]
    singles: dict[str, dict[str, Any]] = field(default_factory=dict)
    odd: Callable[[str, Any, int], Answer | None] = lambda _method, _first, _id: None
    asked: list[tuple[str, Any]] = field(default_factory=list)
    # Slots that it does not list although it has them.
    unlisted: set[int] = field(default_factory=set)
    url: str = ""

    def answer(self, request: Received) -> Answer:
        call = request.json()
        method, first = call["method"], call["params"][0]
        self.asked.append((method, first))
        if (odd := self.odd(method, first, call["id"])) is not None:
            return odd
        found: Any = None
        if method == "getBlocks":
            last = call["params"][1]
            listed = (slot for slot in self.blocks if first <= slot <= last)
            found = sorted(slot for slot in listed if slot not in self.unlisted)
        elif method == "getTransaction":
            found = self.singles.get(first)
        elif first in self.blocks:
            found = self.blocks[first]
        else:
            return refused(-32007, f"Slot {first} was skipped", call["id"])
        return given(found, call["id"])


def given(result: Any, number: int) -> Answer:
    body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
    return 200, {"Content-Type": "application/json"}, body


def refused(code: int, message: str, number: int) -> Answer:
    said = {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
    return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()


def archive_of(updates: list[bytes]) -> Archive:
    """What a node would keep of these updates."""
    singles = {}
    has_blocks = False
    for one in updates:
        update = pb.SubscribeUpdate.FromString(one)
        has_blocks |= update.HasField("block_meta")
        if update.HasField("transaction"):
            info = update.transaction.transaction
            signature = str(Signature.from_bytes(info.signature))
            singles[signature] = {"slot": update.transaction.slot, "blockTime": 1, **entry(info)}
    return Archive(blocks_of(updates) if has_blocks else {}, singles)


@contextmanager
def archive_node(archive: Archive) -> Iterator[Receiver]:
    """The node on a free port of loopback."""
    with receiving() as node:
        node.answer = archive.answer  # type: ignore[method-assign]
        archive.url = node.url
        yield node
