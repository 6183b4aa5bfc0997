"""Endpoints that forbid what is asked for: less is asked for, said loudly, and more again later."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology.subjects import BUCKET_SOURCE
from pw_common.wire.coverage import PROGRAMS, SUCCESSFUL, TOKEN_PROGRAMS
from pw_common.wire.heartbeat import SourceHealth
from pw_common.wire.messages import SourceState, encode
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.subscription.programs import TOKEN_PROGRAM_IDS
from pw_replay.core.limits import NOT_ANY, FilterLimits
from support.broker import provisioned
from support.ingesting import (
    checkpoint,
    gaps_stored,
    heartbeat,
    ingest,
    stop,
    stored,
    until_checkpoint,
    until_frontier,
    updates_stored,
)
from support.poll import poll_until
from support.source import FakeSource, blocks, running_source, slot_of

NOT_ANY_PLAN = FilterLimits(any_allowed=False)
LIST_ONLY_PLAN = FilterLimits(any_allowed=False, token_programs_allowed=False)


def asked(request: pb.SubscribeRequest) -> str:
    """Which of the subscriptions a request is."""
    found = list(request.transactions.values())
    assert found
    if all(not one.account_include for one in found):
        if not found[0].HasField("vote"):
            return "all"
        return "successful" if found[0].HasField("failed") else "all-non-vote"
    ids = sorted(key for one in found for key in one.account_include)
    name = "token-programs" if ids == sorted(TOKEN_PROGRAM_IDS) else "programs"
    return name if found[0].HasField("failed") else f"{name}+failed"


async def health(bus: Bus) -> SourceHealth | None:
    beat = await heartbeat(bus)
    return beat.source if beat else None


async def until_seen(bus: Bus, filter_: str) -> SourceHealth:
    """The source's health once it is connected and sees by this filter."""
    found: list[SourceHealth] = []

    async def probe() -> bool:
        said = await health(bus)
        if said is None or not said.connected or said.filter != filter_:
            return False
        found.append(said)
        return True

    await poll_until(probe, f"a heartbeat with filter {filter_}")
    return found[0]


@pytest.mark.parametrize(
    ("limits", "settings", "expected"),
    [
        (FilterLimits(), {}, ["successful"]),
        (NOT_ANY_PLAN, {}, ["successful", "token-programs"]),
        (LIST_ONLY_PLAN, {}, ["successful", "token-programs", "programs"]),
        (
            LIST_ONLY_PLAN,
            {"PW_INGEST_WITH_FAILED": "true"},
            ["all-non-vote", "token-programs+failed", "programs+failed"],
        ),
    ],
)
async def test_what_a_plan_forbids_is_answered_by_the_next_narrower_filter(
    tmp_path: Path, limits: FilterLimits, settings: dict[str, str], expected: list[str]
) -> None:
    source = FakeSource(blocks(range(100, 110)), limits=limits)
    settings = {"PW_INGEST_PROGRAMS": "successful", **settings}
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, **settings) as process,
    ):
        await until_frontier(bus, 108)
        assert [asked(one) for one in source.requests] == expected
        said = await until_seen(bus, expected[-1])
        assert {headers.filter for headers, _ in await stored(bus)} == {expected[-1]}
        wide = expected[-1] in {"successful", "all-non-vote"}
        assert {one.coverage for one, _ in await stored(bus)} == {"full" if wide else "partial"}
        assert sorted(await updates_stored(bus)) == sorted(source.updates)
        assert await gaps_stored(bus) == []
        _, err = await stop(process)
    assert bool(said.narrowed) == (len(expected) > 1)
    assert err.count("filter_refused") == len(expected) - 1
    if len(expected) > 1:
        assert f"sees only {expected[-1]}, not {expected[0]}" in said.narrowed
        assert "not allowed" in said.narrowed


async def test_a_filter_refused_in_mid_stream_is_narrowed_without_a_gap_and_each_message_says_so(
    tmp_path: Path,
) -> None:
    source = FakeSource(blocks(range(100, 110)))
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_INGEST_PROGRAMS="successful"),
    ):
        await until_checkpoint(bus, 108)
        source.limits = NOT_ANY_PLAN
        source.ended.set()
        await poll_until(lambda: _count(source, 3), "the narrower stream")
        source.ended.clear()
        source.updates.extend(blocks(range(110, 120), parent=109))
        await until_frontier(bus, 118)
        found = await stored(bus)
        assert await gaps_stored(bus) == []
    last = {slot: one.filter for one, updates in found for slot in _slots(updates)}
    assert last[105] == SUCCESSFUL
    assert {last[slot] for slot in range(112, 119)} == {TOKEN_PROGRAMS}
    # No message claims more than the stream that brought it was asked for.
    assert all(one.filter == TOKEN_PROGRAMS for one, _ in found if one.frontier_slot >= 112)


async def _count(source: FakeSource, requests: int) -> bool:
    return len(source.requests) >= requests


def _slots(updates: list[bytes]) -> set[int]:
    return {slot_of(update) for update in updates}


async def test_what_was_refused_is_asked_for_again_while_the_narrower_stream_goes_on(
    tmp_path: Path,
) -> None:
    source = FakeSource(blocks(range(100, 110)), limits=NOT_ANY_PLAN)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_INGEST_PROGRAMS="successful", PW_INGEST_FILTER_RETRY_S="1"),
    ):
        await until_seen(bus, TOKEN_PROGRAMS)
        # Asked beside the open stream, which is not cut for a question that is refused.
        await poll_until(lambda: _count(source, 4), "the question to be asked again")
        assert {asked(one) for one in source.requests[2:]} == {SUCCESSFUL}
        source.updates.extend(blocks(range(110, 115), parent=109))
        await until_frontier(bus, 113)
        source.limits = FilterLimits()
        said = await until_seen(bus, SUCCESSFUL)
        assert said.narrowed == ""
        source.updates.extend(blocks(range(115, 120), parent=114))
        await until_frontier(bus, 118)
        assert await gaps_stored(bus) == []
        found = await stored(bus)
    assert {one.filter for one, updates in found if 118 in _slots(updates)} == {SUCCESSFUL}


async def test_a_standby_that_gives_less_than_was_asked_for_is_a_condition(tmp_path: Path) -> None:
    first = FakeSource(blocks(range(100, 110)))
    second = FakeSource(blocks(range(100, 130)), limits=LIST_ONLY_PLAN)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(second),
    ):
        async with running_source(first):
            endpoints = f"{first.endpoint},{second.endpoint}"
            running = ingest(
                broker, first, PW_INGEST_PROGRAMS="successful", PW_INGEST_ENDPOINT=endpoints
            )
            await running.__aenter__()
            assert (await until_seen(bus, SUCCESSFUL)).narrowed == ""
            await until_checkpoint(bus, 108)
            first.ended.set()
        try:
            said = await until_seen(bus, PROGRAMS)
            assert said.endpoint == second.endpoint
            assert said.narrowed.startswith(f"{second.endpoint} sees only programs, not successful")
            await until_frontier(bus, 128)
            assert await gaps_stored(bus) == []
        finally:
            await running.__aexit__(None, None, None)


async def test_in_a_race_a_message_claims_no_more_than_the_narrowest_open_stream_shows(
    tmp_path: Path,
) -> None:
    first = FakeSource(blocks(range(100, 110)))
    second = FakeSource(blocks(range(100, 110)), limits=NOT_ANY_PLAN)
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(first),
        running_source(second),
        ingest(
            broker,
            first,
            PW_INGEST_PROGRAMS="successful",
            PW_INGEST_ENDPOINT=f"{first.endpoint},{second.endpoint}",
            PW_INGEST_ENDPOINTS_USE="race",
        ),
    ):
        said = await until_seen(bus, TOKEN_PROGRAMS)
        assert said.narrowed.startswith(f"{second.endpoint} sees only token-programs")
        assert [one.filter for one in said.endpoints] == [SUCCESSFUL, TOKEN_PROGRAMS]
        for source in (first, second):
            source.updates.extend(blocks(range(110, 120), parent=109))
        await until_frontier(bus, 118)
        found = await stored(bus)
    assert {one.filter for one, updates in found if 115 in _slots(updates)} == {TOKEN_PROGRAMS}


@pytest.mark.parametrize(
    ("before", "settings", "expected"),
    [
        # A new source, one of a version that knew only the list, and one that began like this.
        (None, {}, "successful"),
        ("", {}, "programs"),
        ("successful", {}, "successful"),
        ("programs", {}, "programs"),
        # What is set holds, whatever was before.
        (None, {"PW_INGEST_PROGRAMS": "programs"}, "programs"),
        ("", {"PW_INGEST_PROGRAMS": "successful"}, "successful"),
    ],
)
async def test_an_upgrade_keeps_what_was_subscribed_and_a_new_source_sees_every_venue(
    tmp_path: Path, before: str | None, settings: dict[str, str], expected: str
) -> None:
    source = FakeSource(blocks(range(100, 110)))
    async with provisioned(tmp_path) as (broker, bus):
        if before is not None:
            state = SourceState(
                source="main", epoch=1, checkpoint_slot=100, frontier_slot=102, programs=before
            )
            await bus.kv_put(BUCKET_SOURCE, "main", encode(state))
        settings = {"PW_INGEST_PROGRAMS": "", **settings}
        async with running_source(source), ingest(broker, source, **settings):
            await until_checkpoint(bus, 108)
        assert asked(source.requests[0]) == expected
        kept = await checkpoint(bus)
        assert kept is not None
        assert kept.programs == ("successful" if before is None else before or "programs")


class _RefusesAnything:
    """As an account that is locked for a moment: three requests, whatever they ask for."""

    left = 3

    def refusal(self, _request: pb.SubscribeRequest) -> str:
        self.left -= 1
        return NOT_ANY if self.left >= 0 else ""


async def test_a_refusal_that_is_not_for_the_filter_is_no_reason_to_see_less(
    tmp_path: Path,
) -> None:
    source = FakeSource(blocks(range(100, 110)), limits=_RefusesAnything())  # type: ignore[arg-type]
    async with (
        provisioned(tmp_path) as (broker, bus),
        running_source(source),
        ingest(broker, source, PW_INGEST_PROGRAMS="successful"),
    ):
        assert (await until_seen(bus, SUCCESSFUL)).narrowed == ""
        expected = [SUCCESSFUL, TOKEN_PROGRAMS, PROGRAMS, SUCCESSFUL]
        assert [asked(one) for one in source.requests] == expected
