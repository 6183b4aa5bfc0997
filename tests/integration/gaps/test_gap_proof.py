"""A gap is closed only with an unbroken chain through it, whatever a node or a capture says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pw_common.topology import subjects
from pw_common.wire.captures import CaptureWriter
from pw_replay.market import generate
from support.command import Ended, pw
from support.gapped import Gapped, by_slot, gapped, swaps_of
from support.odd_node import OddNode, Say, error, odd_node, only, result
from support.poll import poll_until
from support.rpc_node import blocks_of

FIRST, LAST = 300_000_030, 300_000_045
MISSING = 300_000_037
UNSUPPORTED = "Transaction version (1) is not supported by the requesting client"


@pytest.fixture(scope="module")
def market() -> list[bytes]:
    return list(generate(seed=5, minutes=0.5, tps=80))


@pytest.fixture(scope="module")
def blocks(market: list[bytes]) -> dict[int, Any]:
    found = blocks_of(market)
    assert {FIRST, MISSING, MISSING + 1, LAST} <= found.keys()
    return found


def inside(blocks: dict[int, Any]) -> list[int]:
    return sorted(slot for slot in blocks if FIRST <= slot <= LAST)


async def backfill(system: Gapped, node: OddNode, *words: str) -> Ended:
    return await pw(
        "backfill", "--gap", system.gap.id, "--rpc", node.url, *words, PW_NATS_URL=system.broker_url
    )


async def verify(system: Gapped) -> dict[str, Any]:
    await system.until_parsed()
    ended = await pw("verify", "--json", PW_NATS_URL=system.broker_url)
    checks = [msgspec.json.decode(line) for line in ended.out.splitlines()]
    assert ended.code == (0 if all(one["holds"] for one in checks) else 1)
    return {one["name"]: one for one in checks}


async def all_proven(system: Gapped) -> None:
    assert [name for name, one in (await verify(system)).items() if not one["holds"]] == []


async def still_open(system: Gapped, ended: Ended, *says: str) -> None:
    assert ended.code == 1, ended
    assert "still open" in ended.out
    for one in says:
        assert one in ended.out
    assert [gap.filled for gap in await system.records()] == [False]


def without_slot(method: str, blocks: dict[int, Any]) -> Say | None:
    if method != "getBlocks":
        return None
    return result([slot for slot in inside(blocks) if slot != MISSING])


LISTS = {
    "empty": result([]),
    "null": result(None),
    "cleaned": error(-32009, "Slot 300000030 was skipped, or missing in long-term storage"),
}


async def test_a_gap_of_which_a_node_lists_nothing_stays_open(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        for name, said in LISTS.items():
            with odd_node(blocks, only("getBlocks", FIRST, said)) as node:
                ended = await backfill(system, node)
            await still_open(system, ended, "0 updates stored", str(FIRST), str(LAST))
            assert node.blocks_asked() == [], name


async def test_a_gap_with_a_slot_that_the_node_does_not_list_stays_open_and_is_named(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        with odd_node(blocks, lambda method, _: without_slot(method, blocks)) as node:
            ended = await backfill(system, node)
            says = f"the block of slot {MISSING + 1} follows slot {MISSING}, which is not there"
            await still_open(system, ended, says)
            await system.until_parsed()
            asked = node.blocks_asked()
            # The rest is stored, is not asked for again, and what is missing closes the gap.
            node.odd = lambda _method, _slot: None
            ended = await backfill(system, node)
        assert (ended.code, "filled" in ended.out) == (0, True), ended
        assert f"continues from slot {MISSING}" in ended.err
        assert node.blocks_asked()[len(asked) :] == [MISSING]
        await all_proven(system)
        assert await system.swaps() == swaps_of(market)
        assert [gap.filled for gap in await system.records()] == [True]


REFUSALS = {
    "skipped": error(-32007, "Slot 300000037 was skipped, or missing due to ledger jump"),
    "version": error(-32015, UNSUPPORTED),
    "null": result(None),
}


async def test_a_block_that_is_not_given_is_never_taken_for_a_skipped_slot(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        for said in REFUSALS.values():
            with odd_node(blocks, only("getBlock", MISSING, said)) as node:
                ended = await backfill(system, node)
            await still_open(system, ended, f"slot {MISSING}, which is not there")
            if b'"code"' in said.body:
                assert str(msgspec.json.decode(said.body)["error"]["code"]) in ended.out
            # What else can be had is stored.
            missing = swaps_of(market) - await system.swaps()
            assert missing == swaps_of(by_slot(market)[MISSING])
            await system.until_parsed()


async def test_a_first_block_that_does_not_follow_what_is_stored_proves_nothing(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        first = inside(blocks)[0]
        lie = {**blocks, first: {**blocks[first], "parentSlot": FIRST - 9}}
        with odd_node(lie) as node:
            ended = await backfill(system, node)
        await still_open(system, ended, f"slot {FIRST - 9}", "last stored block before the gap")


async def test_a_gap_whose_end_nothing_proves_stays_open(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    until = [one for slot, part in by_slot(market).items() if slot <= LAST for one in part]
    known = {slot: block for slot, block in blocks.items() if slot <= LAST}
    async with gapped(tmp_path, until, FIRST, LAST) as system:
        with odd_node(known) as node:
            ended = await backfill(system, node)
            await still_open(system, ended, f"no block after slot {LAST}")
            await system.until_parsed()
            # The next block, which the node has by now, is asked for and proves the end.
            node.blocks = blocks
            ended = await backfill(system, node)
        assert ended.code == 0, ended
        assert node.blocks_asked()[-1] == min(slot for slot in blocks if slot > LAST)
        assert (await verify(system))["filled gaps have their chain"]["count"] == 1


async def test_a_limited_node_is_waited_for_and_asked_for_nothing_twice(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        count = 0

        def odd(_method: str, _slot: int) -> Say | None:
            nonlocal count
            count += 1
            return (
                error(429, "Too many requests", status=429, Retry_After="1")
                if (count % 5 == 0)
                else None
            )

        with odd_node(blocks, odd) as node:
            ended = await backfill(system, node)
        assert ended.code == 0, ended
        assert "HTTP 429; waits 1.0 s" in ended.err
        # For any version of transactions, which a list has not.
        assert {one.get("maxSupportedTransactionVersion") for one in node.options} == {127, None}
        # Once each, and once more for each that was limited.
        assert len(node.asked) == 1 + len(inside(blocks)) + count // 5
        await all_proven(system)
        assert await system.swaps() == swaps_of(market)


async def test_what_was_read_before_a_node_fails_is_kept_and_the_next_call_goes_on(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        busy = Say(b"", status=503, headers={"Retry-After": "3600"})
        with odd_node(blocks, only("getBlock", MISSING, busy)) as node:
            ended = await backfill(system, node)
            await still_open(system, ended, f"slot {MISSING}", "HTTP 503", "asks to wait 3600 s")
            assert " 0 updates stored" not in ended.out
            await system.until_parsed()
            before = len(node.blocks_asked())
            node.odd = lambda _method, _slot: None
            ended = await backfill(system, node)
        assert ended.code == 0, ended
        assert f"continues from slot {MISSING}" in ended.err
        assert node.blocks_asked()[before:] == [slot for slot in inside(blocks) if slot >= MISSING]
        await all_proven(system)
        assert await system.swaps() == swaps_of(market)


async def test_a_node_that_is_not_there_is_given_up_soon(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        with odd_node(blocks) as node:
            pass
        ended = await backfill(system, node)
        await still_open(system, ended, "ConnectError")


async def test_captures_close_a_gap_only_with_the_whole_chain(
    market: list[bytes], tmp_path: Path
) -> None:
    whole, holed = tmp_path / "whole.pb.zst", tmp_path / "holed.pb.zst"
    with CaptureWriter(whole) as all_of_it, CaptureWriter(holed) as most_of_it:
        for slot, updates in by_slot(market).items():
            for update in updates:
                all_of_it.write(update)
                if slot != MISSING:
                    most_of_it.write(update)
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        words = ("backfill", "--gap", system.gap.id, "--capture")
        ended = await pw(*words, str(holed), PW_NATS_URL=system.broker_url)
        says = f"the block of slot {MISSING + 1} follows slot {MISSING}, which is not there"
        await still_open(system, ended, says)
        await system.until_parsed()
        ended = await pw(*words, str(whole), PW_NATS_URL=system.broker_url)
        assert ended.code == 0, ended
        assert f"continues from slot {MISSING}" in ended.err
        await all_proven(system)
        assert await system.swaps() == swaps_of(market)


async def test_verify_names_a_gap_that_was_closed_without_proof_and_backfill_opens_it_again(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        # As an earlier version closed it: on the node's word, with a slot left out.
        with odd_node(blocks, lambda method, _: without_slot(method, blocks)) as node:
            await backfill(system, node)
            filled = msgspec.structs.replace(system.gap, filled=True)
            await system.bus.js.publish(
                subjects.gap_filled(system.gap.source), msgspec.json.encode(filled)
            )
            check = (await verify(system))["filled gaps have their chain"]
            assert not check["holds"]
            assert f"slot {MISSING + 1} follows slot {MISSING}" in check["detail"]
            ended = await backfill(system, node)
            await still_open(system, ended, str(MISSING))
            assert "open again" in ended.err
            node.odd = lambda _method, _slot: None
            ended = await backfill(system, node)
            assert ended.code == 0, ended
            assert (await verify(system))["filled gaps have their chain"]["holds"]
            ended = await backfill(system, node)
        assert (ended.code, "already" in ended.err) == (0, True)


async def test_a_backfill_that_no_parser_has_answered_yet_is_not_called_unproven(
    market: list[bytes], blocks: dict[int, Any], tmp_path: Path
) -> None:
    async with gapped(tmp_path, market, FIRST, LAST) as system:
        info = await system.bus.api("CONSUMER.INFO.PW_TX.parser")
        await system.bus.api("CONSUMER.PAUSE.PW_TX.parser", {"pause_until": "2150-01-01T00:00:00Z"})
        assert info["name"] == "parser"
        with odd_node(blocks) as node:
            ended = await backfill(system, node)
        assert ended.code == 0, ended
        ended = await pw("verify", "--json", PW_NATS_URL=system.broker_url)
        checks = [msgspec.json.decode(line) for line in ended.out.splitlines()]
        (check,) = [one for one in checks if one["name"] == "filled gaps have their chain"]
        assert check["holds"]
        assert "wait in the queue" in check["detail"]
        await system.bus.api("CONSUMER.PAUSE.PW_TX.parser", {})

        async def proven() -> bool:
            return not (await verify(system))["filled gaps have their chain"]["detail"]

        await poll_until(proven, "the chain in PW_SWAP")
