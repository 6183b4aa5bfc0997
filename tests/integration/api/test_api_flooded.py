"""The API as it is run, held by clients who do nothing: it answers, and lets go of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from pw_api.routes.alert_stream import STREAMS_PER_PEER_MAX
from support.apis import running_api
from support.poll import poll_until

IDLE = 300
ANSWER_S = 1.0


async def test_300_idle_connections_leave_the_status_answering_and_are_ended(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        host, port = client.base_url.host, client.base_url.port
        # Not by the connection that is kept from here.
        await client.get("/livez", headers={"Connection": "close"})
        idle = [await asyncio.open_connection(host, port) for _ in range(IDLE)]
        for _ in range(3):
            found = await client.get("/api/v1/status", timeout=ANSWER_S)
            assert found.status_code == 200, found.text
            await client.get("/readyz", timeout=ANSWER_S)

        ends = (_until_the_end(reader) for reader, _ in idle)
        await asyncio.wait_for(asyncio.gather(*ends), 20)
        text = (await client.get("/metrics")).text
        assert 'pw_api_connections_closed_total{why="head_timeout"}' in text
        for _, writer in idle:
            writer.close()


async def test_one_client_cannot_take_every_stream_of_alerts(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, PW_API_TRUSTED_PROXIES="127.0.0.0/8") as (_, _bus, client),
        asyncio.TaskGroup() as group,
    ):
        opened = [asyncio.Event() for _ in range(STREAMS_PER_PEER_MAX)]
        greedy = [group.create_task(_stream(client, "9.9.9.9", one)) for one in opened]
        await asyncio.wait_for(asyncio.gather(*(one.wait() for one in opened)), 20)
        headers = {"X-Forwarded-For": "9.9.9.9"}
        refused = await client.get("/api/v1/alerts/stream", headers=headers)
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        other = asyncio.Event()
        modest = group.create_task(_stream(client, "8.8.8.8", other))
        await asyncio.wait_for(other.wait(), 20)
        greedy[0].cancel()

        # The place of one that left is free again.
        async def again() -> bool:
            async with client.stream("GET", "/api/v1/alerts/stream", headers=headers) as answer:
                return answer.status_code == 200

        await poll_until(again, "the place of the stream that ended")
        for task in (*greedy, modest):
            task.cancel()


async def _stream(client: httpx.AsyncClient, peer: str, opened: asyncio.Event) -> None:
    headers = {"X-Forwarded-For": f"1.2.3.4, {peer}"}
    async with client.stream("GET", "/api/v1/alerts/stream", headers=headers) as answer:
        assert answer.status_code == 200
        opened.set()
        async for _ in answer.aiter_raw():
            continue


async def _until_the_end(reader: asyncio.StreamReader) -> None:
    try:
        await reader.read()
    except ConnectionError:
        return
