"""Standbys that do not have what the checkpoint asks for: the best that is left, and no waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_SOURCE
from pw_common.wire.messages import SourceState, encode
from support.broker import provisioned
from support.ingesting import gaps_stored, ingest, stored, until_frontier
from support.source import FakeSource, blocks, running_source


@asynccontextmanager
async def stopped_at_100(folder: Path) -> AsyncIterator[tuple[LocalBroker, Bus]]:
    """A broker that has the checkpoint of an ingest which was away since slot 100."""
    async with provisioned(folder) as (broker, bus):
        state = SourceState(source="main", epoch=1, checkpoint_slot=100, frontier_slot=102)
        await bus.kv_put(BUCKET_SOURCE, "main", encode(state))
        yield broker, bus


async def dead() -> FakeSource:
    """An endpoint at whose port nobody listens."""
    source = FakeSource([])
    async with running_source(source):
        pass
    return source


def standby(*endpoints: FakeSource) -> dict[str, str]:
    return {
        "PW_INGEST_ENDPOINT": ",".join(one.endpoint for one in endpoints),
        "PW_INGEST_ENDPOINTS_USE": "standby",
    }


def from_slots(source: FakeSource) -> list[int | None]:
    """What each stream asked for, in order; None for a live one."""
    return [one.from_slot if one.HasField("from_slot") else None for one in source.requests]


async def gaps(bus: Bus) -> list[tuple[int, int, str]]:
    return [
        (gap.first_missing_slot, gap.last_missing_slot, gap.why) for gap in await gaps_stored(bus)
    ]


async def test_a_standby_that_cannot_resume_goes_on_live_with_a_gap_while_the_first_is_dead(
    tmp_path: Path,
) -> None:
    first, second = await dead(), FakeSource(blocks(range(500, 520)), resumes=False)
    async with (
        stopped_at_100(tmp_path) as (broker, bus),
        running_source(second),
        ingest(broker, first, **standby(first, second)),
    ):
        await until_frontier(bus, 518)
        sessions = {headers.epoch for headers, _ in await stored(bus)}
        (gap,) = await gaps(bus)
    assert gap[0] == 101
    assert gap[2] == "from_slot is not supported"
    assert from_slots(second)[-1] is None
    assert sessions == {2}


async def test_a_standby_with_a_short_window_gives_what_it_has_while_the_first_is_dead(
    tmp_path: Path,
) -> None:
    first, second = await dead(), FakeSource(blocks(range(500, 520)), first_available=500)
    async with (
        stopped_at_100(tmp_path) as (broker, bus),
        running_source(second),
        ingest(broker, first, **standby(first, second)),
    ):
        await until_frontier(bus, 518)
        assert await gaps(bus) == [(101, 499, "replay window exceeded")]
    assert from_slots(second)[-1] == 500


async def test_a_standby_that_cannot_resume_goes_on_live_while_the_first_denies_us(
    tmp_path: Path,
) -> None:
    first = FakeSource([], token="another")
    second = FakeSource(blocks(range(500, 520)), resumes=False)
    async with (
        stopped_at_100(tmp_path) as (broker, bus),
        running_source(first),
        running_source(second),
        ingest(broker, first, **standby(first, second)),
    ):
        await until_frontier(bus, 518)
        assert len(await gaps(bus)) == 1


async def test_each_endpoint_is_resumed_at_its_own_first_slot(tmp_path: Path) -> None:
    short = FakeSource(blocks(range(600, 620)), first_available=600)
    long = FakeSource(blocks(range(500, 620)), first_available=500)
    for number, endpoints in enumerate(((short, long), (long, short))):
        for one in endpoints:
            one.requests.clear()
        async with (
            stopped_at_100(tmp_path / str(number)) as (broker, bus),
            running_source(short),
            running_source(long),
            ingest(broker, endpoints[0], **standby(*endpoints)),
        ):
            await until_frontier(bus, 618)
            # Whichever is asked first, the one that keeps more gives it.
            assert await gaps(bus) == [(101, 499, "replay window exceeded")]
        assert from_slots(short) == [101]
        assert from_slots(long) == [101, 500]
