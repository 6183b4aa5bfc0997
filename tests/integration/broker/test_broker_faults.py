"""What the broker can do to us, and that no acknowledged message is missing after it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from nats.errors import Error as NatsError

from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.stored import stored_messages
from pw_common.jetstream.publishing.publisher import Publisher, Stored
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.topology import subjects
from pw_common.topology.streams import MIB, Topology, declare
from pw_common.wire.envelope import MSG_ID
from pw_ingest.core.sequencing.identity import read_update
from pw_provision.apply import apply
from support.asking import back, leader_of
from support.broker import connected, provisioned, running_broker, small_topology
from support.cluster import provisioned_bus, running_cluster
from support.ingesting import (
    gaps_stored,
    ingest,
    stop,
    until_frontier,
    updates_stored,
)
from support.poll import poll_until
from support.services import running_service
from support.source import FakeSource, blocks, running_source

BODY = os.urandom(20_000)


@asynccontextmanager
async def publishing(
    bus: Bus,
) -> AsyncIterator[tuple[Publisher, dict[str, asyncio.Future[Stored]]]]:
    """Publishes distinct messages until the end; the futures say which were acknowledged."""
    publisher = Publisher(bus, Log("test"), messages_max=32)
    await publisher.start()
    sent: dict[str, asyncio.Future[Stored]] = {}

    async def load() -> None:
        for number in range(1_000_000):
            name = f"m{number}"
            body = name.encode().ljust(16) + BODY
            sent[name] = await publisher.publish(subjects.tx("main"), body, {MSG_ID: name})
            await asyncio.sleep(0.004)

    loading = asyncio.create_task(load())
    try:
        yield publisher, sent
    finally:
        await end_tasks(loading)
        await publisher.stop()


def acknowledged(sent: dict[str, asyncio.Future[Stored]]) -> set[str]:
    return {name for name, one in sent.items() if one.done() and not one.cancelled()}


async def stored_names(bus: Bus) -> Counter[str]:
    return Counter(
        [
            message.data[:16].decode().strip()
            async for message in stored_messages(bus, subjects.STREAM_TX)
        ]
    )


async def steady_names(bus: Bus) -> Counter[str]:
    """What is stored, from a cluster that may still choose the leader of a reader's consumer."""
    found: Counter[str] = Counter()

    async def read() -> bool:
        nonlocal found
        try:
            found = await stored_names(bus)
        except (NatsError, TimeoutError):
            return False
        return True

    await poll_until(read, "a cluster that gives what it holds", timeout_s=60)
    return found


async def more_acknowledged(sent: dict[str, asyncio.Future[Stored]], by: int) -> None:
    before = len(acknowledged(sent))

    async def grown() -> bool:
        return len(acknowledged(sent)) >= before + by

    await poll_until(grown, f"{by} more messages acknowledged", timeout_s=60)


def without_consumers(replicas: int = 1, max_bytes: int = 64 * MIB) -> Topology:
    """The declaration as logs: a work queue lets nobody look at what it holds."""
    from dataclasses import replace

    declared = declare(tx_bytes_max=64 * MIB, swap_bytes_max=64 * MIB, replicas=replicas)
    streams = tuple(
        replace(one, retention="limits", max_bytes=max_bytes)
        for one in declared.streams
        if one.name == subjects.STREAM_TX
    )
    return replace(declared, streams=streams, consumers=(), buckets=())


@pytest.mark.timeout(360)
async def test_the_leader_of_three_is_killed_under_load_and_nothing_acknowledged_is_missing(
    tmp_path: Path,
) -> None:
    async with (
        running_cluster(tmp_path) as cluster,
        provisioned_bus(cluster, without_consumers(3)) as bus,
    ):
        async with publishing(bus) as (publisher, sent):
            await more_acknowledged(sent, 100)
            for _ in range(2):
                leader = cluster.node(await leader_of(bus, "STREAM.INFO.PW_TX"))
                assert publisher.in_flight >= 0
                leader.kill()
                await more_acknowledged(sent, 100)
                leader.start()

                async def whole() -> bool:
                    try:
                        found = (await bus.api("STREAM.INFO.PW_TX"))["cluster"]
                    except (ApiRefused, BrokerAway):
                        return False
                    peers = found.get("replicas") or []
                    return len(peers) == 2 and all(one.get("current") for one in peers)

                await poll_until(whole, "three current replicas", timeout_s=60)
        wanted = acknowledged(sent)
        found = await steady_names(bus)
    assert len(wanted) >= 300
    assert not wanted - set(found)
    assert max(found.values()) == 1


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False).returncode == 0


def unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.timeout(120)
async def test_a_disk_that_is_full_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small file system of its own needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)):
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        async with running_broker(disk / "broker") as broker:
            async with connected(broker) as bus:
                await apply(bus, without_consumers(max_bytes=-1))
                async with publishing(bus) as (_, sent):
                    before = [-1]

                    async def stuck() -> bool:
                        now = len(acknowledged(sent))
                        same, before[0] = now == before[0], now
                        return same and now > 100

                    await poll_until(stuck, "a full disk", timeout_s=60, every_s=2.0)
                    mount("-o", "remount,size=200m", str(disk))
                    broker.stop()
                    await restart_broker(broker)
                    await more_acknowledged(sent, 50)
                wanted = acknowledged(sent)
            async with connected(broker) as bus:
                found = await stored_names(bus)
        assert not wanted - set(found)
        assert max(found.values()) == 1
    finally:
        unmount(disk)


async def ready(client: httpx.AsyncClient, url: str) -> tuple[bool, str]:
    answer = (await client.get(f"{url}/readyz")).json()
    return answer["ready"], answer["reason"]


async def test_a_consumer_deleted_under_a_parser_is_said_and_work_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}) as (_, url),
        httpx.AsyncClient(trust_env=False) as client,
        running_source(FakeSource(blocks(range(100, 110)))) as source,
    ):

        async def is_ready() -> bool:
            return (await ready(client, url))[0]

        await poll_until(is_ready, "a ready parser")
        await bus.api("CONSUMER.DELETE.PW_TX.parser")

        async def said() -> str:
            now, why = await ready(client, url)
            return "" if now else why

        why = await poll_until(said, "the missing consumer said", timeout_s=30)
        assert "PW_TX/parser" in why
        assert "provision" in why
        async with ingest(broker, source):
            await until_frontier(bus, 108)
            await apply(bus, small_topology())

            async def answered() -> bool:
                return bool((await bus.api("STREAM.INFO.PW_SWAP"))["state"]["messages"] >= 9)

            await poll_until(answered, "the batches", timeout_s=30)
            await poll_until(is_ready, "a ready parser again", timeout_s=30)


async def test_a_consumer_with_other_settings_is_named_by_readiness(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        config = (await bus.api("CONSUMER.INFO.PW_TX.parser"))["config"] | {"max_deliver": 3}
        body = {"stream_name": "PW_TX", "config": config, "action": "update"}
        await bus.api("CONSUMER.CREATE.PW_TX.parser", body)
        async with (
            running_service("pw_parser", {"PW_NATS_URL": broker.url}) as (_, url),
            httpx.AsyncClient(trust_env=False) as client,
        ):

            async def said() -> str:
                now, why = await ready(client, url)
                return why if not now and "max_deliver" in why else ""

            assert "is 3, needed is -1" in await poll_until(said, "the wrong setting said")


@pytest.mark.timeout(120)
async def test_a_queue_restored_from_an_older_copy_is_found_out_and_filled_again(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 200))
    source = FakeSource(played[: 5 * 40])
    folder = tmp_path / "broker"
    stream = folder / "jetstream" / "jetstream" / "$G" / "streams" / "PW_TX"
    async with provisioned(folder) as (broker, bus), running_source(source):
        async with ingest(broker, source) as process:
            await until_frontier(bus, 138)
            await stop(process)
        broker.stop()
        shutil.copytree(stream, tmp_path / "older")
        await restart_broker(broker)
        await back(bus)
        source.updates.extend(played[5 * 40 : 5 * 80])
        async with ingest(broker, source) as process:
            await until_frontier(bus, 178)
            await stop(process)
        broker.stop()
        shutil.rmtree(stream)
        shutil.copytree(tmp_path / "older", stream)
        await restart_broker(broker)
        await back(bus)
        async with ingest(broker, source) as process:
            source.updates.extend(played[5 * 80 :])
            await until_frontier(bus, 198)
            found = Counter(read_update(one).identity for one in await updates_stored(bus))
            gaps = await gaps_stored(bus)
            _, err = await stop(process)
    assert "tx_stream_went_back" in err
    assert set(found) == {read_update(one).identity for one in played}
    assert gaps == []


@pytest.mark.timeout(120)
async def test_acknowledged_messages_that_a_crash_brings_back_do_not_fill_the_queue(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "broker"
    stored = folder / "jetstream" / "jetstream" / "$G" / "streams" / "PW_TX" / "msgs"
    async with provisioned(folder) as (broker, bus):
        source = FakeSource(blocks(range(100, 120)))
        async with running_source(source), ingest(broker, source) as process:
            await until_frontier(bus, 118)
            await stop(process)
        # Deletions that were never written down: the blocks as they were before the acks.
        broker.stop()
        shutil.copytree(stored, tmp_path / "before")
        await restart_broker(broker)
        await back(bus)

        async def empty() -> bool:
            return not (await bus.api("STREAM.INFO.PW_TX"))["state"]["messages"]

        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await poll_until(empty, "an empty queue")
        answered = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]["messages"]
        broker.stop()
        shutil.rmtree(stored)
        shutil.copytree(tmp_path / "before", stored)
        await restart_broker(broker)
        await back(bus)
        info = await bus.api("CONSUMER.INFO.PW_TX.parser")
        assert not await empty()
        assert info["num_pending"] == info["num_ack_pending"] == 0
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await poll_until(empty, "a queue that is empty again", timeout_s=30)
        assert (await bus.api("STREAM.INFO.PW_SWAP"))["state"]["messages"] == answered
