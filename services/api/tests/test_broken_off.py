"""An answer that breaks off is seen to be broken, through everything that answers pass."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.responses import StreamingResponse
from nats.aio.client import Client

from pw_api.app import build_app
from pw_api.http.server import ApiServer
from pw_common.jetstream.bus import Bus
from pw_common.process.log import Log
from pw_common.process.version import VERSION
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime


class Broken(Exception):
    pass


def runtime_of(metrics: Metrics) -> Runtime:
    log = Log("test")
    return Runtime(
        service="api",
        instance="api-test",
        bus=Bus(Client(), log),
        log=log,
        metrics=metrics,
        stop=asyncio.Event(),
        started_at_ms=0,
    )


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_file_that_breaks_off_is_a_broken_transfer(encoding: str) -> None:
    metrics = Metrics("api", VERSION)
    app = build_app(runtime_of(metrics), None)

    async def parts() -> AsyncIterator[bytes]:
        yield bytes(100_000)
        raise Broken

    async def half() -> StreamingResponse:
        return StreamingResponse(parts(), media_type="text/csv")

    app.add_api_route("/api/v1/half", half)
    server = ApiServer(app)
    await server.start("127.0.0.1", 0)
    url = f"http://{server.address}/api/v1/half"
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            await client.get(url, headers={"Accept-Encoding": encoding})
    await server.stop()
    assert 'status="2xx"' in metrics.render().decode()
    metrics.close()


async def test_a_file_is_not_given_where_its_end_could_not_be_told_from_a_break() -> None:
    metrics = Metrics("api", VERSION)
    server = ApiServer(build_app(runtime_of(metrics), None))
    await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.address.split(":"))
    path = f"/api/v1/tokens/{'1' * 32}/swaps.csv"
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {server.address}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await server.stop()
    assert answer.split()[1] == "505", answer
    assert "proxy_http_version 1.1" in answer
    metrics.close()
