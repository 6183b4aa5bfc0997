"""A node asked for a mint's accounts: one try, whatever it answers, and never a long wait."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pw_common.process.clock import monotonic_s
from pw_rpc.accounts import AccountsNode
from pw_rpc.client import node_client
from pw_rpc.core.mint_facts import ACCOUNT_BYTES_MAX, facts_of
from pw_rpc.node import BadAnswer, Denied, Limited, NodeFailed, NotHad
from pw_rpc.pace import Pace
from support.mints import (
    METAPLEX,
    SLOT,
    SPL_TOKEN,
    TOKEN_2022,
    MintNode,
    address,
    extended,
    key,
    metaplex_address,
    metaplex_bytes,
    mint_bytes,
    mint_node,
)
from support.odd_node import Say, error, result

MINT, ME = address(9), address(7)
ACCOUNTS = {
    MINT: (SPL_TOKEN, mint_bytes(minter=ME)),
    metaplex_address(MINT): (METAPLEX, metaplex_bytes(MINT, "Old", "OLD", authority=ME)),
}
OK = {"context": {"slot": 1}, "value": [None, None]}


@asynccontextmanager
async def asking(
    node: MintNode, *, per_s: float = 1_000.0, deadline_s: float = 5.0
) -> AsyncIterator[tuple[AccountsNode, Pace]]:
    pace = Pace(per_s)
    async with node_client(node.url, {}) as client:
        yield AccountsNode(node.url, client, pace, deadline_s=deadline_s), pace


async def test_a_mint_and_what_stands_beside_it_come_in_one_answer() -> None:
    with mint_node(ACCOUNTS) as node:
        async with asking(node) as (rpc, _):
            found = facts_of(MINT, await rpc.accounts(MINT), asked_ms=1, host="n")
            absent = facts_of(ME, await rpc.accounts(ME), asked_ms=1, host="n")
        assert (found.kind, found.mint_authority, found.name) == ("spl_token", ME, "Old")
        assert (found.slot, absent.kind) == (SLOT, "absent")
        assert [one["method"] for one in node.questions] == ["getMultipleAccounts"] * 2


async def test_of_a_very_long_account_only_the_beginning_is_asked_for() -> None:
    whole = extended(mint_bytes(), (12, key(ME)), (99, b"x" * 60_000), (99, b"x" * 60_000))
    with mint_node({MINT: (TOKEN_2022, whole)}) as node:
        async with asking(node) as (rpc, _):
            found = facts_of(MINT, await rpc.accounts(MINT), asked_ms=1, host="n")
        assert node.questions[0]["params"][1]["dataSlice"]["length"] == ACCOUNT_BYTES_MAX
    assert ([one.name for one in found.extensions], found.extensions_cut) == (
        ["permanent_delegate"],
        True,
    )


GZIP = gzip.compress(json.dumps({"jsonrpc": "2.0", "id": 1, "result": OK}).encode())


@pytest.mark.parametrize(
    ("said", "kind", "why"),
    [
        (error(429, "slow down", status=429, Retry_After="30"), Limited, "HTTP 429"),
        (error(-32429, "rate limit"), Limited, "rate limit"),
        (Say(b"busy", 503), NodeFailed, "HTTP 503"),
        (Say(b"oops", 500), NodeFailed, "HTTP 500"),
        (Say(b"", 403), Denied, "HTTP 403"),
        (Say(b"", 302, {"Location": "http://127.0.0.1:1/"}), NodeFailed, "redirect"),
        (Say(b"not found", 404), NodeFailed, "HTTP 404"),
        (Say(reset=True), NodeFailed, "RemoteProtocolError"),
        (Say(b'{"jsonrpc":"2.0","id":1,"resu'), BadAnswer, "no JSON-RPC answer"),
        (Say(b"<html>"), BadAnswer, "no JSON-RPC answer"),
        (Say(b"\xff" * 99), BadAnswer, "no JSON-RPC answer"),
        (Say(b"[" * 50_000), BadAnswer, "no JSON-RPC answer"),
        (Say(b'{"jsonrpc":"2.0","id":7,"result":{}}'), BadAnswer, "another request"),
        (Say(GZIP, 200, {"Content-Encoding": "gzip"}), BadAnswer, "encoding gzip"),
        (Say(b"x" * 9_000, endless=True), BadAnswer, "over 64 KiB"),
        (error(-32602, "Invalid param: \x1b[31mWrongSize"), NotHad, r"param: \?\[31mWrongSize"),
        (result(None), NotHad, "null"),
        (result([]), BadAnswer, "Expected `object`"),
        (result(OK | {"value": [None] * 3}), BadAnswer, "length <= 2"),
        (result(OK | {"context": {"slot": -1}}), BadAnswer, ">= 0"),
        (result(OK | {"value": [{"owner": "o", "data": "AA=="}, None]}), BadAnswer, "array"),
    ],
)
async def test_an_odd_answer_is_one_error_after_one_try(
    said: Say, kind: type[Exception], why: str
) -> None:
    with mint_node(ACCOUNTS, lambda _method, _number: said) as node:
        async with asking(node) as (rpc, _):
            with pytest.raises(kind, match=why):
                await rpc.accounts(MINT)
        assert len(node.questions) == 1


async def test_an_answer_that_trickles_in_ends_at_the_deadline() -> None:
    with mint_node(ACCOUNTS, lambda *_: Say(b" " * 60_000, drip=True)) as node:
        async with asking(node, deadline_s=0.5) as (rpc, _):
            began_s = monotonic_s()
            with pytest.raises(NodeFailed, match=r"no whole answer in 0\.5 s"):
                await rpc.accounts(MINT)
            assert monotonic_s() - began_s < 5


async def test_a_node_that_is_not_there_is_an_error_at_once() -> None:
    with mint_node(ACCOUNTS) as node:
        pass
    async with asking(node) as (rpc, _):
        with pytest.raises(NodeFailed, match="ConnectError"):
            await rpc.accounts(MINT)


async def test_what_a_node_asks_for_as_a_pause_holds_back_every_question() -> None:
    said = error(429, "slow down", status=429, Retry_After="30")
    with mint_node(ACCOUNTS, lambda *_: said) as node:
        async with asking(node) as (rpc, pace):
            assert pace.wait_s() == 0
            with pytest.raises(Limited):
                await rpc.accounts(MINT)
            assert 25 < pace.wait_s() <= 30
