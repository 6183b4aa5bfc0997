"""No whole answer of history is a problem that says why; never an empty list, or a part as all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import msgspec
from nats.aio.msg import Msg

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.parts import give_parts, refuse, say_heard
from pw_common.jetstream.requests import answer_questions
from pw_common.topology import subjects
from pw_common.topology.subjects import ASK_HISTORY
from pw_common.wire.alerts import Alert
from pw_common.wire.history import BUSY, TOO_LONG, Candle, HistoryHead
from pw_common.wire.messages import encode
from support.apis import running_api
from support.poll import poll_until
from support.records import MINT, TRADER, store

PATHS = (
    "swaps", f"tokens/{MINT}/swaps", f"wallets/{TRADER}/swaps", f"wallets/{TRADER}",
    f"wallets/{TRADER}/totals",
    f"tokens/{MINT}/buyers", f"tokens/{MINT}/candles?first_ms=0&end_ms=9", "search?q=a", "days",
    "alerts?first_ms=0", "alerts?before=9.a", f"tokens/{MINT}/swaps.csv",
    f"wallets/{TRADER}/swaps.parquet",
)  # fmt: skip
HEAD = msgspec.json.encode(HistoryHead(slot=7, event_time_ms=7)) + b"\n"
CANDLE = Candle(
    begin_ms=60_000, open=1.0, high=1.0, low=1.0, close=1.0, trades=1, buys=1, bought_raw=2**90,
    sold_raw=0, spent_raw=1, received_raw=0,
)  # fmt: skip
CANDLES = f"/api/v1/tokens/{MINT}/candles?first_ms=0&end_ms=999999"
FIRED = Alert(
    id=f"{1:032}", episode="e", n=0, kind="opened", severity="info", slot=1, trigger="quick",
    opened_slot=1, event_time_ms=1, mint=MINT,
)  # fmt: skip


async def standing_in(bus: Bus, answer: Callable[[Msg], Awaitable[object]]) -> None:
    """Answer history's questions so from now on."""

    async def on_question(message: Msg) -> None:
        await say_heard(bus, message.reply)
        await answer(message)

    await answer_questions(bus, ASK_HISTORY, "history", on_question)


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    return str(answer.json()["detail"])


async def test_where_no_history_runs_each_question_says_so_and_alerts_are_there(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        for path in PATHS:
            detail = problem(await client.get(f"/api/v1/{path}"), 503)
            assert "History does not answer: is it running?" in detail, path
        await store(bus, subjects.alert(FIRED.id), encode(FIRED), {"Nats-Msg-Id": FIRED.id})
        page = (await client.get("/api/v1/alerts")).json()
        assert [one["id"] for one in page["alerts"]] == [FIRED.id]
        # Who goes on from there is told, and not given an end.
        assert page["next_before"] == f"1.{FIRED.id}"
        problem(await client.get(f"/api/v1/alerts?before={page['next_before']}"), 503)
        one = (await client.get(f"/api/v1/alerts/{FIRED.id}")).json()
        assert (one["alert"]["id"], one["after"], one["history"]) == (FIRED.id, None, None)
        assert "is it running?" in one["missing"]
        problem(await client.get("/api/v1/alerts/none"), 503)
        # A page that left PW_ALERT before it was asked for is not begun at the newest again.
        second = msgspec.structs.replace(FIRED, id=f"{2:032}", event_time_ms=2)
        await store(bus, subjects.alert(second.id), encode(second), {"Nats-Msg-Id": second.id})
        page = (await client.get("/api/v1/alerts?limit=1")).json()
        await bus.api("STREAM.PURGE.PW_ALERT", {"seq": 2})
        path = f"/api/v1/alerts?before_seq={page['next_before_seq']}"
        page = (await client.get(path)).json()
        assert (page["alerts"], page["next_before_seq"]) == ([], None)
        assert page["next_before"] == f"2.{second.id}"


async def test_what_history_says_instead_of_an_answer_is_passed_on(tmp_path: Path) -> None:
    said: list[bytes] = []
    why = ""

    async with running_api(tmp_path) as (_, bus, client):

        async def answer(message: Msg) -> None:
            async def some() -> AsyncIterator[bytes]:
                for part in said:
                    yield part

            if why:
                # Whatever came before is not shown.
                for part in said:
                    await bus.client.request(message.reply, part, timeout=5)
                await refuse(bus, message.reply, why, timeout_s=5)
            else:
                await give_parts(bus, message.reply, some(), timeout_s=5)

        await standing_in(bus, answer)
        for whole in ([], [HEAD]):
            said, why = whole, BUSY
            assert BUSY in problem(await client.get(CANDLES), 503)
            why = f"{TOO_LONG} 20 s: ask for less"
            assert "ask for less" in problem(await client.get(CANDLES), 504)
        why = ""
        for strange in (b"", b"{}", b"\xff", HEAD + b"{}\n", HEAD + b"[1]", HEAD + b'{"begin_ms":'):
            said = [strange]
            assert "none of ours" in problem(await client.get(CANDLES), 503)
        said = [HEAD, msgspec.json.encode(CANDLE) + b"\n"]
        [shown] = (await client.get(CANDLES)).json()["candles"]
        assert (shown["bought_raw"], shown["close"]) == (str(2**90), 1.0)
        # A search that finds more than it pages through says so, and does not look like all of it.
        said = [HEAD, b'{"kind":"wallet","address":"a"}\n' * 101]
        for skip, next_skip, is_cut in ((900, 1_000, False), (901, None, True)):
            found = (await client.get(f"/api/v1/search?q=a&limit=100&skip={skip}")).json()
            assert (len(found["found"]), found["next_skip"]) == (100, next_skip)
            assert found["is_cut"] is is_cut


async def test_an_answer_that_stops_in_the_middle_is_no_answer(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):

        async def half(message: Msg) -> None:
            await bus.client.request(message.reply, HEAD, timeout=5)
            line = msgspec.json.encode(CANDLE) + b"\n"
            await bus.client.request(message.reply, line, timeout=5)

        await standing_in(bus, half)
        answer = await client.get(CANDLES, timeout=60)
        assert "no whole answer" in problem(answer, 504)


async def test_a_history_that_hangs_is_told_from_one_that_takes_long(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):

        async def nothing(_: Msg) -> None: ...

        await answer_questions(bus, ASK_HISTORY, "history", nothing)
        detail = problem(await client.get(CANDLES, timeout=60), 503)
        assert "History runs, and did not react within 5 s" in detail
        assert "restart it" in detail


async def test_a_question_ends_with_the_client_who_asked_it(tmp_path: Path) -> None:
    given: list[bool] = []
    asked = asyncio.Event()
    goes_on = asyncio.Event()

    async with running_api(tmp_path) as (_, bus, client):

        async def slow(message: Msg) -> None:
            async def endless() -> AsyncIterator[bytes]:
                asked.set()
                await goes_on.wait()
                yield HEAD
                while True:
                    yield bytes(900_000)

            # Much less than how long the API would wait.
            given.append(await give_parts(bus, message.reply, endless(), timeout_s=2))

        await standing_in(bus, slow)
        for path in (CANDLES, f"/api/v1/tokens/{MINT}/swaps.csv"):
            given.clear()
            asked.clear()
            goes_on.clear()
            async with httpx.AsyncClient(
                base_url=client.base_url, headers=client.headers, trust_env=False
            ) as leaving:
                asking = asyncio.create_task(leaving.get(path))
                await asyncio.wait_for(asked.wait(), 20)
                asking.cancel()
                await asyncio.wait({asking})
            goes_on.set()

            async def noticed() -> bool:
                return given == [False]

            await poll_until(noticed, "the end of the work", timeout_s=20)
        # The place of the file is free again.
        goes_on.clear()
        asked.clear()
        waits = asyncio.create_task(client.get(f"/api/v1/tokens/{MINT}/swaps.csv"))
        await asyncio.wait_for(asked.wait(), 20)
        other = await client.get(f"/api/v1/tokens/{MINT}/swaps.parquet")
        assert "No file can be made now" in problem(other, 503)
        waits.cancel()
        await asyncio.wait({waits})
        goes_on.set()
