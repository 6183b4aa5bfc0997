"""A PW_TX that is deleted and made again at once: its sequences begin again and mean others."""

from __future__ import annotations

from pathlib import Path

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.topology import subjects
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_geyser import geyser_pb2 as pb
from pw_provision.apply import apply
from support.broker import provisioned, small_topology
from support.poll import poll_until
from support.records import store
from support.services import running_service


async def store_tx(bus: Bus, number: int) -> None:
    update = pb.SubscribeUpdate(slot=pb.SubscribeUpdateSlot(slot=number)).SerializeToString()
    headers = tx_headers(TxHeaders(f"tx:{number}", 1, "main", 1, 0))
    await store(bus, subjects.tx("main"), compress(join([update])), headers)


async def answered(bus: Bus, count: int) -> None:
    async def enough() -> bool:
        state = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]
        return int(state["messages"]) == count

    await poll_until(enough, f"{count} messages answered")


async def is_pulled(bus: Bus) -> bool:
    return bool((await bus.api("CONSUMER.INFO.PW_TX.parser"))["num_waiting"])


async def recreate(bus: Bus) -> None:
    await poll_until(lambda: is_pulled(bus), "a parser that waits for work")
    await bus.api("STREAM.DELETE.PW_TX")
    await apply(bus, small_topology())


async def is_of_the_new_queue(bus: Bus, swap_seq: int) -> bool:
    created = (await bus.api("STREAM.INFO.PW_TX"))["created"]
    newest = await get_message(bus, subjects.STREAM_SWAP, swap_seq)
    assert newest is not None
    batch = batch_of(newest.headers, newest.body)
    return (batch.tx_seq, batch.tx_stream_created) == (1, created)


async def test_a_parser_at_work_notices_that_its_queue_was_created_again(tmp_path: Path) -> None:
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_service("pw_parser", {"PW_NATS_URL": broker.url}),
    ):
        await store_tx(bus, 1)
        await answered(bus, 1)
        await recreate(bus)
        await store_tx(bus, 2)
        await answered(bus, 2)
        assert await is_of_the_new_queue(bus, 2)


async def test_so_does_one_that_took_nothing_yet_while_others_did(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await store_tx(bus, 1)
            await answered(bus, 1)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await recreate(bus)
            await store_tx(bus, 2)
            await answered(bus, 2)
            assert await is_of_the_new_queue(bus, 2)
