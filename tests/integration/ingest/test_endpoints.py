"""Several endpoints of one source: one that is slow, wrong or away costs nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from pw_common.wire.heartbeat import EndpointHealth
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import read_update
from support.broker import provisioned
from support.ingesting import gaps_stored, heartbeat, ingest, until_frontier, updates_stored
from support.poll import poll_until
from support.source import FakeSource, block_meta, blocks, running_source


def both(first: FakeSource, second: FakeSource, use: str) -> dict[str, str]:
    return {
        "PW_INGEST_ENDPOINT": f"{first.endpoint},{second.endpoint}",
        "PW_INGEST_ENDPOINTS_USE": use,
    }


def as_seen_elsewhere(updates: list[bytes]) -> list[bytes]:
    """The same updates as another node sends them: other filters, another clock."""
    found = []
    for one in updates:
        update = pb.SubscribeUpdate.FromString(one)
        update.created_at.seconds += 7
        del update.filters[:]
        update.filters.append("elsewhere")
        found.append(update.SerializeToString())
    return found


def identities(updates: list[bytes]) -> Counter[object]:
    return Counter(read_update(one).identity for one in updates)


async def test_the_first_copy_wins_and_a_dead_endpoint_is_not_missed(tmp_path: Path) -> None:
    played = blocks(range(100, 160))
    half = len(played) // 2
    near, far = FakeSource(played[:half]), FakeSource(as_seen_elsewhere(played[: half - 20]))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(far),
        running_source(near),
        ingest(broker, near, **both(near, far, "race")),
    ):
        await until_frontier(bus, 125)
        # The faster one dies; what it had not sent yet comes from the other.
        near.updates.clear()
        far.updates.extend(as_seen_elsewhere(played[half - 20 :]))
        await until_frontier(bus, 158)
        stored = await updates_stored(bus)
        gaps = await gaps_stored(bus)
    # Where both streams began in the middle of slot 100, its block says nothing.
    begun = read_update(block_meta(100, 99)).identity
    found, wanted = identities(stored), identities(played)
    found.pop(begun, None)
    wanted.pop(begun)
    assert found == wanted
    assert gaps == []


async def test_a_source_that_one_endpoint_alone_can_give_does_not_wait_for_the_other(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 130))
    stalled, good = FakeSource(played[:10]), FakeSource(as_seen_elsewhere(played))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(stalled),
        running_source(good),
        ingest(broker, stalled, **both(stalled, good, "race")),
    ):
        await until_frontier(bus, 128)
        assert await gaps_stored(bus) == []


async def test_an_endpoint_on_another_chain_is_said_to_be_wrong_and_left_out(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 130))
    right, wrong = FakeSource(played), FakeSource(blocks(range(900_100, 900_130)))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(right),
        running_source(wrong),
        ingest(broker, right, **both(right, wrong, "race")),
    ):
        await until_frontier(bus, 128)
        wrong.updates.extend(blocks(range(900_130, 900_140)))

        async def told() -> EndpointHealth | None:
            beat = await heartbeat(bus)
            found = beat.source.endpoints if beat is not None and beat.source is not None else ()
            return next((one for one in found if "another chain" in one.detail), None)

        health = await poll_until(told, "the wrong endpoint said so")
        assert health.endpoint == wrong.endpoint
        right.updates.extend(blocks(range(130, 140), parent=129))
        await until_frontier(bus, 138)
        assert {read_update(one).identity.slot for one in (await updates_stored(bus))[-20:]} <= set(
            range(100, 140)
        )


async def test_a_standby_goes_on_where_the_first_endpoint_ended(tmp_path: Path) -> None:
    played = blocks(range(100, 160))
    half = len(played) // 2
    first, second = FakeSource(played[:half]), FakeSource(as_seen_elsewhere(played))
    async with provisioned(tmp_path) as (broker, bus), running_source(second):
        async with running_source(first), ingest(broker, first, **both(first, second, "standby")):
            await until_frontier(bus, 125)
            assert second.requests == []
            first.cut_after = 0
            first.updates.clear()
            # Ends the open stream of the first endpoint.
            first.ended.set()
            await until_frontier(bus, 158)
            stored = identities(await updates_stored(bus))
            gaps = await gaps_stored(bus)
        assert second.requests[0].from_slot > 100
    assert set(stored) == set(identities(played))
    assert gaps == []


async def test_an_endpoint_that_falls_behind_its_standby_is_left(tmp_path: Path) -> None:
    played = blocks(range(100, 300))
    slow, quick = FakeSource(played[:100]), FakeSource(as_seen_elsewhere(played))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(slow),
        running_source(quick),
        ingest(broker, slow, **both(slow, quick, "standby")),
    ):
        await until_frontier(bus, 298)
        assert await gaps_stored(bus) == []
        assert set(identities(await updates_stored(bus))) == set(identities(played))


async def test_a_filter_that_a_server_lost_with_our_ping_is_noticed_and_sent_again(
    tmp_path: Path,
) -> None:
    played = blocks(range(100, 110))
    source = FakeSource(played, resets_filter=True)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):

        async def two_streams() -> bool:
            # The chain goes on all the time.
            parent = len(source.updates)
            last = 109 + (parent - len(played)) // 5
            source.updates.extend(blocks([last + 1], parent=last))
            source.resets_filter = len(source.requests) < 2
            return len(source.requests) >= 2

        await poll_until(two_streams, "another subscription", timeout_s=30, every_s=0.2)
        assert len(source.requests[1].transactions) == len(source.requests[0].transactions) > 0
        tip = max(read_update(one).identity.slot for one in source.updates)
        await until_frontier(bus, tip - 1)
        assert await gaps_stored(bus) == []
        assert set(identities(await updates_stored(bus))) >= set(
            identities([one for one in source.updates if read_update(one).identity.slot < tip])
        )


async def test_one_block_in_two_versions_stops_nothing(tmp_path: Path) -> None:
    played = blocks(range(100, 110))
    other = pb.SubscribeUpdate.FromString(block_meta(105, 103))
    other.block_meta.blockhash = "another"
    source = FakeSource([*played, other.SerializeToString(), *blocks(range(110, 120), parent=109)])
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):
        await until_frontier(bus, 118)
        await asyncio.sleep(0)
        assert await gaps_stored(bus) == []


async def test_a_stream_that_says_nothing_at_all_is_given_up_and_resumed(tmp_path: Path) -> None:
    source = FakeSource(blocks(range(100, 110)))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_INGEST_STALE_S="1"),
    ):
        await until_frontier(bus, 108)

        async def again() -> bool:
            return len(source.requests) >= 2

        # Our own ping is answered after a second; from then on there is silence.
        await poll_until(again, "another subscription", timeout_s=20)
        assert source.requests[1].from_slot == 107
