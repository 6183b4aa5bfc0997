"""What the page needs of a live alert: the same place and time that a page of alerts gives it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import msgspec

from pw_common.process.clock import now_ms
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from support.apis import running_api
from support.poll import poll_until
from support.records import beat, make_swap, source_health, store, store_batch
from support.services import running_service

ONE = Alert(
    id=f"{1:032}", episode="e", n=0, kind="opened", trigger="t", severity="info",
    slot=1, opened_slot=1, event_time_ms=1, mint="M" * 43, supply_raw=2**60,
)  # fmt: skip


async def test_an_alert_that_comes_live_is_the_one_that_a_page_of_alerts_shows(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        async with client.stream("GET", "/api/v1/alerts/stream") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == ": alerts"
            await store(bus, subjects.alert(ONE.id), encode(ONE), {"Nats-Msg-Id": ONE.id})
            async with asyncio.timeout(20):
                while not (line := await anext(lines)).startswith("data: "):
                    pass
        live = msgspec.json.decode(line.removeprefix("data: "))
        [paged] = (await client.get("/api/v1/alerts")).json()["alerts"]
    assert live == paged
    assert (live["seq"], live["supply_raw"]) == (1, str(2**60))
    assert abs(now_ms() - live["stored_ms"]) < 60_000


async def begins(client: httpx.AsyncClient, last_event_id: str | None) -> list[str]:
    """The lines that a stream begins with, up to the first empty one."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    found: list[str] = []
    async with (
        asyncio.timeout(20),
        client.stream("GET", "/api/v1/alerts/stream", headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            if not line:
                break
            found.append(line)
    return found


async def test_a_stream_says_where_it_begins_so_that_a_browser_can_come_again(
    tmp_path: Path,
) -> None:
    """Without an id a browser whose stream ends before its first alert would start over."""
    async with running_api(tmp_path) as (_, bus, client):
        assert await begins(client, None) == [": alerts", "id: 0"]
        for n in range(1, 4):
            one = msgspec.structs.replace(ONE, id=f"{n:032}", n=n)
            await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})
        assert await begins(client, None) == [": alerts", "id: 3"]
        assert await begins(client, "1") == [": alerts", "id: 1"]
        # Of an earlier run: all of this one is new to whoever saw that.
        assert await begins(client, "700") == [": alerts", "id: 0"]


async def test_the_status_says_since_when_a_stream_is_there(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        streams = (await client.get("/api/v1/status")).json()["streams"]
    [found] = [one["created_ms"] for one in streams if one["stream"] == subjects.STREAM_ALERT]
    assert abs(now_ms() - found) < 60_000


async def test_the_status_says_when_the_last_swap_came_and_an_empty_batch_is_none(
    tmp_path: Path,
) -> None:
    async with (
        running_api(tmp_path) as (broker, bus, client),
        running_service("pw_detector", {"PW_NATS_URL": broker.url}),
    ):

        async def last_swap_ms() -> int | None:
            status = (await client.get("/api/v1/status")).json()
            found: int | None = status["last_swap_ms"]
            return found

        await store_batch(bus, 1)
        assert await last_swap_ms() is None
        before_ms = now_ms()
        await store_batch(bus, 2, make_swap("a"))

        async def came() -> bool:
            return await last_swap_ms() is not None

        await poll_until(came, "a swap in the status")
        first = await last_swap_ms()
        assert first is not None
        assert abs(first - before_ms) < 60_000


async def test_only_a_played_source_is_shown_as_the_demo(tmp_path: Path) -> None:
    async with running_api(tmp_path, PW_API_DEMO="true") as (_, bus, client):

        async def is_demo() -> bool:
            return bool((await client.get("/api/v1/status")).json()["demo"])

        await beat(bus, "ingest", source=source_health())
        await poll_until(lambda: _has_source(client), "a source in the status")
        assert not await is_demo()
        played = msgspec.structs.replace(source_health(), kind="recorded")
        await beat(bus, "ingest", source=played)
        await poll_until(is_demo, "a demo in the status")


async def _has_source(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/api/v1/status")).json()["sources"])
