"""The consume loop's promises, against a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.consuming.worker import (
    Delivery,
    Durable,
    Handle,
    Hooks,
    TooMuchPoison,
    Worker,
    WorkerLimits,
)
from pw_common.jetstream.publishing.outcome import Done, Publish
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log
from pw_common.topology.streams import NS
from pw_common.topology.subjects import SWAP_BATCH, dead_letter
from pw_common.wire.envelope import MSG_ID
from support.broker import connected, provisioned
from support.poll import poll_until

# A bound, not a promise: a machine may be busy.
ENDS_S = 60
LONG_ACK_WAIT_S = 240
LIMITS = WorkerLimits(fetch=8, ack_wait_s=8.0, poison_run_max=5)


async def fill(bus: Bus, count: int) -> None:
    for number in range(count):
        await bus.js.publish("pw.tx.main", str(number).encode(), headers={MSG_ID: f"in:{number}"})


async def state(bus: Bus, stream: str) -> int:
    info = await bus.api(f"STREAM.INFO.{stream}")
    return int(info["state"]["messages"])


async def ack_pending(bus: Bus) -> int:
    return int((await bus.api("CONSUMER.INFO.PW_TX.parser"))["num_ack_pending"])


def output(delivery: Delivery, *, letter: bool = False, poisoned: bool = False) -> Done:
    origin = delivery.headers[MSG_ID]
    return Done(
        outputs=(Publish(SWAP_BATCH, delivery.body, {MSG_ID: f"out:{origin}"}),),
        dead_letters=(Publish(dead_letter("parser"), b"bad", {MSG_ID: f"dead:{origin}"}),)
        if letter
        else (),
        poisoned=poisoned,
    )


async def answer(delivery: Delivery) -> Done:
    return output(delivery)


class Told(Hooks):
    """Passes on what is said of its health."""

    def __init__(self, on_health: Callable[[str], None]) -> None:
        self._told = on_health

    def on_health(self, reason: str) -> None:
        self._told(reason)


@asynccontextmanager
async def worker(
    bus: Bus,
    handle: Handle,
    stop: asyncio.Event,
    on_health: Callable[[str], None] = lambda _reason: None,
) -> AsyncIterator[asyncio.Task[None]]:
    publisher = Publisher(bus, Log("test"), ack_timeout_s=1.0)
    await publisher.start()
    durable = Durable("PW_TX", "parser")
    one = Worker(bus, publisher, handle, durable, LIMITS, Log("test"), Told(on_health))
    task = asyncio.create_task(one.run(stop))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await publisher.stop()


def empty(bus: Bus) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return await state(bus, "PW_TX") == 0

    return probe


async def test_every_input_is_answered_once_and_leaves_the_queue(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await fill(bus, 100)
        stop = asyncio.Event()
        async with worker(bus, answer, stop) as task:
            await poll_until(empty(bus), "an empty queue")
            stop.set()
            await asyncio.wait_for(task, ENDS_S)
        assert await state(bus, "PW_SWAP") == 100


async def test_the_input_stays_until_its_output_is_stored(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await fill(bus, 1)
        begun = asyncio.Event()

        async def never(delivery: Delivery) -> Done:
            begun.set()
            await asyncio.Event().wait()
            return output(delivery)

        async with worker(bus, never, asyncio.Event()):
            await asyncio.wait_for(begun.wait(), ENDS_S)
            assert await state(bus, "PW_SWAP") == 0
        # The worker is gone with the message in hand: it is still there for another.
        assert await state(bus, "PW_TX") == 1
        assert await ack_pending(bus) == 1


async def test_dead_letters_are_stored_before_the_output_that_counts_them(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await fill(bus, 20)

        async def bad(delivery: Delivery) -> Done:
            return output(delivery, letter=True)

        async with worker(bus, bad, asyncio.Event()):
            await poll_until(empty(bus), "an empty queue")
        for seq in range(1, 21):
            letter = await bus.js.get_msg("PW_DLQ", seq)
            swap = await bus.js.get_msg("PW_SWAP", seq)
            assert letter.headers is not None
            assert swap.headers is not None
            assert letter.headers[MSG_ID].removeprefix("dead:") == swap.headers[
                MSG_ID
            ].removeprefix("out:")
            assert letter.time is not None
            assert swap.time is not None
            assert letter.time <= swap.time


async def test_poison_in_a_row_stops_the_service_and_keeps_the_backlog(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await fill(bus, 30)

        async def poison(delivery: Delivery) -> Done:
            return output(delivery, letter=True, poisoned=True)

        async with worker(bus, poison, asyncio.Event()) as task:
            with pytest.raises(TooMuchPoison, match="5 messages in a row"):
                await asyncio.wait_for(task, ENDS_S)
        assert await state(bus, "PW_TX") >= 25


async def test_a_bug_crashes_loudly(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        await fill(bus, 1)

        async def bug(_delivery: Delivery) -> Done:
            raise ZeroDivisionError

        async with worker(bus, bug, asyncio.Event()) as task:
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(task, ENDS_S)
        assert await state(bus, "PW_TX") == 1


async def test_a_stop_hands_back_what_is_not_begun_well_before_ack_wait(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        await fill(bus, 8)
        # So long that only what was handed back can come before it is over.
        info = await bus.api("CONSUMER.INFO.PW_TX.parser")
        config = info["config"] | {"ack_wait": LONG_ACK_WAIT_S * NS}
        body = {"stream_name": "PW_TX", "config": config, "action": "update"}
        await bus.api("CONSUMER.CREATE.PW_TX.parser", body)
        stop = asyncio.Event()

        async def first_only(delivery: Delivery) -> Done:
            stop.set()
            return output(delivery)

        loop = asyncio.get_running_loop()
        async with worker(bus, first_only, stop) as task:
            await asyncio.wait_for(task, ENDS_S)
        assert await state(bus, "PW_SWAP") == 1
        before_s = loop.time()
        async with connected(broker, "other") as other, worker(other, answer, asyncio.Event()):
            await poll_until(empty(bus), "the rest to be answered by another")
        assert loop.time() - before_s < LONG_ACK_WAIT_S / 2
        assert await state(bus, "PW_SWAP") == 8


@pytest.mark.timeout(60)
async def test_a_broker_killed_in_mid_run_doubles_nothing_and_loses_nothing(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        await fill(bus, 400)

        async def some_done() -> bool:
            return 0 < await state(bus, "PW_SWAP") < 400

        async with worker(bus, answer, asyncio.Event()):
            await poll_until(some_done, "work under way", every_s=0.001)
            broker.kill()
            await restart_broker(broker)

            async def all_done() -> bool:
                try:
                    return bus.connected and await state(bus, "PW_TX") == 0
                except BrokerAway:
                    return False  # It is coming back.

            await poll_until(all_done, "an empty queue", timeout_s=ENDS_S)
        assert await state(bus, "PW_SWAP") == 400


async def test_it_is_ready_again_once_it_works_though_messages_come_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        asked, away = bus.api, True

        async def api(subject: str, *more: Any, **named: Any) -> Any:
            if away and subject.startswith("CONSUMER.INFO."):
                raise BrokerAway(f"{subject}: TimeoutError")
            return await asked(subject, *more, **named)

        monkeypatch.setattr(bus, "api", api)
        reasons: list[str] = []

        async def unready() -> bool:
            return bool(reasons) and bool(reasons[-1])

        async def ready() -> bool:
            return not reasons[-1]

        feeding = asyncio.create_task(feed(bus))
        async with worker(bus, answer, asyncio.Event(), reasons.append):
            await poll_until(unready, "a reason")
            away = False
            await poll_until(ready, "no reason any more", timeout_s=20)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def feed(bus: Bus) -> None:
    """Far more often than a worker looks around when it is quiet."""
    for number in range(10_000):
        await bus.js.publish("pw.tx.main", b"x", headers={MSG_ID: f"in:{number}"})
        await asyncio.sleep(0.1)
