"""Whatever a node answers, a block is read or refused: no other error leaves the conversion."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash

from pw_common.wire.limits import UPDATE_BYTES_MAX
from pw_rpc.core.blocks import BadBlock, Block, _base58, read_block, unread_update

SLOT = 300_000_000
# 65 bytes that state version 9 behind one signature.
UNKNOWN_VERSION = b"\x01" + bytes(range(64)) + b"\x89" + b"rest"
META: dict[str, Any] = {
    "fee": 5_000,
    "preBalances": [],
    "postBalances": [],
    "innerInstructions": [],
    "logMessages": [],
    "preTokenBalances": [],
    "postTokenBalances": [],
    "loadedAddresses": {"writable": [], "readonly": []},
}


def block(*metas: dict[str, Any], wire: bytes = UNKNOWN_VERSION) -> Block:
    text = base64.b64encode(wire).decode()
    found = {
        "parentSlot": SLOT - 1,
        "blockhash": "a",
        "previousBlockhash": "b",
        "transactions": [{"transaction": [text, "base64"], "meta": META | one} for one in metas],
    }
    return msgspec.json.decode(msgspec.json.encode(found), type=Block)


def call(**parts: Any) -> dict[str, Any]:
    one = {"programIdIndex": 1, "accounts": [1], "data": "1"} | parts
    return {"innerInstructions": [{"index": 0, "instructions": [one]}]}


@pytest.mark.parametrize(
    "meta",
    [
        {"fee": 2**64},
        {"preBalances": [2**64]},
        call(accounts=[999]),
        call(data="0OIl"),
        call(programIdIndex=2**40),
        {"loadedAddresses": {"writable": ["no key"], "readonly": []}},
        {"returnData": {"programId": "no key", "data": ["", "base64"]}},
        {"logMessages": ["x" * (UPDATE_BYTES_MAX + 1)]},
    ],
)
def test_what_an_unread_transaction_cannot_have_done_is_refused(meta: dict[str, Any]) -> None:
    [unread] = read_block(SLOT, block(meta)).unread
    with pytest.raises(BadBlock):
        unread_update(SLOT, unread)


def test_what_an_unread_transaction_did_is_kept() -> None:
    [unread] = read_block(SLOT, block(call(data="5Q"))).unread
    assert UNKNOWN_VERSION in unread_update(SLOT, unread)


def market_block() -> tuple[int, dict[str, Any]]:
    from pw_replay.market import generate
    from support.rpc_node import blocks_of

    blocks = blocks_of(list(generate(seed=5, minutes=0.05, tps=30)))
    return next((slot, one) for slot, one in blocks.items() if one["transactions"])


def of_json(found: dict[str, Any]) -> Block:
    return msgspec.json.decode(msgspec.json.encode(found), type=Block)


def test_an_update_that_no_reader_would_take_is_refused() -> None:
    slot, found = market_block()
    found["transactions"][0]["meta"]["logMessages"] = ["x" * (UPDATE_BYTES_MAX + 1)]
    with pytest.raises(BadBlock, match="an update of"):
        read_block(slot, of_json(found))


def test_a_transaction_that_a_block_holds_twice_is_refused() -> None:
    slot, found = market_block()
    assert read_block(slot, of_json(found)).updates
    found["transactions"].append(found["transactions"][0])
    with pytest.raises(BadBlock, match="is there twice"):
        read_block(slot, of_json(found))


@given(st.binary(min_size=32, max_size=32))
def test_base58_is_what_others_read_it_as(key: bytes) -> None:
    assert _base58(str(Hash.from_bytes(key))) == key


@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=60))
def test_base58_of_any_length_is_its_number(text: str) -> None:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for character in text:
        number = number * 58 + alphabet.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    assert len(_base58(text).lstrip(b"\0")) == (number.bit_length() + 7) // 8
    assert int.from_bytes(_base58(text), "big") == number
    assert _base58(text)[:zeros] == bytes(zeros)
