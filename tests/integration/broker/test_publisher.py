"""The publisher's promises, against a real broker that is full, killed or unwilling."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused, Stored
from pw_common.process.log import Log
from pw_common.topology.streams import MIB
from pw_common.topology.subjects import SWAP_BATCH
from pw_common.wire.envelope import EXPECTED_LAST_SUBJECT_SEQUENCE, MSG_ID
from support.broker import provisioned
from support.poll import poll_until

SUBJECT = "pw.tx.main"


async def publisher_of(bus: Bus, messages_max: int = 64) -> Publisher:
    publisher = Publisher(bus, Log("test"), ack_timeout_s=1.0, messages_max=messages_max)
    await publisher.start()
    return publisher


async def publish_all(publisher: Publisher, count: int, body: bytes) -> list[Stored]:
    futures = [
        await publisher.publish(SUBJECT, body, {MSG_ID: f"id:{number}"}) for number in range(count)
    ]
    return list(await asyncio.gather(*futures))


async def messages(bus: Bus, stream: str = "PW_TX") -> int:
    info = await bus.api(f"STREAM.INFO.{stream}")
    return int(info["state"]["messages"])


async def test_everything_published_is_stored_once_within_the_window(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        publisher = await publisher_of(bus, messages_max=8)
        stored = await publish_all(publisher, 300, b"x" * 1_000)
        assert sorted(one.seq for one in stored) == list(range(1, 301))
        assert not any(one.duplicate for one in stored)
        assert 1 <= publisher.in_flight_max <= 8
        assert await messages(bus) == 300
        await publisher.stop()


async def test_a_repeated_id_is_answered_as_a_duplicate_and_not_stored(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        publisher = await publisher_of(bus)
        await publish_all(publisher, 3, b"x")
        again = await publish_all(publisher, 3, b"x")
        assert all(one.duplicate for one in again)
        assert await messages(bus) == 3
        await publisher.stop()


async def test_a_full_stream_is_waited_out_and_then_everything_is_stored(tmp_path: Path) -> None:
    async with provisioned(tmp_path, tx_bytes_max=MIB) as (_, bus):
        publisher = await publisher_of(bus, messages_max=16)
        work = asyncio.create_task(publish_all(publisher, 60, b"x" * 40_000))

        async def is_full() -> bool:
            return publisher.full and publisher.in_flight == 16

        await poll_until(is_full, "a full stream and a full window")
        held = await messages(bus)
        assert held < 60
        assert not work.done()
        subscription = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        bodies = 0
        while bodies < 60:
            for message in await subscription.fetch(16, timeout=5):
                bodies += 1
                await message.ack()
        await subscription.unsubscribe()
        stored = await asyncio.wait_for(work, 30)
        assert sorted(one.seq for one in stored) == list(range(1, 61))
        assert not publisher.full
        assert publisher.in_flight_max <= 16
        await publisher.stop()


async def test_a_broker_killed_in_mid_flight_costs_no_message_and_doubles_none(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        publisher = await publisher_of(bus, messages_max=32)
        work = asyncio.create_task(publish_all(publisher, 3_000, b"x" * 2_000))

        async def under_way() -> bool:
            return publisher.in_flight > 0 and await messages(bus) > 100

        await poll_until(under_way, "publishing under way", every_s=0.001)
        assert not work.done()
        broker.kill()
        assert publisher.in_flight > 0
        await restart_broker(broker)
        stored = await asyncio.wait_for(work, 60)
        assert len({one.seq for one in stored}) == 3_000
        assert await messages(bus) == 3_000
        await publisher.stop()


async def test_what_the_broker_will_never_take_fails_its_future(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        publisher = await publisher_of(bus)
        headers = {EXPECTED_LAST_SUBJECT_SEQUENCE: "0"}
        first = await publisher.publish(SWAP_BATCH, b"x", headers | {MSG_ID: "a"})
        await first
        second = await publisher.publish(SWAP_BATCH, b"x", headers | {MSG_ID: "b"})
        with pytest.raises(PublishRefused) as error:
            await second
        assert error.value.err_code == 10071
        large = await publisher.publish(SUBJECT, b"x" * (2 * MIB), {MSG_ID: "c"})
        with pytest.raises(PublishRefused, match="the broker takes"):
            await large
        assert publisher.in_flight == 0
        await publisher.stop()
