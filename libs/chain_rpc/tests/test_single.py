"""One transaction by its signature: it is the asked one and can be read back, or it is refused."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import VersionedTransaction

from pw_common.wire.limits import BLOCK_TIME_S_MAX, UPDATE_BYTES_MAX
from pw_geyser import geyser_pb2 as pb
from pw_rpc.core.blocks import BadBlock
from pw_rpc.core.single import Single, read_single
from pw_rpc.history import History
from pw_rpc.node import BadAnswer

PAYER = Keypair.from_seed(bytes(range(32)))
MESSAGE = Message.new_with_blockhash([], PAYER.pubkey(), Hash.default())
SIGNED = VersionedTransaction(MESSAGE, [PAYER])
RAW = bytes(SIGNED)
ASKED = str(SIGNED.signatures[0])
# Behind its signature the message states version 9.
LATER = RAW[:65] + b"\x89" + RAW[65:]
# A version that may keep its signatures anywhere.
ELSEWHERE = b"\x82" + RAW[65:] + RAW[1:65]
BALANCE = {
    "accountIndex": 0,
    "mint": "So11111111111111111111111111111111111111112",
    "owner": "So11111111111111111111111111111111111111112",
    "programId": "So11111111111111111111111111111111111111112",
    "uiTokenAmount": {"amount": "5", "decimals": 9, "uiAmount": 0.5, "uiAmountString": "0.5"},
}
META: dict[str, Any] = {
    "err": None,
    "fee": 5_000,
    "preBalances": [1],
    "postBalances": [1],
    "innerInstructions": [
        {
            "index": 0,
            "instructions": [
                {"programIdIndex": 0, "accounts": [0], "data": "3Bxs", "stackHeight": 2}
            ],
        }
    ],
    "logMessages": ["Program log: x"],
    "preTokenBalances": [BALANCE],
    "postTokenBalances": [BALANCE],
    "loadedAddresses": {"writable": [], "readonly": []},
    "returnData": {
        "programId": "So11111111111111111111111111111111111111112",
        "data": ["AAAA", "base64"],
    },
    "computeUnitsConsumed": 7,
    "costUnits": 8,
}


def answer(raw: bytes = RAW, **changed: Any) -> dict[str, Any]:
    body = [base64.b64encode(raw).decode(), "base64"]
    return {"slot": 9, "blockTime": 1, "transaction": body, "meta": META, **changed}


def single(raw: bytes = RAW, **changed: Any) -> Single:
    return decoded(answer(raw, **changed))


def decoded(found: Any) -> Single:
    return msgspec.json.decode(json.dumps(found).encode(), type=Single)


def signature_of(update: bytes) -> bytes:
    return bytes(pb.SubscribeUpdate.FromString(update).transaction.transaction.signature)


def test_the_asked_transaction_is_read() -> None:
    assert signature_of(read_single(ASKED, single())) == RAW[1:65]


@pytest.mark.parametrize("raw", [LATER, ELSEWHERE], ids=["behind its signatures", "anywhere"])
def test_one_that_is_not_read_is_kept_under_the_asked_signature(raw: bytes) -> None:
    update = read_single(ASKED, single(raw))
    assert signature_of(update) == RAW[1:65]
    assert raw in update


@pytest.mark.parametrize("raw", [b"\x82junk", ELSEWHERE[:-1], b"\x81" + bytes(3) + b"\xff" * 200])
def test_a_blob_without_the_asked_signature_is_no_answer(raw: bytes) -> None:
    with pytest.raises(BadBlock, match="the asked signature does not stand in it"):
        read_single(ASKED, single(raw))


def test_another_transaction_is_refused_whether_it_is_read_or_not() -> None:
    other = str(Keypair.from_seed(bytes(32)).sign_message(b""))
    for raw in (RAW, LATER):
        with pytest.raises(BadBlock, match="another transaction"):
            read_single(other, single(raw))


@pytest.mark.parametrize("raw", [RAW, LATER], ids=["read", "not read"])
def test_an_update_that_no_capture_may_hold_is_refused(raw: bytes) -> None:
    meta = {**META, "logMessages": ["x" * UPDATE_BYTES_MAX]}
    with pytest.raises(BadBlock, match=f"at most {UPDATE_BYTES_MAX}"):
        read_single(ASKED, single(raw, meta=meta))


@pytest.mark.parametrize("time_s", [-1, BLOCK_TIME_S_MAX + 1, 2**63, 2**70, -(2**70)])
async def test_a_time_that_cannot_be_one_is_none_of_a_transaction_and_no_answer_for_a_block(
    time_s: int,
) -> None:
    assert single(blockTime=time_s).block_time is None

    def say(request: httpx.Request) -> httpx.Response:
        reply = {"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "result": time_s}
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(reply).encode()))

    async with httpx.AsyncClient(transport=httpx.MockTransport(say)) as client:
        with pytest.raises(BadAnswer, match=r"the time .* of slot 9 cannot be one"):
            await History("http://node", client).block_time_s(9)


def test_a_time_that_can_be_one_is_kept() -> None:
    assert single(blockTime=BLOCK_TIME_S_MAX).block_time == BLOCK_TIME_S_MAX
    assert single(blockTime=None).block_time is None


# What no field means, and what some field cannot hold.
ODD = [
    None, True, -1, 0, 999, 2**32, 2**63, 2**64, 2**70, 1.5, "", "0OIl", "\ud800", "x" * 200,
    [], [999], [-1], [2**64], [[]], [None], ["0OIl", "base64"], ["AAAA", "base58"], {}, {"x": 1},
    json.loads("[" * 500 + "]" * 500),
]  # fmt: skip


def keys_of(found: Any) -> list[Any]:
    return list(found) if isinstance(found, dict) else list(range(len(found)))


def paths(found: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in keys_of(found) if isinstance(found, dict | list) else ():
        yield (*before, key)
        yield from paths(found[key], (*before, key))


PATHS = list(paths(answer()))


def spoiled(found: Any, path: tuple[Any, ...], value: Any, *, gone: bool) -> None:
    """Puts the value there, unless an earlier change took the place away."""
    holder: Any = None
    for key in path:
        if not isinstance(found, dict | list) or key not in keys_of(found):
            return
        holder, found = found, found[key]
    if gone:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value


def is_refused_or_read(found: Any) -> None:
    try:
        read = decoded(found)
    except msgspec.MsgspecError:
        return
    try:
        update = read_single(ASKED, read)
    except BadBlock:
        return
    assert signature_of(update) == RAW[1:65]


@pytest.mark.parametrize("raw", [RAW, LATER, ELSEWHERE], ids=["read", "later", "elsewhere"])
def test_whatever_one_field_holds_nothing_but_a_refusal_is_raised(raw: bytes) -> None:
    for path in PATHS:
        for value in ODD:
            found = copy.deepcopy(answer(raw))
            spoiled(found, path, value, gone=False)
            is_refused_or_read(found)


@given(
    raw=st.sampled_from([RAW, LATER, ELSEWHERE]),
    changes=st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from(ODD), st.booleans()), max_size=4
    ),
    cut=st.integers(0, len(RAW)),
    flipped=st.integers(0, len(RAW) - 1),
)
def test_whatever_a_node_answers_nothing_but_a_refusal_is_raised(
    raw: bytes, changes: list[tuple[tuple[Any, ...], Any, bool]], cut: int, flipped: int
) -> None:
    body = bytearray(raw)
    body[flipped] ^= 0xFF
    for one in (raw, bytes(body), raw[:cut]):
        found = copy.deepcopy(answer(one))
        for path, value, gone in changes:
            spoiled(found, path, value, gone=gone)
        is_refused_or_read(found)
