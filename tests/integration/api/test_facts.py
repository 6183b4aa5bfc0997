"""Facts that are not in the stream: a real broker, a real API, a node on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
from nats.aio.msg import Msg

from pw_common.dev.local_broker import LocalBroker
from pw_common.documents.mint_facts import KeptFacts
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.requests import answer_questions
from pw_common.process.clock import monotonic_s
from pw_common.topology.streams import MIB
from pw_common.topology.subjects import ASK_DETECTOR, BUCKET_FACTS, facts_key
from support.apis import running_api
from support.broker import provisioned
from support.mints import (
    METAPLEX,
    NOBODY,
    SLOT,
    SPL_TOKEN,
    TOKEN_2022,
    MintNode,
    address,
    extended,
    key,
    metaplex_address,
    metaplex_bytes,
    mint_bytes,
    mint_node,
)
from support.odd_node import Say, error
from support.poll import poll_until
from support.services import running_service

OLD, NEW, GONE, ME = address(9), address(10), address(11), address(7)
KEY = "a-secret-of-the-plan-1234"
ACCOUNTS = {
    OLD: (SPL_TOKEN, mint_bytes(supply=2**64 - 1, decimals=9, minter=ME)),
    metaplex_address(OLD): (METAPLEX, metaplex_bytes(OLD, "Old\u202eCoin", "OLD", authority=ME)),
    NEW: (TOKEN_2022, extended(mint_bytes(), (12, key(ME)), (26, NOBODY + b"\1"), (777, b"?"))),
}
RunningApi = AbstractAsyncContextManager[tuple[LocalBroker, Bus, httpx.AsyncClient]]


def at(node: MintNode) -> dict[str, str]:
    return {"PW_API_FACTS_RPC_URL": f"{node.url}/?api-key={KEY}", "PW_API_FACTS_RPC_RATE": "100"}


def asking(folder: Path, node: MintNode) -> RunningApi:
    return running_api(folder, tx_bytes_max=64 * MIB, **at(node))


async def facts(client: httpx.AsyncClient, mint: str) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/tokens/{mint}/facts")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def stream_says(bus: Bus, name: str | None, symbol: str | None) -> None:
    """Stand in for the detector."""

    async def on_question(message: Msg) -> None:
        said = {"facts": {"name": name, "symbol": symbol}}
        await bus.client.publish(message.reply, msgspec.json.encode(said))

    await answer_questions(bus, ASK_DETECTOR, "detector", on_question)


def asked_about(node: MintNode, mint: str) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return mint in node.mints_asked()

    return asked


async def age(bus: Bus, mint: str, by_ms: int) -> None:
    """What is kept of a mint becomes so much older."""
    entry = await bus.kv_get(BUCKET_FACTS, facts_key(mint))
    assert entry is not None
    kept = msgspec.json.decode(entry[0], type=KeptFacts)
    older = msgspec.structs.replace(kept, tried_ms=kept.tried_ms - by_ms)
    await bus.kv_put(BUCKET_FACTS, facts_key(mint), msgspec.json.encode(older))


async def test_what_a_node_says_is_shown_with_its_slot_and_kept_for_every_replica(
    tmp_path: Path,
) -> None:
    with mint_node(ACCOUNTS) as node:
        async with asking(tmp_path, node) as (broker, bus, client):
            old = await facts(client, OLD)
            told = old["node"]
            assert (told["from"], told["slot"], told["host"]) == ("rpc", SLOT, "127.0.0.1")
            assert (told["supply_raw"], told["decimals"]) == (str(2**64 - 1), 9)
            assert (told["mint_authority"], told["freeze_authority"]) == (ME, None)
            assert old["name"] == {"value": "Old\ufffdCoin", "from": "rpc", "rpc": None}
            assert old["missing"] == ""
            assert "No detector answers" in old["stream_missing"]

            extensions = (await facts(client, NEW))["node"]["extensions"]
            assert [(one["number"], one["name"]) for one in extensions] == [
                (12, "permanent_delegate"),
                (26, "pausable"),
                (777, None),
            ]
            assert extensions[0]["says"] == {"delegate": ME}
            assert extensions[1]["says"] == {"authority": None, "paused": True}
            assert (await facts(client, GONE))["node"]["kind"] == "absent"

            # The stream's word holds, and where the node has another it is not hidden.
            await stream_says(bus, "Of the stream", "OLD")
            again = await facts(client, OLD)
            assert again["name"] == {
                "value": "Of the stream", "from": "stream", "rpc": "Old\ufffdCoin",
            }  # fmt: skip
            assert again["symbol"] == {"value": "OLD", "from": "stream", "rpc": None}
            assert (again["stream_missing"], again["node"]) == ("", told)

            # A second replica has what the first one was told.
            token = {"PW_API_NO_TOKEN": "true", "PW_NATS_URL": broker.url}
            async with (
                running_service("pw_api", {**token, **at(node)}) as (_, url),
                httpx.AsyncClient(base_url=url, trust_env=False) as other,
            ):
                assert await facts(other, OLD) == again
            assert node.mints_asked() == [OLD, NEW, GONE]
            # When it is old enough it is asked for again.
            node.slot += 5
            await age(bus, OLD, 700_000)
            assert (await facts(client, OLD))["node"]["slot"] == SLOT + 5
            metrics = (await client.get("/metrics")).text
            assert 'pw_api_facts_asked_total{done="given"} 3.0' in metrics
            assert 'pw_api_facts_asked_total{done="none"} 1.0' in metrics


async def test_without_a_node_nobody_is_asked_and_nothing_is_written(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        await stream_says(bus, "Of the stream", None)
        found = await facts(client, OLD)
        assert (found["name"]["value"], found["symbol"], found["node"]) == (
            "Of the stream", None, None,
        )  # fmt: skip
        assert "PW_API_FACTS_RPC_URL" in found["missing"]
        assert await bus.kv_all(BUCKET_FACTS) == {}


async def test_a_node_that_fails_is_said_to_and_is_left_alone_for_a_while(tmp_path: Path) -> None:
    said: list[Say | None] = [None]
    with mint_node(ACCOUNTS, lambda *_: said[0]) as node:
        async with asking(tmp_path, node) as (_, bus, client):
            before = (await facts(client, OLD))["node"]
            said[0] = Say(b"busy", 503)
            await age(bus, OLD, 700_000)
            for _ in range(3):
                found = await facts(client, OLD)
                # What it said before is still shown, with the slot at which that was so.
                assert found["node"] == before
                assert "HTTP 503" in found["missing"]
                assert KEY not in str(found)
            failed = await facts(client, NEW)
            assert (failed["node"], failed["name"]) == (None, None)
            assert "HTTP 503" in failed["missing"]
            assert node.mints_asked() == [OLD, OLD, NEW]
            said[0] = None
            await age(bus, NEW, 130_000)
            found = await facts(client, NEW)
            assert (found["node"]["kind"], found["missing"]) == ("token_2022", "")
            # Everything else is answered meanwhile, and the page knows of no fault.
            assert (await client.get("/api/v1/status")).is_success


async def test_a_rate_and_a_pause_that_the_node_asks_for_are_kept_to(tmp_path: Path) -> None:
    slow = error(429, "slow down", status=429, Retry_After="60")
    with mint_node(ACCOUNTS, lambda *_: slow) as node:
        async with asking(tmp_path, node) as (_, bus, client):
            assert "HTTP 429" in (await facts(client, OLD))["missing"]
            for mint in (NEW, GONE):
                found = await facts(client, mint)
                assert "The node is not asked for" in found["missing"]
            assert node.mints_asked() == [OLD]
            # Not being asked is not an answer: nothing is kept of it.
            assert set(await bus.kv_all(BUCKET_FACTS)) == {facts_key(OLD)}


async def test_few_are_asked_at_a_time_and_one_mint_once(tmp_path: Path) -> None:
    # Longer than it takes to ask for all of them.
    trickle = Say(b" " * 40, drip=True)
    with mint_node(ACCOUNTS, lambda *_: trickle) as node:
        async with asking(tmp_path, node) as (_, _bus, client):
            mints = [OLD, OLD, NEW, OLD, *(address(n) for n in range(20, 30))]
            found = await asyncio.gather(*(facts(client, mint) for mint in mints))
            refused = [one for one in found if "ask again in a moment" in one["missing"]]
            assert len(refused) == len(set(mints)) - 4
            assert len(node.questions) == 4
            assert node.mints_asked().count(OLD) <= 1


async def test_facts_are_shown_although_the_broker_takes_none(tmp_path: Path) -> None:
    with mint_node(ACCOUNTS) as node:
        async with asking(tmp_path, node) as (_, bus, client):
            config = (await bus.api(f"STREAM.INFO.KV_{BUCKET_FACTS}"))["config"]
            await bus.api(f"STREAM.UPDATE.KV_{BUCKET_FACTS}", config | {"max_bytes": 100})
            assert (await facts(client, OLD))["node"]["kind"] == "spl_token"
            metrics = (await client.get("/metrics")).text
            assert "pw_api_facts_not_kept_total 1.0" in metrics
            # What is there and is no fact of ours is as if it were not there.
            await bus.api(f"STREAM.UPDATE.KV_{BUCKET_FACTS}", config)
            await bus.kv_put(BUCKET_FACTS, facts_key(OLD), b"\xffgarbage")
            assert (await facts(client, OLD))["node"]["kind"] == "spl_token"
            other = KeptFacts(mint=NEW, tried_ms=1)
            await bus.kv_put(BUCKET_FACTS, facts_key(OLD), msgspec.json.encode(other))
            assert (await facts(client, OLD))["node"]["mint"] == OLD


async def test_what_is_no_address_is_refused_and_the_key_is_nowhere(tmp_path: Path) -> None:
    with mint_node(ACCOUNTS, lambda *_: Say(KEY.encode() * 9, 418)) as node:
        async with asking(tmp_path, node) as (_, bus, client):
            assert (await client.get(f"/api/v1/tokens/{'z' * 44}/facts")).status_code == 422
            assert (await client.get("/api/v1/tokens/short/facts")).status_code == 422
            assert (await facts(client, OLD))["node"] is None
            kept = await poll_until(partial(bus.kv_get, BUCKET_FACTS, facts_key(OLD)), "facts")
            assert kept is not None
            assert KEY.encode() not in kept[0]


async def test_a_stop_waits_for_no_node_and_the_log_has_no_key(tmp_path: Path) -> None:
    said: list[Say] = [Say(KEY.encode() * 9, 418)]
    with mint_node(ACCOUNTS, lambda *_: said[0]) as node:
        token = {"PW_API_NO_TOKEN": "true", **at(node)}
        async with (
            provisioned(tmp_path / "broker") as (broker, _),
            running_service("pw_api", {**token, "PW_NATS_URL": broker.url}) as (process, url),
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            assert (await facts(client, OLD))["node"] is None
            said[0] = Say(b" " * 60_000, drip=True)
            waiting = asyncio.create_task(client.get(f"/api/v1/tokens/{NEW}/facts"))
            await poll_until(asked_about(node, NEW), "the question")
            process.terminate()
            began_s = monotonic_s()
            code = await asyncio.to_thread(process.wait, 30)
            assert (code, monotonic_s() - began_s < 10) == (0, True)
            assert "This API stops" in (await waiting).json()["missing"]
            assert process.stderr is not None
            log = process.stderr.read().decode()
        assert '"facts_not_given"' in log
        assert KEY not in log
        assert "Traceback" not in log, log
