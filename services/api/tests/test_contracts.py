"""What every operation promises: shapes in OpenAPI, parameters, HEAD and gzip."""

import asyncio
import gzip
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from pw_api.http.heads import Heads

Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
EVENTS = "text/event-stream"
MINT = "So11111111111111111111111111111111111111112"


async def document(client_of: Clients) -> dict[str, Any]:
    async with client_of() as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


def operations(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    }


async def test_every_operation_says_what_it_answers(client_of: Clients) -> None:
    silent = []
    for name, operation in operations(await document(client_of)).items():
        good = [one for status, one in operation["responses"].items() if status.startswith("2")]
        shapes = [content for one in good for content in one.get("content", {}).items()]
        silent += [] if shapes else [name]
        silent += [name for kind, one in shapes if kind != EVENTS and not one.get("schema")]
    assert silent == []


async def test_every_operation_that_needs_a_type_says_which(client_of: Clients) -> None:
    # A DELETE without a body needs none.
    without = {"DELETE /api/v1/triggers/dry-run/{name}"}
    found = {
        name
        for name, operation in operations(await document(client_of)).items()
        if name.split()[0] != "GET" and "requestBody" not in operation
    }
    assert found == without


async def test_every_shape_that_is_referred_to_is_there(client_of: Clients) -> None:
    found = await document(client_of)
    there = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(references, value))
        if not isinstance(value, dict):
            return set()
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))

    assert references(found) <= there


async def test_operation_ids_are_unique(client_of: Clients) -> None:
    ids = [operation["operationId"] for operation in operations(await document(client_of)).values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("path", "wrong", "why"),
    [
        ("swaps?mnit=x", "query.mnit", "allowed: before, end_ms, first_ms, limit, mint, wallet"),
        ("status?limit=1", "query.limit", "allowed: none"),
        (
            "alerts?rule=busy",
            "query.rule",
            "allowed: before, before_seq, end_ms, first_ms, kind, limit, mint, trigger",
        ),
        ("gaps?limit=1&limit=2", "query.limit", "given twice"),
        ("alerts/stream?after=1", "query.after", "allowed: none"),
        ("tokens?state=COLD", "query.state", "HOT"),
        ("alerts?kind=rung", "query.kind", "opened"),
        ("swaps?before=1", "query.before", "what an earlier answer gave"),
        ("swaps?first_ms=9&end_ms=9", "query.end_ms", "after first_ms"),
        ("alerts?first_ms=9&before_seq=9", "query.before_seq", "PW_ALERT"),
        ("alerts?first_ms=9&end_ms=9", "query.end_ms", "after first_ms"),
        ("alerts?before=x", "query.before", "what an earlier answer gave"),
        ("search?q=", "query.q", "at least 1"),
        ("search", "query.q", "required"),
        ("search?q=" + "a" * 101, "query.q", "at most 100"),
        ("days?before_ms=x", "query.before_ms", "integer"),
        (f"tokens/{MINT}/candles?first_ms=1&end_ms=2&step=2m", "query.step", "1m"),
        (f"tokens/{MINT}/candles?first_ms=1", "query.end_ms", "required"),
        (f"tokens/{MINT}/buyers?before=1.2", "query.before", "what an earlier answer gave"),
        (f"tokens/{MINT}/swaps.csv?limit=1000001", "query.limit", "1000000"),
        (f"wallets/{MINT}?mint=x", "query.mint", "an address in base58, 32 to 44 signs"),
        ("alerts?trigger=%00", "query.trigger", "pattern"),
        (f"wallets/{MINT}/swaps?wallet={MINT}", "query.wallet", "unknown"),
    ],
)
async def test_a_parameter_that_nobody_reads_is_refused(
    client_of: Clients, path: str, wrong: str, why: str
) -> None:
    async with client_of() as client:
        answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert wrong in detail
    assert why in detail
    assert [one["where"] for one in answer.json()["errors"]] == [wrong]


@pytest.mark.parametrize("path", ["/api/v1/swaps", "/api/v1/status", "/openapi.json", "/livez"])
async def test_head_is_get_without_its_body(client_of: Clients, path: str) -> None:
    async with client_of() as client:
        asked, looked = await client.get(path), await client.head(path)
    assert asked.content
    assert looked.content == b""
    assert looked.status_code == asked.status_code
    for name in ("content-type", "content-length", "cache-control"):
        assert looked.headers.get(name) == asked.headers.get(name)


async def test_what_follows_a_head_is_kept_back_and_a_stream_is_ended() -> None:
    sent: list[Any] = []
    ended: list[bool] = []

    async def stream(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["method"] == "GET"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"event", "more_body": True})
                await asyncio.sleep(0)
        finally:
            ended.append(True)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await Heads(stream)({"type": "http", "method": "HEAD"}, receive, send)
    assert ended == [True]
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert (sent[1]["body"], sent[1]["more_body"]) == (b"", False)


async def test_a_long_query_is_not_answered_with_a_longer_list(client_of: Clients) -> None:
    query = "&".join(f"x{n}=1" for n in range(2_000))
    async with client_of() as client:
        answer = await client.get(f"/api/v1/swaps?{query}")
    assert answer.status_code == 422
    assert len(answer.content) < 8_000


async def test_a_long_answer_is_packed_for_who_can_unpack_it(client_of: Clients) -> None:
    async with client_of() as client:
        packed = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
        plain = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
        short = await client.get("/api/v1/swaps", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(gzip.compress(plain.content, 1)) + 1_000
    assert "content-encoding" not in short.headers


async def test_answers_under_way_at_once_are_each_their_own(client_of: Clients) -> None:
    async with client_of() as client:
        answers = await asyncio.gather(
            *(client.head("/openapi.json") if at % 2 else client.get("/livez") for at in range(8))
        )
    assert [len(one.content) > 0 for one in answers] == [True, False] * 4
