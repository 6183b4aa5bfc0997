"""What the broker proves about sequences that nobody answered."""

from __future__ import annotations

from pathlib import Path

from pw_common.jetstream.consuming.sequence_gaps import ASKED_MAX, SequenceGaps
from pw_common.topology import subjects
from pw_common.topology.queue_name import queue_name
from support.broker import provisioned
from support.records import store


async def test_a_gap_of_any_length_below_the_queue_was_never_stored_and_one_within_it_may_have_been(
    tmp_path: Path,
) -> None:
    messages = 3 * ASKED_MAX
    async with provisioned(tmp_path) as (_, bus):
        for number in range(messages):
            await store(bus, subjects.tx("main"), b"x", {"Nats-Msg-Id": f"m{number}"})
        subscription = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        for message in await subscription.fetch(2 * ASKED_MAX):
            await message.ack_sync()
        await subscription.unsubscribe()
        long = range(2, 2 * ASKED_MAX)
        waits = range(2, messages)
        assert len(long) > ASKED_MAX
        assert await SequenceGaps(bus).never_stored_until(long, read_seq=0) == long[-1]
        assert await SequenceGaps(bus).never_stored_until(waits, read_seq=0) == 0
        short = range(2 * ASKED_MAX - 1, 2 * ASKED_MAX + 2)
        assert await SequenceGaps(bus).never_stored_until(short, read_seq=0) == 0


async def test_a_gap_that_a_restored_queue_has_yet_to_give_out_is_not_passed(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        for number in range(3):
            await store(bus, subjects.tx("main"), b"x", {"Nats-Msg-Id": f"m{number}"})
        subscription = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        for message in await subscription.fetch(3):
            await message.ack_sync()
        await subscription.unsubscribe()
        # Answers beyond the copy's end are stored, those before them were on their way.
        beyond = range(4, 6)
        sequence_gaps = SequenceGaps(bus)
        assert await sequence_gaps.never_stored_until(beyond, read_seq=9) == 0
        assert await sequence_gaps.is_to_come(beyond)
        for number in range(3, 6):
            await store(bus, subjects.tx("main"), b"x", {"Nats-Msg-Id": f"m{number}"})
        assert not await sequence_gaps.is_to_come(beyond)


async def test_what_was_asked_of_a_queue_proves_nothing_of_the_one_that_took_its_place(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        for number in range(3):
            await store(bus, subjects.tx("main"), b"x", {"Nats-Msg-Id": f"m{number}"})
        subscription = await bus.js.pull_subscribe_bind(consumer="parser", stream="PW_TX")
        for message in await subscription.fetch(3):
            await message.ack_sync()
        await subscription.unsubscribe()
        queue = queue_name(await bus.api(f"STREAM.INFO.{subjects.STREAM_TX}"))
        missing, sequence_gaps = range(2, 4), SequenceGaps(bus)
        # Asked, and proven by reading on: but meanwhile the queue was restored.
        assert await sequence_gaps.never_stored_until(missing, -1, queue) == 0
        assert sequence_gaps.is_asked(missing, queue)
        restored = f"{queue}+1"
        assert not sequence_gaps.is_asked(missing, restored)
        assert await sequence_gaps.never_stored_until(missing, 9, restored) == 0
        assert await sequence_gaps.never_stored_until(missing, 9, queue) == missing[-1]
