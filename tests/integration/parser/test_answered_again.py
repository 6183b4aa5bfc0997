"""What ingest sends again after a restart is answered at its new sequence, once, and empty."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pw_common.dev.local_broker import LocalBroker, restart_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.worker import Delivery
from pw_common.topology.streams import stream_created
from pw_common.topology.subjects import STREAM_SWAP, SWAP_BATCH
from pw_common.wire.envelope import MSG_ID
from pw_common.wire.messages import Batch
from pw_parser.again import empty_answer
from pw_parser.core.batch import parse_message
from pw_parser.shell import answer
from support.asking import back
from support.broker import provisioned
from support.command import pw
from support.ingesting import ingest
from support.market import expected, made, market, write_capture
from support.poll import poll_until
from support.records import store
from support.services import running_service
from support.source import FakeSource, running_source
from support.tables import Queued, answered, queue, queued, stored_batches

AGAIN = 20
RECORDED = {"PW_INGEST_SOURCE_KIND": "recorded"}


async def given(broker: LocalBroker, bus: Bus, updates: list[bytes]) -> list[Queued]:
    """Everything of the source, queued by an ingest."""
    source = FakeSource(updates)
    async with running_source(source), ingest(broker, source, **RECORDED):

        async def whole() -> bool:
            return sum(int(one.headers["Pw-Count"]) for one in await queued(bus)) >= len(updates)

        await poll_until(whole, "everything stored", timeout_s=60)
    return await queued(bus)


async def last_seq(bus: Bus) -> int:
    return int((await bus.api("STREAM.INFO.PW_TX"))["state"]["last_seq"])


def places(batches: list[Batch]) -> Counter[tuple[str, int]]:
    return Counter((one.tx_stream_created, one.tx_seq) for one in batches)


async def test_after_a_broker_restart_what_is_sent_again_is_answered_and_all_is_proven(
    tmp_path: Path,
) -> None:
    updates = market(seed=3, minutes=2, tps=60)
    wanted = expected(write_capture(tmp_path / "market.pb.zst", updates))
    assert wanted.alerts >= 4
    async with provisioned(tmp_path / "broker") as (broker, bus):
        messages = await given(broker, bus, updates)
        end = messages[-AGAIN:]
        fleet = {"PW_NATS_URL": broker.url}
        async with running_service("pw_parser", fleet), running_service("pw_detector", fleet):
            await queue_emptied(bus)
            broker.stop()
            await restart_broker(broker)
            await back(bus)
            # Its Msg-Ids went with the acknowledged messages.
            await queue(bus, end)
            await answered(bus, len(messages) + AGAIN)
            # Something new behind them: the detector waits for none of them.
            assert await last_seq(bus) == len(messages) + AGAIN

            async def same() -> bool:
                return await made(bus) == wanted

            await poll_until(same, f"{wanted}", timeout_s=60, every_s=0.5)
        batches = await stored_batches(bus)
        assert sorted(seq for _, seq in places(batches)) == list(range(1, await last_seq(bus) + 1))
        assert set(places(batches).values()) == {1}
        verified = await pw("verify", PW_NATS_URL=broker.url)
        assert verified.code == 0, verified


async def test_what_another_version_sends_again_by_other_names_is_stored_twice_and_counted_once(
    tmp_path: Path,
) -> None:
    updates = market(seed=3, minutes=1, tps=60)
    wanted = expected(write_capture(tmp_path / "market.pb.zst", updates))
    assert wanted.swaps
    async with provisioned(tmp_path / "broker") as (broker, bus):
        messages = await given(broker, bus, updates)
        fleet = {"PW_NATS_URL": broker.url}
        async with running_service("pw_parser", fleet), running_service("pw_detector", fleet):
            await queue_emptied(bus)
            # After an upgrade ingest sends what follows its checkpoint again, under new ids.
            end = [
                one._replace(headers=one.headers | {MSG_ID: f"{one.headers[MSG_ID]}:new"})
                for one in messages[-AGAIN:]
            ]
            await queue(bus, end)
            await answered(bus, len(messages) + AGAIN)

            async def same() -> bool:
                return await made(bus) == wanted

            await poll_until(same, f"{wanted}", timeout_s=60, every_s=0.5)
        batches = sorted(await stored_batches(bus), key=lambda one: one.tx_seq)
        assert len(batches) == len(messages) + AGAIN
        assert [one.events for one in batches[-AGAIN:]] == [
            one.events for one in batches[-2 * AGAIN : -AGAIN]
        ]
        verified = await pw("verify", PW_NATS_URL=broker.url)
        assert verified.code == 0, verified


async def queue_emptied(bus: Bus) -> None:
    async def empty() -> bool:
        return not (await bus.api("STREAM.INFO.PW_TX"))["state"]["messages"]

    await poll_until(empty, "an empty queue", timeout_s=60)


async def test_a_redelivery_between_storing_and_acknowledging_stores_nothing_more(
    tmp_path: Path,
) -> None:
    updates = market(seed=8, minutes=0.1, tps=40)
    async with provisioned(tmp_path) as (broker, bus):
        messages = await given(broker, bus, updates)
        created = stream_created(await bus.api("STREAM.INFO.PW_TX"))
        for seq, one in enumerate(messages, start=1):
            # What a parser that was killed before it acknowledged has left behind.
            outcome = parse_message(one.headers, one.body, seq, created)
            delivery = Delivery(one.body, one.headers, seq, 1, 0)
            for output in answer(delivery, outcome).outputs:
                await store(bus, output.subject, output.body, output.headers)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await answered(bus, len(messages))
        assert len(await stored_batches(bus)) == len(messages)


async def test_an_answer_whose_acknowledgement_was_lost_is_not_stored_twice(
    tmp_path: Path,
) -> None:
    updates = market(seed=8, minutes=0.1, tps=40)
    async with provisioned(tmp_path) as (broker, bus):
        messages = await given(broker, bus, updates)
        created = stream_created(await bus.api("STREAM.INFO.PW_TX"))
        name = messages[0].headers[MSG_ID]
        batch = empty_answer("another queue", 7, name)
        await store(bus, batch.subject, batch.body, {**batch.headers, MSG_ID: f"swap:{name}"})
        own = empty_answer(created, 1, name)
        await store(bus, own.subject, own.body, own.headers)
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await answered(bus, len(messages) + 1)
        found = places(await stored_batches(bus))
        assert found.pop(("another queue", 7)) == 1
        assert found == Counter({(created, seq): 1 for seq in range(1, len(messages) + 1)})


@pytest.mark.parametrize("held", [True, False])
async def test_where_the_first_answer_cannot_be_read_there_is_one_more_and_no_hole(
    tmp_path: Path, *, held: bool
) -> None:
    updates = market(seed=8, minutes=0.1, tps=40)
    async with provisioned(tmp_path) as (broker, bus):
        messages = await given(broker, bus, updates)
        created = stream_created(await bus.api("STREAM.INFO.PW_TX"))
        name = {MSG_ID: f"swap:{messages[0].headers[MSG_ID]}"}
        seq = await store(bus, SWAP_BATCH, b"not a batch", name)
        if not held:
            await bus.api(f"STREAM.MSG.DELETE.{STREAM_SWAP}", {"seq": seq})
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await answered(bus, len(messages) + held)
        await bus.api(f"STREAM.PURGE.{STREAM_SWAP}", {"seq": seq + 1})
        found = places(await stored_batches(bus))
        assert found == Counter({(created, seq): 1 for seq in range(1, len(messages) + 1)})
