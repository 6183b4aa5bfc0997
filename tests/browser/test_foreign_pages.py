"""No page of another site commands the API: tried in a real browser that is signed in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce, read_token
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.login import cookie_name, login_url
from pw_common.wire.messages import encode
from support.apis import running_api
from support.browsing import Hangs, asking_nothing, browse, elsewhere
from support.records import store

RING_EVERY_S = 0.3
# Ten times what it takes.
FIRST_TRY_S = 180.0
WRITES = ("POST /api/v1/triggers/reset", "PUT /api/v1/channels")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


def wanted(own: str, port: int, login: str, spare: str) -> dict[str, Any]:
    return {
        "own": own,
        "login": login,
        "spare": spare,
        # Another port of this machine is the same site: a strict cookie goes along.
        "foreign": [f"http://127.0.0.1:{port}", f"http://foreign.example:{port}"],
        "rebound": own.replace("127.0.0.1", "attacker.example"),
    }


@asynccontextmanager
async def firing(bus: Bus) -> AsyncIterator[None]:
    """An alert again and again, for whoever listens."""

    async def fire() -> None:
        n = 0
        while True:
            n += 1
            one = Alert(
                id=f"{n:032}", episode="e", n=n, kind="opened", trigger="t", severity="info",
                slot=n, opened_slot=n, event_time_ms=n, mint="M" * 43,
            )  # fmt: skip
            await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})
            await asyncio.sleep(RING_EVERY_S)

    task = asyncio.create_task(fire())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def attacked(cache: Path, asked: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the pages got. A browser that hangs on a busy machine is tried once more."""
    try:
        return await browse(cache, asked(), within_s=FIRST_TRY_S)
    except Hangs as error:
        sys.stderr.write(f"{error}\n")
        return await browse(cache, asked())


async def revisions(client: httpx.AsyncClient) -> list[int]:
    paths = ("triggers", "channels", "watchlists", "mutes")
    return [(await client.get(f"/api/v1/{path}")).json()["revision"] for path in paths]


def assert_kept_out(found: dict[str, Any]) -> None:
    for origin, got in found["foreign"].items():
        assert got["read"] == "failed: TypeError", origin
        assert got["put"] == "failed: TypeError", origin
        assert (got["image"], got["script"], got["events"]) == ("failed",) * 3, origin
        assert got["frame"] == "refused", origin
        # They were sent, and changed nothing: see the revisions.
        assert (got["form"], got["beacon"]) == ("sent", "true"), origin
        # A link in a message leads to the page.
        assert got["link"] == "blind", origin
    rebound = found["rebound"]
    assert (rebound["read"], rebound["put"], rebound["reset"]) == ("421",) * 3
    assert rebound["events"] == "failed"
    assert "PW_API_HOSTS" in rebound["text"]


def assert_own_page_works(found: dict[str, Any], own: str) -> None:
    assert found["address"] == f"{own}/"
    assert found["mode"] == "blind"
    assert (found["own"]["read"], found["own"]["write"], found["own"]["event"]) == (
        200,
        200,
        "object",
    )


async def test_pages_of_other_sites_neither_read_nor_write_beside_a_person_who_is_in(
    tmp_path: Path, cache: Path
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        token, own = read_token(tmp_path / "api-token"), str(client.base_url).rstrip("/")
        with elsewhere() as port:

            def asked() -> dict[str, Any]:
                links = [login_url(own, token, new_nonce(), now_ms()) for _ in range(2)]
                return wanted(own, port, *links)

            async with firing(bus):
                found = await attacked(cache, asked)
        assert await revisions(client) == [0, 0, 0, 0]
    assert found["locked"] == {"mode": "locked", "help": True}
    assert_own_page_works(found, own)
    [cookie] = found["cookies"]
    assert cookie == {
        "name": cookie_name(token), "httpOnly": True, "sameSite": "Strict", "path": "/",
        "domain": "127.0.0.1",
    }  # fmt: skip
    assert found["own"]["cookie"] == ""
    assert_kept_out(found)
    # The link that they tried to open as an image still worked for the person who followed it.
    assert {got["burn"] for got in found["foreign"].values()} == {"failed"}
    assert found["spare"] == "blind"


async def test_nor_do_they_where_no_token_is_asked_for(tmp_path: Path, cache: Path) -> None:
    asks = running_api(tmp_path, PW_API_TOKEN_FILE="", PW_API_NO_TOKEN="true")
    async with asks as (_, bus, client):
        own = str(client.base_url).rstrip("/")
        with elsewhere() as port:
            async with firing(bus):
                found = await attacked(cache, lambda: wanted(own, port, f"{own}/", f"{own}/"))
        assert await revisions(client) == [0, 0, 0, 0]
    assert found["locked"] == {"mode": "blind", "help": False}
    assert_own_page_works(found, own)
    assert_kept_out(found)


async def test_the_same_pages_succeed_at_a_server_that_asks_nothing(cache: Path) -> None:
    """Without this, the others could pass because the attacks do not work."""
    got: list[str] = []
    with asking_nothing(got) as own_port, elsewhere() as port:
        own = f"http://127.0.0.1:{own_port}"
        found = await browse(cache, wanted(own, port, f"{own}/login", f"{own}/login"))
    assert found["rebound"]["read"] == "200"
    assert "a wallet" in found["rebound"]["text"]
    assert (found["rebound"]["put"], found["rebound"]["events"]) == ("200", "opened")
    for origin, theirs in found["foreign"].items():
        assert theirs["plain"] == theirs["empty"] == "opaque", origin
        assert theirs["frame"] == "shown", origin
    # For each of two origins: plain text, nothing, a form, a beacon; and the rebound one.
    assert got.count(WRITES[0]) == 9
    assert got.count(WRITES[1]) == 1
    assert got.count("GET /login") >= 3
