"""A JSON-RPC node whose chain grows: it answers as Agave does, or as a test has it lie."""

from __future__ import annotations

import base64
import copy
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature

from pw_common.process.clock import monotonic_s
from pw_common.wire.captures import read_capture
from pw_rpc.core.wire import read_wire
from support.odd_node import OddNode, Say, serving
from support.rpc_node import base58, blocks_of

# What Agave says: rpc-client-api/src/custom_error.rs.
NOT_AVAILABLE = -32004
SKIPPED = -32007
NO_METHOD = -32601
ADDRESSED = {"getBlockTime", "getTransaction", "getSignaturesForAddress"}


@dataclass
class ChainNode(OddNode):
    """Blocks up to `tip` are there. `per_s` of them come a second from the first request on."""

    first: int = 0
    tip: int = 0
    per_s: float = 0.0
    begun_s: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    # Of requests: when each came, in monotonic seconds.
    times_s: list[float] = field(default_factory=list)
    # How many of an address's transactions it lists at once.
    page: int = 1_000
    # Addresses that were asked about.
    addresses: set[str] = field(default_factory=set)
    singles: dict[str, tuple[int, Any]] = field(default_factory=dict)
    named: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def answer(self, call: dict[str, Any]) -> Say:
        with self.lock:
            return self._answer(call)

    def _answer(self, call: dict[str, Any]) -> Say:
        method, params = call["method"], call["params"]
        self._grow()
        if method in ADDRESSED and not self.singles:
            self._index()
        self.times_s.append(monotonic_s())
        slot = params[0] if params and isinstance(params[0], int) else 0
        self.asked.append((method, slot))
        self.options.append(params[-1] if params else None)
        if (said := self.odd(method, params[0] if params else 0)) is not None:
            body = said.body.replace(b'"id":1', b'"id":%d' % call["id"], 1)
            return Say(body, said.status, said.headers, said.drip, said.endless, said.reset)
        found: Any
        if method == "getSlot":
            found = self.tip
        elif method == "getFirstAvailableBlock":
            found = self.first
        elif method == "getBlocks":
            last = min(params[1], self.tip)
            found = [one for one in sorted(self.blocks) if slot <= one <= last]
        elif method in ADDRESSED:
            found = self._addressed(method, params)
        elif method != "getBlock":
            return _error(call["id"], NO_METHOD, "Method not found")
        elif slot > self.tip:
            return _error(call["id"], NOT_AVAILABLE, f"Block not available for slot {slot}")
        elif slot not in self.blocks:
            return _error(
                call["id"],
                SKIPPED,
                f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot",
            )
        else:
            found = self.blocks[slot]
        return Say(json.dumps({"jsonrpc": "2.0", "result": found, "id": call["id"]}).encode())

    def _addressed(self, method: str, params: list[Any]) -> Any:
        """What is asked for by an address, a signature, or a block's time."""
        if method == "getBlockTime":
            return self.blocks[params[0]]["blockTime"]
        if method == "getTransaction":
            slot, entry = self.singles.get(params[0], (self.tip + 1, None))
            if slot > self.tip:
                return None
            return {"slot": slot, "blockTime": self.blocks[slot]["blockTime"], **entry}
        options = params[1]
        self.addresses.add(params[0])
        newest_first = [
            {"signature": signature, "slot": slot, "err": self.singles[signature][1]["meta"]["err"]}
            for signature, slot in reversed(self.named.get(params[0], []))
            if slot <= self.tip
        ]
        at = [one["signature"] for one in newest_first]
        after = at.index(options["before"]) + 1 if "before" in options else 0
        return newest_first[after : after + min(options["limit"], self.page)]

    def _index(self) -> None:
        """Signature -> slot and transaction; address -> what names it, oldest first."""
        self.singles, self.named = {}, {}
        for slot in sorted(self.blocks):
            for entry in self.blocks[slot]["transactions"]:
                transaction = read_wire(base64.b64decode(entry["transaction"][0]))
                signature = str(Signature.from_bytes(transaction.signatures[0]))
                self.singles[signature] = slot, entry
                loaded = entry["meta"]["loadedAddresses"]
                keys = {str(Pubkey(bytes(one))) for one in transaction.message.account_keys}
                for key in keys | {*loaded["writable"], *loaded["readonly"]}:
                    self.named.setdefault(key, []).append((signature, slot))

    def _grow(self) -> None:
        now_s = monotonic_s()
        if self.begun_s is None:
            self.begun_s = now_s
        if self.per_s:
            come = int((now_s - self.begun_s) * self.per_s)
            slots = [one for one in sorted(self.blocks) if one >= self.first]
            self.tip = max(self.tip, slots[min(come, len(slots) - 1)])


def _error(number: int, code: int, message: str) -> Say:
    body = {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
    return Say(json.dumps(body).encode())


@asynccontextmanager
async def chain_node(
    blocks: dict[int, Any],
    odd: Callable[[str, int], Say | None] | None = None,
    *,
    per_s: float = 0.0,
    tip: int | None = None,
) -> AsyncIterator[ChainNode]:
    """The node on a free port; it begins at the first block, or with all of them up to `tip`."""
    first = min(blocks)
    node = ChainNode(blocks, first=first, tip=first if tip is None else tip, per_s=per_s)
    with serving(node, odd):
        yield node


def linked(blocks: Iterable[dict[str, Any]], *, first: int, time_s: int) -> dict[int, Any]:
    """Blocks as one chain: each names the one before. Every seventh slot is skipped."""
    out: dict[int, Any] = {}
    slot, parent, height = first, first - 1, 1_000
    for number, block in enumerate(blocks):
        if number % 7 == 6:
            slot += 1
        made = {
            **copy.copy(block),
            "parentSlot": parent,
            "blockhash": hash_of(slot),
            "previousBlockhash": hash_of(parent),
            "blockHeight": height,
            "blockTime": time_s + (slot - first) * 400 // 1000,
        }
        out[slot] = made
        slot, parent, height = slot + 1, slot, height + 1
    return out


def hash_of(slot: int) -> str:
    """The blockhash that a slot has in these chains."""
    return base58(b"\x01" + bytes(23) + slot.to_bytes(8, "big"))


def corpus_chain(corpus: Path, *, first: int, time_s: int) -> dict[int, Any]:
    """The corpus's whole blocks as one chain: real transactions in slots of the test."""
    found: list[dict[str, Any]] = []
    for path in sorted(corpus.glob("block-*.pb.gz")):
        found += blocks_of(list(read_capture(path))).values()
    return linked(found, first=first, time_s=time_s)
