"""A part of a stream is read whole and in order, whatever happens to its reader, or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.consuming import ranges
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.jetstream.consuming.pages import newest_first
from pw_common.jetstream.consuming.ranges import read_batches, read_range
from pw_common.topology import subjects
from support.broker import provisioned
from support.records import make_swap, store, store_batch, store_gap

STREAM = subjects.STREAM_GAP


@asynccontextmanager
async def filled(folder: Path, count: int) -> AsyncIterator[Bus]:
    async with provisioned(folder) as (_, bus):
        for number in range(count):
            await store_gap(bus, number, number)
        yield bus


async def seqs(bus: Bus, *bounds: int, **more: Any) -> list[int]:
    return [message.seq async for message in read_range(bus, STREAM, *bounds, **more)]


def lose_consumers(monkeypatch: pytest.MonkeyPatch, bus: Bus, times: int) -> None:
    """Each of the next fetches finds that its consumer is gone."""
    fetch, left = LogReader.fetch, [times]

    async def losing(self: LogReader, count: int, **more: Any) -> list[StoredMessage]:
        await self.open()
        if left[0]:
            left[0] -= 1
            for name in (await bus.api(f"CONSUMER.NAMES.{STREAM}"))["consumers"] or []:
                await bus.api(f"CONSUMER.DELETE.{STREAM}.{name}")
        return await fetch(self, min(count, 3), **more)

    monkeypatch.setattr(LogReader, "fetch", losing)


async def test_a_range_is_between_its_ends_and_without_what_was_deleted(tmp_path: Path) -> None:
    async with filled(tmp_path, 12) as bus:
        for seq in (4, 5, 12):
            await bus.api(f"STREAM.MSG.DELETE.{STREAM}", {"seq": seq})
        assert await seqs(bus) == [1, 2, 3, 6, 7, 8, 9, 10, 11]
        assert await seqs(bus, 3, 7) == [3, 6, 7]
        assert await seqs(bus, 4, 5) == []
        assert await seqs(bus, 11, 99) == [11]
        assert await seqs(bus, 8, 7) == []
        assert await seqs(bus, subject=subjects.gap("main")) == [1, 2, 3, 6, 7, 8, 9, 10, 11]
        assert await seqs(bus, subject=subjects.gap("other")) == []


async def test_a_range_goes_on_where_its_consumer_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filled(tmp_path, 10) as bus:
        lose_consumers(monkeypatch, bus, 3)
        assert await seqs(bus) == list(range(1, 11))


async def test_a_page_is_whole_although_a_consumer_was_lost_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filled(tmp_path, 10) as bus:
        lose_consumers(monkeypatch, bus, 2)
        page = await newest_first(bus, STREAM, limit=6)
    assert [message.seq for message in page.messages] == [10, 9, 8, 7, 6, 5]
    assert page.next_before_seq == 5


async def test_a_broker_that_gives_nothing_is_an_error_and_no_short_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(self: LogReader, _count: int, **_more: Any) -> list[StoredMessage]:
        await self.open()
        return []

    async with filled(tmp_path, 3) as bus:
        monkeypatch.setattr(LogReader, "fetch", nothing)
        monkeypatch.setattr(ranges, "QUIET_MAX", 2)
        with pytest.raises(BrokerAway, match="nothing more after sequence 0"):
            await seqs(bus)


async def test_what_is_no_batch_is_told_apart_from_what_is(tmp_path: Path) -> None:
    bad: list[int] = []
    async with provisioned(tmp_path) as (_, bus):
        await store_batch(bus, 1, make_swap("a"))
        await store(bus, subjects.SWAP_BATCH, b"\xff", {})
        await store_batch(bus, 3, make_swap("c"))

        def on_bad(message: StoredMessage, _error: Exception) -> None:
            bad.append(message.seq)

        found = [
            (message.seq, batch.tx_seq)
            async for message, batch in read_batches(bus, 1, on_bad=on_bad)
        ]
    assert (found, bad) == ([(1, 1), (3, 3)], [2])
