"""A whole system is copied, lost and given back: readers get the same, and it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.topology.streams import MIB
from pw_provision.apply import apply
from support.broker import connected, provisioned, running_broker, small_topology
from support.command import pw
from support.ingesting import ingest, until_checkpoint
from support.market import Made, expected, made, market, write_capture
from support.poll import poll_until
from support.services import running_service
from support.source import FakeSource, running_source, slot_of

SIZES = {"PW_TX_BYTES_MAX": str(256 * MIB), "PW_SWAP_BYTES_MAX": str(256 * MIB)}
# Updates that the source sends every 20 ms while it is under load.
STEP = 15


@pytest.fixture(scope="module")
def updates() -> list[bytes]:
    return market(seed=3, minutes=2, tps=60)


@pytest.fixture(scope="module")
def whole(updates: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("market")
    found = expected(write_capture(folder / "market.pb.zst", updates))
    assert found.alerts >= 4
    return found


@asynccontextmanager
async def fleet(broker: LocalBroker, source: FakeSource) -> AsyncIterator[None]:
    """Everything between the source and the alerts; killed at the end, as a lost machine."""
    async with AsyncExitStack() as stack:
        for module in ("pw_parser", "pw_parser", "pw_detector"):
            await stack.enter_async_context(running_service(module, {"PW_NATS_URL": broker.url}))
        await stack.enter_async_context(ingest(broker, source))
        yield


async def until_folded(bus: Bus) -> None:
    """The queue is empty, and the detector has read everything."""

    async def folded() -> bool:
        parser = await bus.api("CONSUMER.INFO.PW_TX.parser")
        last = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"]
        entry = await bus.kv_get(subjects.BUCKET_DETECTOR, "position")
        if entry is None or parser["num_pending"] + parser["num_ack_pending"]:
            return False
        return bool(msgspec.json.decode(entry[0])["folded_seq"] >= last - 2)

    await poll_until(folded, "everything folded", timeout_s=60)


async def until_made(bus: Bus, wanted: Made) -> None:
    last: list[Made] = []

    async def same() -> bool:
        last.append(await made(bus))
        return last[-1] == wanted

    await poll_until(same, f"{wanted}", timeout_s=60, every_s=0.5)


@pytest.mark.timeout(360)
async def test_a_restored_system_is_the_same_goes_on_and_is_proven(
    updates: list[bytes], whole: Made, tmp_path: Path
) -> None:
    source = FakeSource(updates[: 4 * len(updates) // 5])
    copy = str(tmp_path / "copy")
    async with running_source(source):
        async with provisioned(tmp_path / "a") as (broker, bus):
            async with fleet(broker, source):
                await until_checkpoint(bus, slot_of(source.updates[-1]) - 3)
                await until_folded(bus)
            before = await made(bus)
            taken = await pw("backup", copy, PW_NATS_URL=broker.url)
        assert taken.code == 0, taken
        assert 1 <= before.alerts < whole.alerts
        async with running_broker(tmp_path / "b") as broker, connected(broker) as bus:
            given = await pw("restore", copy, PW_NATS_URL=broker.url, **SIZES)
            assert given.code == 0, given
            assert "made by provision: KV_pw_instances" in given.out
            await apply(bus, small_topology())
            assert await made(bus) == before
            verified = await pw("verify", PW_NATS_URL=broker.url)
            assert verified.code == 0, verified
            source.updates[:] = updates
            async with fleet(broker, source):
                await until_made(bus, whole)
                await until_folded(bus)
            verified = await pw("verify", PW_NATS_URL=broker.url)
            assert verified.code == 0, verified
            assert not (await bus.api("STREAM.INFO.PW_GAP"))["state"]["messages"]


@pytest.mark.timeout(360)
async def test_a_backup_under_load_and_the_sources_memory_lose_and_double_nothing(
    updates: list[bytes], whole: Made, tmp_path: Path
) -> None:
    source = FakeSource(updates[: 4 * STEP])
    copy = str(tmp_path / "copy")

    async def feed() -> None:
        while len(source.updates) < len(updates):
            source.updates.extend(updates[len(source.updates) : len(source.updates) + STEP])
            await asyncio.sleep(0.02)

    async with running_source(source):
        async with provisioned(tmp_path / "a") as (broker, bus), fleet(broker, source):
            feeding = asyncio.create_task(feed())
            await until_checkpoint(bus, slot_of(updates[len(updates) // 8]))
            taken = await pw("backup", copy, PW_NATS_URL=broker.url)
            under_load = not feeding.done()
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
        assert taken.code == 0, taken
        assert under_load
        source.updates[:] = updates
        async with running_broker(tmp_path / "b") as broker, connected(broker) as bus:
            given = await pw("restore", copy, PW_NATS_URL=broker.url, **SIZES)
            assert given.code == 0, given
            await apply(bus, small_topology())
            async with fleet(broker, source):
                await until_made(bus, whole)
            verified = await pw("verify", PW_NATS_URL=broker.url)
    # What ingest sends again may have been answered before: its new sequence is answered too.
    assert verified.code == 0, verified
