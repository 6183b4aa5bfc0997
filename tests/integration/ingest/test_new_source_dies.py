"""An ingest that dies before its first checkpoint was due loses nothing in silence."""

from __future__ import annotations

from pathlib import Path

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from support.broker import provisioned
from support.ingesting import checkpoint, gaps_stored, ingest, stop, until_frontier, updates_stored
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source


async def killed_at_its_first_message(broker: LocalBroker, bus: Bus, played: list[bytes]) -> None:
    """Run an ingest on one block, of which no frontier can be known: no checkpoint is ever due."""
    async with (
        running_source(FakeSource(played[:5])) as source,
        ingest(broker, source) as process,
    ):

        async def some() -> bool:
            return bool(await updates_stored(bus))

        await poll_until(some, "the first message")
        assert await checkpoint(bus) is not None
        process.kill()
        await process.wait()


async def test_the_next_one_goes_on_where_a_new_source_began(tmp_path: Path) -> None:
    played = blocks(range(100, 140))
    async with provisioned(tmp_path) as (broker, bus):
        await killed_at_its_first_message(broker, bus, played)
        async with (
            running_source(FakeSource(played)) as source,
            ingest(broker, source) as process,
        ):
            await until_frontier(bus, 138)
            await stop(process)
        assert source.requests[0].from_slot == 100
        assert await gaps_stored(bus) == []
        assert set(await updates_stored(bus)) == set(played)


async def test_what_the_source_no_longer_has_of_its_beginning_is_a_gap(tmp_path: Path) -> None:
    played = blocks(range(100, 140))
    async with provisioned(tmp_path) as (broker, bus):
        await killed_at_its_first_message(broker, bus, played)
        later = FakeSource(blocks(range(150, 170)), first_available=150)
        async with running_source(later) as source, ingest(broker, source) as process:
            await until_frontier(bus, 168)
            await stop(process)
        (gap,) = await gaps_stored(bus)
    assert (gap.first_missing_slot, gap.last_missing_slot) == (100, 149)
