"""An endpoint that joins a race ahead of the others: what lies between is late, not lost."""

from __future__ import annotations

from pathlib import Path

from pw_ingest.core.sequencing.identity import read_update
from support.broker import provisioned
from support.ingesting import gaps_stored, ingest, stored, until_frontier, updates_stored
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source


async def test_an_endpoint_that_joins_live_ahead_of_a_slow_one_makes_no_gap(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 150))
    slow, quick = FakeSource(played[: 5 * 10]), FakeSource(played[: 5 * 10], resumes=False)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(slow),
        running_source(quick),
        ingest(
            broker,
            slow,
            PW_INGEST_ENDPOINT=f"{slow.endpoint},{quick.endpoint}",
            PW_INGEST_ENDPOINTS_USE="race",
        ),
    ):
        await until_frontier(bus, 108)

        async def both_speak() -> bool:
            return bool(slow.requests and quick.requests)

        await poll_until(both_speak, "both endpoints")
        # Cut, and without a replay, it comes back at the tip: twelve slots further.
        quick.updates = played[5 * 22 : 5 * 40]
        quick.ended.set()

        async def is_asked_to_resume() -> bool:
            return len(quick.requests) >= 2

        await poll_until(is_asked_to_resume, "another stream")
        quick.ended.clear()

        async def is_ahead() -> bool:
            return played[5 * 40 - 1] in await updates_stored(bus)

        await poll_until(is_ahead, "the tip of the quick one")
        slow.updates.extend(played[5 * 10 :])
        await until_frontier(bus, 148)
        assert await gaps_stored(bus) == []
        claimed = 0
        for headers, updates in await stored(bus):
            late = [one for one in updates if read_update(one).identity.slot <= claimed]
            assert late == []
            claimed = headers.frontier_slot
        assert set(await updates_stored(bus)) == set(played)
