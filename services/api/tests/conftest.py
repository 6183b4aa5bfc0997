"""An API that no broker was ever connected to, and what asks it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from nats.aio.client import Client

from pw_api.app import build_app
from pw_common.jetstream.bus import Bus
from pw_common.process.log import Log
from pw_common.process.version import VERSION
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime


@asynccontextmanager
async def client_of(token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    # A client that never connected: the same as a broker that went away.
    log = Log("test")
    runtime = Runtime(
        service="api",
        instance="api-test",
        bus=Bus(Client(), log),
        log=log,
        metrics=Metrics("api", VERSION),
        stop=asyncio.Event(),
        started_at_ms=0,
    )
    app = build_app(runtime, token)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    runtime.metrics.close()


@pytest.fixture(name="client_of")
def give_client_of() -> Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]:
    return client_of
