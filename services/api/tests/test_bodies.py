"""Bodies of requests that cannot be used: what was wrong, where, and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
JSON = {"Content-Type": "application/json"}
CHANGE = "a JSON object with revision, who, note, "
# Operation -> what it says that it takes.
WANTED = {
    "PUT triggers": f"{CHANGE}rules",
    "PUT watchlists": f"{CHANGE}entries",
    "PUT mutes": f"{CHANGE}entries",
    "PUT channels": f"{CHANGE}entries",
    "PUT programs": f"{CHANGE}entries",
    "PUT programs/acknowledged": f"{CHANGE}entries",
    "POST triggers": f"{CHANGE}entry, replace",
    "POST watchlists": f"{CHANGE}entry, replace",
    "POST mutes": f"{CHANGE}entry, replace",
    "POST channels": f"{CHANGE}entry, replace",
    "POST triggers/reset": "a JSON object with revision, who, note",
    "POST triggers/dry-run": "a list of rules, or `triggers:` with one",
    "POST watchlists/csv": "lines of `address,label`",
}


async def errors_of(client: httpx.AsyncClient, asked: str, body: bytes) -> list[dict[str, str]]:
    method, path = asked.split()
    headers = {"Content-Type": "text/csv"} if path.endswith("csv") else JSON
    answer = await client.request(method, f"/api/v1/{path}", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return list(answer.json()["errors"])


@pytest.mark.parametrize("asked", WANTED)
async def test_an_empty_body_is_no_empty_document_and_says_what_is_taken(
    client_of: Clients, asked: str
) -> None:
    async with client_of() as client:
        # Blank lines are a CSV without entries, as ever.
        for body in (b"",) if asked.endswith("csv") else (b"", b" \r\n"):
            assert await errors_of(client, asked, body) == [
                {"where": "body", "what": f"empty; allowed: {WANTED[asked]}"}
            ]


@pytest.mark.parametrize("body", [b"", b" \n", b"# nothing yet\n"])
@pytest.mark.parametrize("path", ["triggers", "programs"])
async def test_an_empty_file_is_not_valid_and_is_named_as_empty(
    client_of: Clients, path: str, body: bytes
) -> None:
    async with client_of() as client:
        yaml = {"Content-Type": "application/yaml"}
        answer = await client.post(f"/api/v1/{path}/validate", content=body, headers=yaml)
    told = answer.json()
    assert told["valid"] is False
    assert told["errors"][0].startswith("empty; allowed: ")
