"""A source that claims what cannot be: refused and named, and nothing is measured by it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_INSTANCES, BUCKET_SOURCE
from pw_common.wire.heartbeat import EndpointHealth, Heartbeat, SourceHealth
from pw_common.wire.messages import SourceState, decode_heartbeat, encode
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import DISCONTINUITY, read_update
from support.broker import provisioned
from support.ingesting import (
    checkpoint,
    gaps_stored,
    ingest,
    stop,
    until_frontier,
    updates_stored,
)
from support.lying import (
    LIES,
    SLOT,
    Chain,
    Liar,
    block_now,
    chain_until_now,
    growing,
    transaction_now,
)
from support.poll import poll_until
from support.source import FakeSource, running_source

MEMORY_KB_MAX = 300 * 1024


def live() -> Liar:
    return Liar(chain_until_now(8), tip=SLOT)


async def newest_heartbeat(bus: Bus) -> Heartbeat:
    async def probe() -> Heartbeat | None:
        beats = [decode_heartbeat(one) for one in (await bus.kv_all(BUCKET_INSTANCES)).values()]
        return max(beats, key=lambda beat: beat.started_at_ms, default=None)

    return await poll_until(probe, "a heartbeat of ingest")


async def source_health(bus: Bus) -> SourceHealth:
    async def probe() -> SourceHealth | None:
        return (await newest_heartbeat(bus)).source

    return await poll_until(probe, "a source in the heartbeat")


async def refused_by_reason(bus: Bus) -> dict[str, int]:
    url = (await newest_heartbeat(bus)).http_url
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    found = re.findall(r'pw_ingest_refused_total\{.*?why="(\w+)".*?\} ([\d.]+)', text)
    return {why: int(float(count)) for why, count in found}


async def until_refused(bus: Bus, more_than: int, what: str) -> SourceHealth:
    async def probe() -> SourceHealth | None:
        health = await source_health(bus)
        return health if health.refused > more_than else None

    return await poll_until(probe, f"{what} refused")


async def newest_stored(bus: Bus) -> int:
    return max(read_update(one).identity.slot for one in await updates_stored(bus))


def two(first: FakeSource, second: FakeSource, use: str) -> dict[str, str]:
    return {
        "PW_INGEST_ENDPOINT": f"{first.endpoint},{second.endpoint}",
        "PW_INGEST_ENDPOINTS_USE": use,
    }


async def test_no_lie_of_a_live_source_is_stored_or_measured_by_and_the_chain_goes_on(
    tmp_path: Path,
) -> None:
    source, chain = live(), Chain()
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source) as process,
    ):
        await until_frontier(bus, SLOT - 1)
        for name, lie in LIES.items():
            source.beside += lie(chain.slot)
            chain.grow(source, blocks=3)
            await until_frontier(bus, chain.slot - 1)
            assert process.returncode is None, name
        assert await refused_by_reason(bus) == {
            "slot_absurd": 9, "slot_ahead": 3, "block_time": 4, "created_at": 2, "too_large": 1,
        }  # fmt: skip
        health = await until_refused(bus, 18, "every lie")
        assert source.endpoint in health.refusing
        assert await newest_stored(bus) == chain.slot
        assert await gaps_stored(bus) == []
        state = await checkpoint(bus)
        assert state is not None
        assert state.frontier_slot <= chain.slot
        assert state.clock_slot <= chain.slot
        assert all(slot <= chain.slot for _, slot in state.tx_history)
        assert state.epoch == 1
        peak = Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]
        assert int(peak) < MEMORY_KB_MAX


async def test_a_claim_of_a_wrong_time_of_sending_alone_costs_no_transaction(
    tmp_path: Path,
) -> None:
    source = live()
    claimed = [transaction_now(SLOT, 20 + index, created_s=2**62) for index in range(9)]
    source.updates += claimed
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):
        health = await until_refused(bus, 8, "the claims")
        assert "created_at" in health.refusing
        assert health.lag_ms is None or 0 <= health.lag_ms < 60_000
        source.updates += block_now(SLOT + 1)
        await until_frontier(bus, SLOT)
        assert set(claimed) <= set(await updates_stored(bus))


async def test_a_live_source_cannot_declare_that_its_history_ends(tmp_path: Path) -> None:
    source, chain = live(), Chain()
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):
        for _ in range(3):
            declared = pb.SubscribeUpdate.FromString(transaction_now(chain.slot, 9))
            declared.filters.append(DISCONTINUITY)
            source.beside.append(declared.SerializeToString())
            chain.grow(source)
        await until_frontier(bus, chain.slot - 1)
        assert (await source_health(bus)).epoch == 1


async def test_a_recording_of_any_time_is_taken_at_any_pace_but_no_slot_beyond_any_chain(
    tmp_path: Path,
) -> None:
    source = live()
    source.updates += block_now(SLOT + 1)
    source.updates += LIES["a slot of 2^63"](SLOT)
    source.updates += [one for slot in range(SLOT + 2, SLOT + 2_000) for one in block_now(slot)]
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_INGEST_SOURCE_KIND="recorded"),
    ):
        await until_frontier(bus, SLOT + 1_998)
        health = await until_refused(bus, 2, "the slots")
        assert health.kind == "recorded"
        assert await newest_stored(bus) == SLOT + 1_999


async def test_a_first_word_that_is_a_lie_is_not_what_the_rest_is_measured_by(
    tmp_path: Path,
) -> None:
    source, chain = live(), Chain()
    source.updates[:0] = LIES["a million slots ahead"](SLOT)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):
        chain.grow(source, blocks=3)
        await until_frontier(bus, chain.slot - 1)
        health = await until_refused(bus, 0, "the first word")
        assert "slot 351" in health.refusing
        assert await newest_stored(bus) == chain.slot


async def test_after_a_restart_a_slot_is_measured_by_the_checkpoints_own_time(
    tmp_path: Path,
) -> None:
    source, chain = live(), Chain()
    async with provisioned(tmp_path) as (broker, bus), running_source(source):
        async with ingest(broker, source) as process:
            await until_frontier(bus, SLOT - 1)
            code, err = await stop(process)
            assert code == 0, err
        source.updates += LIES["a million slots ahead"](SLOT)
        chain.grow(source, blocks=5)
        async with ingest(broker, source):
            await until_frontier(bus, chain.slot - 1)
            await until_refused(bus, 2, "every slot of the lie")
        assert await newest_stored(bus) == chain.slot
        assert await gaps_stored(bus) == []


async def test_a_checkpoint_that_cannot_be_true_is_given_up_and_the_source_begins_again(
    tmp_path: Path,
) -> None:
    source, chain = live(), Chain()
    poisoned = SourceState(source="main", epoch=3, checkpoint_slot=2**63 - 2, frontier_slot=2**63)
    async with provisioned(tmp_path) as (broker, bus), running_source(source):
        await bus.kv_put(BUCKET_SOURCE, "main", encode(poisoned), revision=0)
        async with ingest(broker, source):
            chain.grow(source, blocks=3)

            async def another() -> SourceState | None:
                state = await checkpoint(bus)
                return state if state is not None and state.epoch == 4 else None

            state = await poll_until(another, "a checkpoint of another session")
        assert SLOT - 10 < state.frontier_slot <= chain.slot


async def named(bus: Bus, endpoint: str) -> EndpointHealth:
    async def probe() -> EndpointHealth | None:
        health = await source_health(bus)
        return next(
            (
                one
                for one in health.endpoints
                if one.endpoint == endpoint and "left" in one.refusing
            ),
            None,
        )

    return await poll_until(probe, f"{endpoint} left")


async def test_a_liar_in_a_race_is_left_and_named_and_the_other_carries_on(
    tmp_path: Path,
) -> None:
    liar, honest, chain = live(), live(), Chain()
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(liar),
        running_source(honest),
        ingest(broker, honest, **two(liar, honest, "race")),
        growing(chain, liar, honest),
    ):
        await until_frontier(bus, SLOT)
        for _ in range(3):
            liar.updates += LIES["a million slots ahead"](chain.slot)
        found = await named(bus, liar.endpoint)
        assert not found.connected
        assert "slot 351" in found.refusing
        await until_frontier(bus, chain.slot)
        health = await source_health(bus)
        assert next(one for one in health.endpoints if one.endpoint == honest.endpoint).connected
        assert liar.endpoint in health.refusing
        assert await newest_stored(bus) <= chain.slot
        assert await gaps_stored(bus) == []


async def test_a_lying_endpoint_is_left_for_its_standby_without_a_gap(tmp_path: Path) -> None:
    liar, honest, chain = live(), live(), Chain()
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(liar),
        running_source(honest),
        ingest(broker, honest, **two(liar, honest, "standby")),
        growing(chain, liar, honest),
    ):
        await until_frontier(bus, SLOT)
        assert honest.requests == []
        for _ in range(3):
            liar.updates += LIES["a slot near 2^64"](chain.slot)
        found = await named(bus, liar.endpoint)
        assert not found.active
        await until_frontier(bus, chain.slot)
        assert len(honest.requests) == 1
        assert await newest_stored(bus) <= chain.slot
        assert await gaps_stored(bus) == []


async def test_a_liar_without_another_endpoint_is_kept_for_what_is_true(tmp_path: Path) -> None:
    source, chain = live(), Chain()
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):
        for _ in range(10):
            source.updates += LIES["a million slots ahead"](chain.slot)
            chain.grow(source)
        await until_frontier(bus, chain.slot - 1)
        await until_refused(bus, 29, "all of it")
        assert len(source.requests) == 1


async def test_a_source_whose_clock_is_ahead_is_said_and_its_lag_is_never_negative(
    tmp_path: Path,
) -> None:
    source = live()
    for slot in (SLOT + 1, SLOT + 2):
        source.updates += block_now(slot, clock_ahead_s=90)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source),
    ):

        async def probe() -> SourceHealth | None:
            health = await source_health(bus)
            return health if health.clock_ahead_ms else None

        # The block itself comes with the right time: what is said is of the last update.
        source.updates += [transaction_now(SLOT + 2, 8, created_s=_later(90))]
        health = await poll_until(probe, "the clock that is ahead")
        assert 60_000 < health.clock_ahead_ms <= 90_000
        assert health.lag_ms == 0
        assert health.refused == 0


def _later(seconds: int) -> int:
    return int(read_update(transaction_now(SLOT, 0)).created_ns // 10**9) + seconds
