"""Three replicas that are slow or lack a quorum: what means "wait" ends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from nats.errors import Error as NatsError

from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused
from pw_common.process.log import Log
from pw_common.topology import subjects
from pw_common.topology.streams import MIB, declare
from pw_common.wire.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE, MSG_ID
from pw_common.wire.messages import SourceState
from pw_ingest.sink.checkpoint import Checkpoint
from support.asking import asked, leader_of
from support.cluster import Cluster, Node, provisioned_bus, running_cluster
from support.poll import poll_until
from support.records import make_swap, store_batch
from support.services import running_service

THREE = declare(tx_bytes_max=64 * MIB, swap_bytes_max=64 * MIB, replicas=3)
ALERT = subjects.alert("a" * 32)


@asynccontextmanager
async def leading(cluster: Cluster, bus: Bus, stream: str) -> AsyncIterator[tuple[Bus, list[Node]]]:
    """A connection to a stream's leader, and the followers, thawed at the end."""
    name = await leader_of(bus, f"STREAM.INFO.{stream}")
    at_leader = await connect(f"nats://127.0.0.1:{cluster.node(name).port}", "test", Log("test"))
    followers = cluster.others(name)
    try:
        yield at_leader, followers
    finally:
        for node in followers:
            node.thaw()
        await at_leader.close()


def publisher_of(bus: Bus, why: list[str]) -> Publisher:
    return Publisher(bus, Log("test"), ack_timeout_s=0.5, on_retry=why.append)


@pytest.mark.timeout(120)
async def test_slow_followers_make_a_publisher_wait_and_refuse_nothing(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster, provisioned_bus(cluster, THREE) as bus:
        async with leading(cluster, bus, subjects.STREAM_ALERT) as (at_leader, followers):
            whys: list[list[str]] = [[], []]
            first, second = (publisher_of(at_leader, why) for why in whys)
            await first.start()
            await second.start()
            for node in followers:
                node.freeze()
            once = {EXPECTED_LAST_SUBJECT_SEQUENCE: "0"}
            ours = await first.publish(ALERT, b"x", once | {MSG_ID: "first"})
            # A second detector that writes the same alert; its id is its own here, so that
            # only the subject tells that somebody else's is on its way.
            other = await second.publish(ALERT, b"x", once | {MSG_ID: "second"})

            async def met_its_own_copy() -> bool:
                waited = all("in_process" in why for why in whys)
                return waited or ours.done() or other.done()

            await poll_until(met_its_own_copy, "both answered that one is in process")
            for node in followers:
                node.thaw()
            assert (await asyncio.wait_for(ours, 30)).seq == 1
            with pytest.raises(PublishRefused) as refused:
                await asyncio.wait_for(other, 30)
            assert refused.value.err_code == 10071
            await first.stop()
            await second.stop()
        assert (await asked(bus, "STREAM.INFO.PW_ALERT"))["state"]["messages"] == 1


def source_state(slot: int) -> SourceState:
    return SourceState(source="main", epoch=1, checkpoint_slot=slot, frontier_slot=slot)


@pytest.mark.timeout(120)
async def test_slow_followers_make_a_checkpoint_wait_and_are_no_second_ingest(
    tmp_path: Path,
) -> None:
    async with running_cluster(tmp_path) as cluster, provisioned_bus(cluster, THREE) as bus:
        bucket = f"KV_{subjects.BUCKET_SOURCE}"
        async with leading(cluster, bus, bucket) as (at_leader, followers):
            checkpoint = Checkpoint(at_leader, "main")

            async def read() -> bool:
                try:
                    return await checkpoint.load() is None
                except BrokerAway:
                    return False

            async def first() -> bool:
                try:
                    await checkpoint.write(source_state(1))
                except BrokerAway:
                    return False
                return True

            await poll_until(read, "an empty bucket")
            await poll_until(first, "a bucket with a leader")
            for node in followers:
                node.freeze()
            for slot in (2, 3, 4):
                with pytest.raises(BrokerAway):
                    await checkpoint.write(source_state(slot))
            for node in followers:
                node.thaw()

            async def written() -> bool:
                try:
                    await checkpoint.write(source_state(5))
                except BrokerAway:
                    return False
                return checkpoint.written == source_state(5)

            await poll_until(written, "the newest checkpoint written", timeout_s=30)

        async def loaded() -> SourceState | None:
            try:
                return await Checkpoint(bus, "main").load()
            except BrokerAway:
                return None

        assert await poll_until(loaded, "the checkpoint read back") == source_state(5)


async def reader_node(bus: Bus) -> str:
    """The node that holds the detector's ephemeral reader of PW_SWAP."""
    for name in (await asked(bus, "CONSUMER.NAMES.PW_SWAP"))["consumers"] or []:
        if name.startswith("reader-"):
            return await leader_of(bus, f"CONSUMER.INFO.PW_SWAP.{name}")
    return ""


@pytest.mark.timeout(120)
async def test_a_detector_waits_for_a_quorum(tmp_path: Path) -> None:
    async with (
        running_cluster(tmp_path) as cluster,
        provisioned_bus(cluster, THREE) as bus,
        running_service("pw_detector", {"PW_NATS_URL": cluster.url}) as (process, url),
        httpx.AsyncClient(trust_env=False) as client,
    ):

        async def reason() -> str | None:
            """Why it is not ready; None when it is."""
            assert process.poll() is None, "the detector ended"
            answer = (await client.get(f"{url}/readyz")).json()
            return None if answer["ready"] else str(answer["reason"])

        async def ready() -> bool:
            return await reason() is None

        await poll_until(ready, "a ready detector", timeout_s=40)

        async def held() -> str:
            return await reader_node(bus)

        holder = cluster.node(await poll_until(held, "the detector's reader"))
        away = [holder, cluster.others(holder.name)[0]]
        for node in away:
            node.kill()

        async def waits() -> bool:
            return "temporarily unavailable (10008)" in (await reason() or "")

        await poll_until(waits, "the detector says that it waits", timeout_s=40)
        for node in away:
            node.start()
        await poll_until(ready, "a ready detector again", timeout_s=40)

        async def stored() -> bool:
            try:
                return bool(await store_batch(bus, 1, make_swap("5" * 64)))
            except NatsError:
                return False

        await poll_until(stored, "a batch stored", timeout_s=40)

        async def read() -> bool:
            return "pw_detector_swap_seq 1" in (await client.get(f"{url}/metrics")).text

        await poll_until(read, "the batch read", timeout_s=40)
