"""Ingest follows some addresses at a JSON-RPC node: what names them, and gaps where it is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from pw_common.dev.local_broker import LocalBroker
from pw_common.process.log import Log
from pw_common.service.settings import load
from pw_common.topology.subjects import BUCKET_CONFIG, KEY_WATCHLISTS
from pw_common.wire.coverage import followed
from pw_geyser import geyser_pb2 as pb
from pw_ingest.config import Settings
from pw_ingest.source.followed_list import Followed
from pw_ingest.source.followed_source import FollowedSource
from pw_replay.market import generate
from support.broker import provisioned
from support.chain_node import ChainNode, chain_node
from support.following import read_until
from support.ingesting import gaps_stored, ingest, stop, stored, until_frontier, updates_stored
from support.odd_node import Say, result
from support.poll import poll_until
from support.rpc_node import blocks_of
from support.signed import signed
from support.source import FakeSource, slot_of

PER_S = 20.0


@pytest.fixture(scope="module")
def updates() -> list[bytes]:
    """Some 70 blocks of a generated market."""
    return signed(list(generate(seed=5, minutes=0.5, tps=30)))


def keys_of(update: bytes) -> set[str]:
    info = pb.SubscribeUpdate.FromString(update).transaction.transaction
    loaded = [*info.meta.loaded_writable_addresses, *info.meta.loaded_readonly_addresses]
    keys = [*info.transaction.message.account_keys, *loaded]
    return {str(Pubkey(bytes(one))) for one in keys}


def naming(updates: list[bytes], addresses: set[str]) -> dict[str, int]:
    """Signature -> slot of each successful transaction that names one of these."""
    found = {}
    for one in updates:
        read = pb.SubscribeUpdate.FromString(one)
        info = read.transaction.transaction
        succeeded = read.HasField("transaction") and not info.meta.HasField("err")
        if succeeded and keys_of(one) & addresses:
            found[str(Signature.from_bytes(info.signature))] = read.transaction.slot
    return found


def taken(updates: list[bytes]) -> tuple[dict[str, int], list[int]]:
    """Signature -> slot of what was stored, and the slots of its blocks."""
    transactions, blocks = {}, []
    for one in updates:
        read = pb.SubscribeUpdate.FromString(one)
        if read.HasField("block_meta"):
            blocks.append(read.block_meta.slot)
        else:
            signature = str(Signature.from_bytes(read.transaction.transaction.signature))
            transactions[signature] = read.transaction.slot
    return transactions, blocks


def busiest(updates: list[bytes], count: int, *, among: tuple[int, int] = (5, 60)) -> list[str]:
    """Addresses that are named by some of the transactions, and not by most."""
    times = Counter(key for one in updates for key in keys_of(one))
    return [key for key, n in times.most_common() if among[0] <= n <= among[1]][:count]


@asynccontextmanager
async def following(
    broker: LocalBroker, node: ChainNode, who: str, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    settings = {
        "PW_INGEST_ENDPOINT": "",
        "PW_INGEST_RPC_URL": node.url,
        "PW_INGEST_RPC_RATE": "300",
        "PW_INGEST_RPC_FOLLOW": who,
        "PW_INGEST_SLOT_MS_MIN": "20",
        **settings,
    }
    async with ingest(broker, FakeSource([]), **settings) as process:
        yield process


def served(updates: list[bytes]) -> dict[int, Any]:
    """The blocks, and empty ones after them: what is followed is some slots behind the newest."""
    blocks = blocks_of(updates)
    last = max(blocks)
    for slot in range(last + 1, last + 40):
        blocks[slot] = {**blocks[last], "parentSlot": slot - 1, "transactions": []}
    return blocks


async def test_what_names_the_addresses_is_stored_and_nothing_else(
    updates: list[bytes], tmp_path: Path
) -> None:
    who = busiest(updates, 2)
    blocks = served(updates)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=PER_S) as node,
        following(broker, node, ",".join(who)) as process,
    ):
        node.page = 7
        last = max(blocks_of(updates))
        await until_frontier(bus, last)
        code, err = await stop(process)
        assert code == 0, err
        transactions, metas = taken(await updates_stored(bus))
        first = min(metas)
        wanted = naming(updates, set(who))
        assert len(wanted) > 10
        assert transactions == {one: slot for one, slot in wanted.items() if slot >= first}
        assert [slot for slot in metas if slot <= last] == [
            slot for slot in sorted(blocks) if first <= slot <= last
        ]
        assert await gaps_stored(bus) == []
        assert {headers.filter for headers, some in await stored(bus) if some} == {followed(who)}


@pytest.mark.parametrize("lie", ["not there", "another one", "of another slot"])
async def test_a_transaction_that_the_node_does_not_give_is_a_gap_of_its_slot(
    updates: list[bytes], lie: str, tmp_path: Path
) -> None:
    [who] = busiest(updates, 1)
    wanted = naming(updates, {who})
    signature, slot = list(wanted.items())[len(wanted) // 2]
    other = next(one for one in wanted if one != signature)
    blocks = served(updates)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=PER_S) as node,
    ):

        def odd(method: str, asked: Any) -> Say | None:
            if method != "getTransaction" or asked != signature:
                return None
            if lie == "not there":
                return result(None)
            at, entry = node.singles[other if lie == "another one" else signature]
            at += lie == "of another slot"
            return result({"slot": at, "blockTime": 1, **entry})

        node.odd = odd
        async with following(broker, node, who) as process:
            last = max(blocks_of(updates))
            await until_frontier(bus, last)
            code, err = await stop(process)
            assert code == 0, err
            [gap] = await gaps_stored(bus)
            assert (gap.first_missing_slot, gap.last_missing_slot) == (slot, slot)
            assert signature in gap.why
            transactions, metas = taken(await updates_stored(bus))
            assert slot not in metas
            assert transactions == {
                one: at for one, at in wanted.items() if at >= min(metas) and at != slot
            }


@pytest.mark.parametrize("wrong", ["fails", "limited", "of nobody"])
async def test_one_transaction_that_never_comes_holds_nothing_up_behind_it(
    updates: list[bytes], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pw_ingest.source.followed_source.LIST_PATIENCE_S", 0.2)
    monkeypatch.setattr("pw_ingest.source.followed_source.PAUSE_FIRST_S", 0.01)
    who, *others = busiest(updates, 30)
    wanted = naming(updates, {who})
    signature, slot = list(wanted.items())[len(wanted) // 2]
    of_others = naming(updates, set(others))
    stranger = next(one for one, at in of_others.items() if at == slot and one not in wanted)
    blocks = served(updates)
    async with chain_node(blocks) as node:
        node.tip = max(blocks)

        def odd(method: str, asked: Any) -> Say | None:
            if method == "getSignaturesForAddress" and wrong == "of nobody":
                listed = [
                    {"signature": stranger if one == signature else one, "slot": at, "err": None}
                    for one, at in reversed(wanted.items())
                ]
                return result(listed)
            if method != "getTransaction" or asked != signature or wrong == "of nobody":
                return None
            return Say(b"busy", 503, {"Retry-After": "1"} if wrong == "limited" else {})

        node.odd = odd
        environ = {
            "PW_NATS_URL": "nats://127.0.0.1:4222",
            "PW_INGEST_RPC_URL": node.url,
            "PW_INGEST_RPC_RATE": "500",
            "PW_INGEST_RPC_FOLLOW": who,
        }
        settings = load(Settings, environ)
        metrics = SimpleNamespace(count=lambda *_, **__: None)
        runtime: Any = SimpleNamespace(metrics=metrics, log=Log("test"))
        [endpoint] = settings.endpoints()
        source = FollowedSource(endpoint, settings, runtime, lambda _slot: True)
        [rung] = Followed(settings, runtime).rungs()
        await source.open(slot - 3, rung.request)
        try:
            seen, breaks = await read_until(source, slot + 5)
        finally:
            await source.close()
        assert slot not in seen
        [only] = breaks
        assert ("names none of the addresses" if wrong == "of nobody" else signature) in only.why


async def test_a_restart_goes_on_where_the_last_run_ended(
    updates: list[bytes], tmp_path: Path
) -> None:
    [who] = busiest(updates, 1)
    blocks = served(updates)
    last = max(blocks_of(updates))
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, per_s=PER_S) as node,
    ):
        async with following(broker, node, who) as process:
            await until_frontier(bus, min(blocks) + 5)
            process.kill()
            await process.wait()
        async with following(broker, node, who) as process:
            await until_frontier(bus, last)
            code, err = await stop(process)
            assert code == 0, err
        transactions, metas = taken(await updates_stored(bus))
        wanted = naming(updates, {who})
        assert transactions == {one: at for one, at in wanted.items() if at >= min(metas)}
        assert await gaps_stored(bus) == []


async def test_the_watch_list_is_followed_as_it_changes(
    updates: list[bytes], tmp_path: Path
) -> None:
    one, two = busiest(updates, 2)
    blocks = served(updates)
    async with (
        provisioned(tmp_path) as (broker, bus),
        chain_node(blocks, tip=min(blocks) + 20) as node,
        following(broker, node, "watch") as process,
    ):

        async def put(*addresses: str) -> None:
            entries = [{"address": address, "of": "wallet"} for address in addresses]
            body = msgspec.json.encode({"entries": entries})
            await bus.kv_put(BUCKET_CONFIG, KEY_WATCHLISTS, body)

        async def followed_now(address: str) -> bool:
            # Where nothing new happens, nobody is asked about.
            node.tip = min(node.tip + 1, max(blocks) - 30)
            return address in node.addresses

        await put(one)
        await poll_until(partial(followed_now, one), "the first address followed", every_s=0.5)
        await put(one, two)
        await poll_until(partial(followed_now, two), "the second address followed", every_s=0.5)
        node.tip = max(blocks)
        last = max(blocks_of(updates))
        await until_frontier(bus, last)
        code, err = await stop(process)
        assert code == 0, err
        transactions, metas = taken(await updates_stored(bus))
        both = [
            some for headers, some in await stored(bus) if headers.filter == followed([one, two])
        ]
        since = min(slot_of(update) for some in both for update in some)
        wanted = naming(updates, {one})
        wanted |= {key: at for key, at in naming(updates, {two}).items() if at >= since}
        assert transactions == {key: at for key, at in wanted.items() if at >= min(metas)}
        assert await gaps_stored(bus) == []
