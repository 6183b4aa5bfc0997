"""The API as it is run, beside a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.topology.streams import MIB
from support.broker import provisioned
from support.contract import Contract
from support.services import running_service
from support.tokens import JSON, bearer, token_file

EVENTS = "text/event-stream"


@asynccontextmanager
async def running_api(
    folder: Path, *, tx_bytes_max: int = 64 * MIB, **environ: str
) -> AsyncIterator[tuple[LocalBroker, Bus, httpx.AsyncClient]]:
    """An API that asks for a token, and a client that gives it and sends JSON."""
    path = token_file(folder)
    asks, headers = {"PW_API_TOKEN_FILE": str(path)}, bearer(path) | JSON
    async with (
        provisioned(folder / "broker", tx_bytes_max=tx_bytes_max) as (broker, bus),
        running_service("pw_api", {"PW_NATS_URL": broker.url, **asks, **environ}) as (_, url),
        httpx.AsyncClient(base_url=url, headers=headers, timeout=20, trust_env=False) as client,
    ):
        await hold_to_contract(client)
        yield broker, bus, client


async def hold_to_contract(client: httpx.AsyncClient) -> Contract:
    """From now on answers to this client, and bodies that are taken, must be as OpenAPI says."""
    contract = Contract((await client.get("/openapi.json")).json())

    async def check(answer: httpx.Response) -> None:
        is_stream = answer.headers.get("content-type", "").startswith(EVENTS)
        contract.check(answer, b"" if is_stream else await answer.aread())

    client.event_hooks["response"].append(check)
    return contract
