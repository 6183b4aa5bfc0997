"""An update on which parsers hang: one dead letter, and its neighbours as if it were not there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import get_message
from pw_common.jetstream.consuming.worker import Durable, Worker, WorkerLimits
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.ordering.assembly import HOLD_MAX_MS
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_common.topology import subjects
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import POSITION, REASON, TxHeaders, compress, tx_headers
from pw_common.wire.framing import join
from pw_common.wire.limits import PARSER_ACK_WAIT_S, TX_UPDATES_MAX
from pw_geyser import geyser_pb2 as pb
from pw_parser.isolate import SUSPECT_DELIVERIES, UPDATE_TIMEOUT_S
from pw_parser.shell import Queue, handler
from support.broker import provisioned
from support.poll import poll_until
from support.records import store

HANGS_AT = 7
CRASHING = Path(__file__).parents[3] / "services" / "parser" / "tests" / "crashing_parse.py"
# What a child takes to start where cores are free.
START_S = 1.0


def a_batch_with_a_hanging_update() -> list[bytes]:
    updates = [
        pb.SubscribeUpdate(slot=pb.SubscribeUpdateSlot(slot=slot)).SerializeToString()
        for slot in range(1, TX_UPDATES_MAX + 1)
    ]
    updates[HANGS_AT] = b"hang"
    return updates


async def hang_until_suspect(bus: Bus) -> None:
    """What parsers leave that take the message and never answer."""
    subscription = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
    for _ in range(SUSPECT_DELIVERIES - 1):
        (message,) = await subscription.fetch(1, timeout=5)
        await message.nak()
    await subscription.unsubscribe()


def test_a_hanging_update_is_found_before_the_detector_gives_its_message_up() -> None:
    # As many parsers hang on it, one after the other, before it is suspect.
    waited_s = (SUSPECT_DELIVERIES - 1) * PARSER_ACK_WAIT_S
    assert waited_s + START_S + UPDATE_TIMEOUT_S < HOLD_MAX_MS / 1_000


async def test_the_neighbours_of_a_hanging_update_are_parsed_and_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CRASHING.parent), prepend=":")
    updates = a_batch_with_a_hanging_update()
    async with provisioned(tmp_path) as (_, bus):
        headers = tx_headers(TxHeaders("tx:1", len(updates), "main", 1, 0))
        await store(bus, subjects.tx("main"), compress(join(updates)), headers)
        await hang_until_suspect(bus)
        publisher = Publisher(bus, Log("test"))
        await publisher.start()
        metrics, stop = Metrics("parser", "1"), asyncio.Event()
        working = asyncio.create_task(
            Worker(
                bus,
                publisher,
                handler(Queue(bus), metrics, parse_module=CRASHING.stem),
                Durable(subjects.STREAM_TX, subjects.CONSUMER_PARSER),
                WorkerLimits(fetch=8, ack_wait_s=8.0, poison_run_max=5),
                Log("test"),
            ).run(stop)
        )

        async def answered() -> bool:
            return not (await bus.api("STREAM.INFO.PW_TX"))["state"]["messages"]

        await poll_until(answered, "the message answered", timeout_s=60)
        stop.set()
        await working
        await publisher.stop()
        metrics.close()
        swaps = await get_message(bus, subjects.STREAM_SWAP, 1)
        letter = await get_message(bus, subjects.STREAM_DLQ, 1)
        dead = (await bus.api("STREAM.INFO.PW_DLQ"))["state"]["messages"]
    assert swaps is not None
    assert letter is not None
    counts = batch_of(swaps.headers, swaps.body).counts
    assert (counts.slots, counts.malformed, dead) == (TX_UPDATES_MAX - 1, 1, 1)
    assert letter.headers[POSITION] == str(HANGS_AT)
    assert "no answer" in letter.headers[REASON]
