"""History at a real broker: what it answers is a plain recount of PW_SWAP, whatever dies when."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import EndedEarly, ask_for_parts
from pw_common.jetstream.requests import Unanswered
from pw_common.process.clock import monotonic_s
from pw_common.topology import subjects
from pw_common.topology.streams import METADATA_CREATED, stream_created
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.history import (
    SOL_MINT,
    AlertsAsked,
    BuyersAsked,
    CandlesAsked,
    DaysAsked,
    ExportAsked,
    SearchAsked,
    SwapsAsked,
)
from pw_history.shell.answers import PART_S
from pw_provision.apply import apply
from support.asked import asked, kept_up_to
from support.broker import provisioned, small_topology
from support.kept_market import Market, all_swaps, publish, settings, wanted
from support.poll import poll_until
from support.records import store, store_gap
from support.services import running_service

LAST = SwapsAsked(limit=1)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("market"))


async def test_what_is_asked_is_what_the_stream_holds(tmp_path: Path, market: Market) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)),
    ):
        for batch in market.batches:
            await publish(bus, batch)
        head = await kept_up_to(bus, market.slots[-1].slot, LAST)
        assert head.event_time_ms == market.slots[-1].event_time_ms
        assert head.holes == ()
        assert await all_swaps(bus) == wanted(market)
        mint, _ = Counter(swap.mint for _, swap in market.swaps).most_common(1)[0]
        of_mint = [(at_ms, swap) for at_ms, swap in market.swaps if swap.mint == mint]
        _, candles = await asked(bus, CandlesAsked(mint=mint, first_ms=0, end_ms=2**53))
        assert sum(int(str(one["trades"])) for one in candles) == len(
            [swap for _, swap in of_mint if swap.quote_amount_raw]
        )
        _, buyers = await asked(bus, BuyersAsked(mint=mint, limit=10_000))
        assert {one["trader"] for one in buyers} == {
            swap.trader for _, swap in of_mint if swap.side == "buy" and swap.quote_mint == SOL_MINT
        }
        _, found = await asked(bus, SearchAsked(text=mint[:12]))
        assert mint in {one["address"] for one in found} or not any(
            token.mint == mint for one in market.slots for token in one.tokens
        )
        _, days = await asked(bus, DaysAsked())
        assert sum(int(str(one["swaps"])) for one in days) == len(market.swaps)


async def test_killed_again_and_again_it_stores_each_swap_once(
    tmp_path: Path, market: Market
) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):
        step = len(market.batches) // 4
        for at in range(0, len(market.batches), step):
            part = market.batches[at : at + step]
            async with running_service("pw_history", settings(broker.url, tmp_path)) as (
                history,
                _,
            ):
                for batch in part:
                    await publish(bus, batch)
                if at + step < len(market.batches):
                    # Somewhere on the way: what was stored then differs from run to run.
                    await kept_up_to(bus, 1, LAST)
                    history.kill()
                    continue
                await kept_up_to(bus, market.slots[-1].slot, LAST)
                assert await all_swaps(bus) == wanted(market)


async def test_each_answer_that_lacks_what_is_stored_says_that_it_is_behind(
    tmp_path: Path, market: Market
) -> None:
    third = len(market.batches) // 3
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            for batch in market.batches[:third]:
                await publish(bus, batch)
            await kept_up_to(bus, 1, LAST)
        for batch in market.batches[third:]:
            await publish(bus, batch)
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            heads = [await kept_up_to(bus, 1, LAST)]
            while heads[-1].slot < market.slots[-1].slot or heads[-1].behind_s:
                heads.append((await asked(bus, LAST))[0])
            assert heads[0].behind_s
            assert all(one.behind_s for one in heads if one.slot < market.slots[-1].slot)


async def test_a_stream_that_was_trimmed_before_it_was_read_leaves_a_hole_that_is_shown(
    tmp_path: Path, market: Market
) -> None:
    third = len(market.batches) // 3
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            for batch in market.batches[:third]:
                await publish(bus, batch)
            first = await kept_up_to(bus, 1, LAST)
        for batch in market.batches[third:]:
            await publish(bus, batch)
        await bus.api("STREAM.PURGE.PW_SWAP", {"seq": 2 * third})
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            last = market.slots[-1]
            await kept_up_to(bus, last.slot, LAST)
            mint = market.swaps[0][1].mint
            head, _ = await asked(bus, CandlesAsked(mint=mint, first_ms=0, end_ms=2**53))
            [hole] = head.holes
            assert hole.why == "trimmed"
            assert hole.first_slot is not None
            assert hole.first_slot >= first.slot
            assert hole.last_ms is not None
            later = CandlesAsked(mint=mint, first_ms=hole.last_ms + 1, end_ms=2**53)
            head, _ = await asked(bus, later)
            assert head.holes == ()


async def test_a_stream_that_is_made_again_while_it_is_read_leaves_a_hole_and_begins_a_session(
    tmp_path: Path, market: Market
) -> None:
    third = len(market.batches) // 3
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            for batch in market.batches[:third]:
                await publish(bus, batch)
            await kept_up_to(bus, 1, LAST)
            await bus.api("STREAM.DELETE.PW_SWAP")
            await apply(bus, small_topology())
            # PW_TX was made again as well.
            for tx_seq, batch in enumerate(market.batches[2 * third :], start=1):
                again = replace(batch, tx_seq=tx_seq, tx_stream_created="2026-11-27T07:00:00Z")
                await publish(bus, again)
            await kept_up_to(bus, market.slots[-1].slot, LAST)
        # Soon after: what is read again begins in the session that it began in.
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            head = await kept_up_to(bus, market.slots[-1].slot, LAST)
            assert [hole.why for hole in head.holes] == ["stream made again"]
            _, rows = await asked(bus, SwapsAsked(limit=10_000))
            assert {row["session"] for row in rows} == {1, 2}


async def alert_ids(bus: Bus) -> set[str] | None:
    """The alerts that are kept; None while history does not answer."""
    try:
        _, rows = await asked(bus, AlertsAsked())
    except (Unanswered, EndedEarly):
        return None
    return {str(dict(row["alert"])["id"]) for row in rows}  # type: ignore[call-overload]


async def fire(bus: Bus, name: str, slot: int = 1) -> None:
    body = {
        "type": "alert.v1", "id": name, "episode": "e", "n": 0, "kind": "opened", "trigger": "t",
        "severity": "info", "slot": slot, "opened_slot": slot, "event_time_ms": slot, "mint": "m",
    }  # fmt: skip
    await store(bus, subjects.alert(name), msgspec.json.encode(body), {})


async def test_alerts_that_left_their_stream_before_they_were_read_are_a_hole_that_is_shown(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):
        first, second, third = range(1, 4), range(4, 7), range(7, 9)

        async def kept(*numbers: int) -> bool:
            return await alert_ids(bus) == {f"a{one}" for one in numbers}

        for number in (0, *first):
            await fire(bus, f"a{number}", number)
        # What was gone before the first start was never to be had.
        await bus.api("STREAM.PURGE.PW_ALERT", {"seq": 2})
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await poll_until(lambda: kept(*first), "the first alerts", timeout_s=60)
        for number in (*second, *third):
            await fire(bus, f"a{number}", number)
        await bus.api("STREAM.PURGE.PW_ALERT", {"seq": 8})
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await poll_until(lambda: kept(*first, *third), "the last alerts", timeout_s=60)
            head, _ = await asked(bus, AlertsAsked())
            [hole] = head.holes
            assert (hole.why, hole.first_slot, hole.last_slot) == ("alerts trimmed", 3, 7)
            assert (hole.first_ms, hole.last_ms) == (3, 7)


async def test_alerts_of_a_stream_that_was_restored_from_an_older_copy_are_kept_too(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path / "broker") as (broker, bus):

        async def all_kept() -> bool:
            return await alert_ids(bus) == fired

        fired = {"a1", "a2", "a3"}
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            for name in sorted(fired):
                await fire(bus, name)
            await poll_until(all_kept, "alerts kept", timeout_s=60)
        info = await bus.api("STREAM.INFO.PW_ALERT")
        await bus.api("STREAM.DELETE.PW_ALERT")
        # As a restore makes it: it is the same stream, and its sequences are of the copy.
        metadata = {METADATA_CREATED: stream_created(info)}
        await bus.api("STREAM.CREATE.PW_ALERT", {**info["config"], "metadata": metadata})
        await fire(bus, "later")
        fired |= {"later"}
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await poll_until(all_kept, "the later one kept", timeout_s=60)


async def test_alerts_and_gaps_are_kept_beside_their_streams(
    tmp_path: Path, market: Market
) -> None:
    mint = market.swaps[0][1].mint
    at_ms = market.slots[0].event_time_ms
    body = {
        "type": "alert.v1", "id": "a1", "episode": "e", "n": 0, "kind": "opened", "trigger": "t",
        "severity": "info", "slot": 1, "opened_slot": 1, "event_time_ms": at_ms, "mint": mint,
    }  # fmt: skip
    async with provisioned(tmp_path / "broker") as (broker, bus):
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await store(bus, subjects.alert("a1"), msgspec.json.encode(body), {})
            await store(bus, subjects.alert("a2"), b"no alert", {})
            await store_gap(bus, market.slots[5].slot + 1, market.slots[5].slot + 1)
            for batch in market.batches:
                await publish(bus, batch)
            await kept_up_to(bus, market.slots[-1].slot, LAST)
        await bus.api("STREAM.PURGE.PW_ALERT")
        async with running_service("pw_history", settings(broker.url, tmp_path)):
            await kept_up_to(bus, market.slots[-1].slot, LAST)
            head, rows = await asked(bus, AlertsAsked(mint=mint))
            assert [dict(row["alert"])["id"] for row in rows] == ["a1"]  # type: ignore[call-overload]
            assert [one.gap.partition(":")[0] for one in head.holes] == ["main"]
            after = rows[0]["after"]
            assert isinstance(after, list)
            assert [one["after_ms"] for one in after] == [60_000]
            _, others = await asked(bus, AlertsAsked(trigger="another"))
            assert others == []


async def test_files_that_are_taken_slowly_keep_no_question_waiting(
    tmp_path: Path, market: Market
) -> None:
    async with (
        provisioned(tmp_path / "broker") as (broker, bus),
        running_service("pw_history", settings(broker.url, tmp_path)),
        AsyncExitStack() as stack,
    ):
        for batch in market.batches:
            await publish(bus, batch)
        await kept_up_to(bus, market.slots[-1].slot, LAST)
        question = msgspec.json.encode(ExportAsked(format="csv"))
        for _ in range(4):
            parts = ask_for_parts(bus, ASK_HISTORY, question, timeout_s=20)
            await stack.enter_async_context(aclosing(parts))
            # The head is taken, and the file waits.
            await anext(parts)
        began_s = monotonic_s()
        await asked(bus, LAST)
        # Less than a part of a file may wait to be taken.
        assert monotonic_s() - began_s < PART_S
        assert list((tmp_path / "kept").glob("file-*"))
