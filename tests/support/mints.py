"""Accounts of mints, put together byte by byte, and a node that shows them as Agave does."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from solders.pubkey import Pubkey
from solders.token.state import Mint

from support.odd_node import OddNode, Say, serving

SPL_TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
METAPLEX = "metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s"
SLOT = 350_000_000
NOBODY = bytes(32)


def address(number: int) -> str:
    """Some address."""
    return str(Pubkey(bytes([number]) * 32))


def key(text: str) -> bytes:
    return bytes(Pubkey.from_string(text))


def mint_bytes(
    *,
    supply: int = 10**15,
    decimals: int = 6,
    minter: str | None = None,
    freezer: str | None = None,
    ready: bool = True,
) -> bytes:
    """The 82 bytes of a mint, as the Solana libraries write them."""
    minter_key = None if minter is None else Pubkey.from_string(minter)
    freezer_key = None if freezer is None else Pubkey.from_string(freezer)
    return bytes(Mint(minter_key, supply, decimals, ready, freezer_key))


def extended(mint: bytes, *extensions: tuple[int, bytes], room: int = 0) -> bytes:
    """A Token-2022 mint with extensions, and room behind them."""
    listed = b"".join(struct.pack("<HH", number, len(one)) + one for number, one in extensions)
    return mint + bytes(165 - len(mint)) + b"\x01" + listed + bytes(room)


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<I", len(raw)) + raw


def own_metadata(mint: str, name: str, symbol: str, *, authority: bytes = NOBODY) -> bytes:
    """The value of a mint's own metadata."""
    more = struct.pack("<I", 1) + text("a key") + text("a value")
    return authority + key(mint) + text(name) + text(symbol) + text("https://x.test/a.json") + more


def metaplex_bytes(
    mint: str, name: str, symbol: str, *, authority: str, creators: int = 1, mutable: bool = True
) -> bytes:
    """An account of Metaplex, filled up with zeros as it does."""
    parts = [b"\x04", key(authority), key(mint)]
    parts += [text(name.encode().ljust(32, b"\0")), text(symbol.encode().ljust(10, b"\0"))]
    parts += [text(b"https://x.test/a.json".ljust(200, b"\0")), b"\0\0"]
    one = key(authority) + b"\x01\x64"
    parts.append(b"\x01" + struct.pack("<I", creators) + one * creators if creators else b"\0")
    parts += [b"\x01", bytes([mutable]), bytes(60)]
    return b"".join(parts)


def metaplex_address(mint: str) -> str:
    seeds = [b"metadata", key(METAPLEX), key(mint)]
    return str(Pubkey.find_program_address(seeds, Pubkey.from_string(METAPLEX))[0])


@dataclass
class MintNode(OddNode):
    """Shows accounts: of each its program and its bytes. `odd` may answer a question instead."""

    accounts: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    slot: int = SLOT
    questions: list[dict[str, Any]] = field(default_factory=list)
    odd: Callable[[str, int], Say | None] = lambda _method, _number: None

    def mints_asked(self) -> list[str]:
        """The mints of all questions, in their order."""
        return [one["params"][0][0] for one in self.questions]

    def answer(self, call: dict[str, Any]) -> Say:
        self.questions.append(call)
        if (said := self.odd(call["method"], call["id"])) is not None:
            body = said.body.replace(b'"id":1', b'"id":%d' % call["id"], 1)
            return Say(body, said.status, said.headers, said.drip, said.endless, said.reset)
        asked, options = call["params"]
        cut = options["dataSlice"]
        value = [self._shown(one, cut["offset"], cut["length"]) for one in asked]
        result = {"context": {"apiVersion": "3.0.0", "slot": self.slot}, "value": value}
        return Say(json.dumps({"jsonrpc": "2.0", "result": result, "id": call["id"]}).encode())

    def _shown(self, asked: str, offset: int, length: int) -> dict[str, Any] | None:
        if asked not in self.accounts:
            return None
        owner, data = self.accounts[asked]
        part = base64.b64encode(data[offset : offset + length]).decode()
        return {
            "data": [part, "base64"],
            "executable": False,
            "lamports": 1_461_600,
            "owner": owner,
            "rentEpoch": 18_446_744_073_709_551_615,
            "space": len(data),
        }


@contextmanager
def mint_node(
    accounts: dict[str, tuple[str, bytes]],
    odd: Callable[[str, int], Say | None] | None = None,
) -> Iterator[MintNode]:
    """The node on a free port."""
    node = MintNode({}, accounts=accounts)
    with serving(node, odd):
        yield node
