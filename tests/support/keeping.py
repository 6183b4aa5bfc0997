"""A history as it is run, and the slots of a market that it must have kept."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from pw_cli.offline.offline import batches
from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.ordering.assembly import Assembly
from pw_common.ordering.closed_slot import WITH_POOLS, ClosedSlot
from pw_common.topology import subjects
from pw_common.wire.envelope import CONTENT_ENCODING, MSG_ID, SCHEMA, SCHEMA_BATCH, ZSTD, compress
from pw_common.wire.messages import Batch, Swap, encode
from pw_common.wire.pools import PoolEvent
from support.apis import running_api
from support.market import market, write_capture
from support.poll import poll_until
from support.records import store
from support.services import running_service


class Kept(NamedTuple):
    """An API beside a history that has kept a market."""

    client: httpx.AsyncClient
    bus: Bus
    broker: LocalBroker
    history: subprocess.Popen[bytes]
    # Each different swap once with its time, in the order of the chain.
    swaps: list[tuple[int, Swap]]
    # What venues said of pools, in that order too.
    pools: list[PoolEvent]


@asynccontextmanager
async def running_history(
    broker: LocalBroker, folder: Path
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """`python -m pw_history` with its file in this folder."""
    environ = {"PW_NATS_URL": broker.url, "PW_HISTORY_DIR": str(folder)}
    async with running_service("pw_history", environ) as (process, _):
        yield process


@asynccontextmanager
async def kept_market(
    folder: Path, *, seed: int = 3, minutes: float = 0.6, tps: float = 40
) -> AsyncIterator[Kept]:
    """Everything running, and all of the market that is complete kept."""
    updates = market(seed=seed, minutes=minutes, tps=tps)
    made = list(batches([write_capture(folder / "market.pb.zst", updates)]))
    swaps, pools = in_order(made), pools_in_order(made)
    async with (
        running_api(folder) as (broker, bus, client),
        running_history(broker, folder / "history") as history,
    ):
        for batch in made:
            await publish(bus, batch)
        await poll_until(lambda: keeps(client, len(swaps)), "all swaps kept", timeout_s=120)
        yield Kept(client, bus, broker, history, swaps, pools)


async def keeps(client: httpx.AsyncClient, swaps: int) -> bool:
    """Whether history has come so far."""
    answer = await client.get("/api/v1/swaps?limit=1")
    return answer.status_code == 200 and answer.json()["kept"] == swaps


def in_order(made: list[Batch]) -> list[tuple[int, Swap]]:
    """Each different swap of these batches once, with its time, in the order of the chain."""
    assembly = Assembly(sources=("main",))
    closed: list[ClosedSlot] = [one for batch in made for one in assembly.add(batch)]
    found = {(s.signature, s.ordinal): (one.event_time_ms, s) for one in closed for s in one.swaps}
    return sorted(found.values(), key=lambda one: place(one[1]))


def pools_in_order(made: list[Batch]) -> list[PoolEvent]:
    """What the closed slots of these batches say of pools."""
    assembly = Assembly(sources=("main",), placed=WITH_POOLS)
    return [event for batch in made for one in assembly.add(batch) for event in one.pools]


def place(swap: Swap) -> tuple[int, int, str, int]:
    """Where a swap stands in the chain."""
    return swap.slot, swap.index, swap.signature, swap.ordinal


def price(one: Swap) -> float:
    """Whole quote for one whole token, as history reckons it."""
    assert one.quote_amount_raw is not None
    assert one.quote_decimals is not None
    quote = float(one.quote_amount_raw) / 10.0**one.quote_decimals
    return quote / (float(one.base_amount_raw) / 10.0**one.base_decimals)


async def publish(bus: Bus, batch: Batch) -> None:
    """Store a batch as a parser does."""
    headers = {
        MSG_ID: f"swap:{batch.tx_id or batch.tx_seq}",
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_BATCH,
    }
    await store(bus, subjects.SWAP_BATCH, compress(encode(batch)), headers)


async def paged(
    client: httpx.AsyncClient, path: str, rows: str, cursor: str, parameter: str
) -> tuple[list[Any], int]:
    """The rows of all pages of an operation, and how many pages there were."""
    found: list[Any] = []
    pages, more = 0, ""
    while pages == 0 or more:
        answer = await client.get(f"/api/v1/{path}{more}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert not pages or body[rows], "an empty page"
        found += body[rows]
        pages += 1
        more = "" if body[cursor] is None else f"&{parameter}={body[cursor]}"
    return found, pages
