"""A dry run is a job: one at a time, with progress, a period, an end, and a way to end it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from pw_api.core.tried import Trial
from pw_cli.offline.offline import batches
from pw_common.jetstream.bus import Bus
from pw_common.wire.captures import CaptureWriter
from pw_common.wire.messages import Swap
from pw_detection.rules.lists import Mute, Mutes, Watched, WatchLists
from pw_detection.rules.rules import Rule
from pw_replay.market import generate
from support.apis import running_api
from support.poll import poll_until
from support.records import make_swap, store_batch

RULE = [{"name": "busy", "conditions": ["buy_count_5m >= 3"]}]
PATH = "/api/v1/triggers/dry-run"


async def start(client: httpx.AsyncClient) -> tuple[dict[str, Any], str]:
    answer = await client.post(PATH, json=RULE)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    return answer.json(), answer.headers["location"]


async def until(client: httpx.AsyncClient, where: str, state: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        view: dict[str, Any] = (await client.get(where)).json()
        return view if view["state"] == state else None

    return await poll_until(reached, state)


async def fill(bus: Bus, count: int, *, swaps: int = 1) -> None:
    for number in range(1, count + 1):
        events = (make_swap(f"{number}-{n}") for n in range(swaps))
        await store_batch(bus, number, *events)


async def test_a_dry_run_says_how_far_it_is_and_what_it_covers(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        nothing = await until(client, (await start(client))[1], "done")
        assert nothing["covers"] == "nothing was stored in the last hour"
        await fill(bus, 20)
        began, where = await start(client)
        assert (began["opened"], began["state"]) == (0, "running")
        done = await until(client, where, "done")
        assert (done["read"], done["total"], done["share"]) == (20, 20, 1.0)
        assert done["messages"] == 20
        assert done["opened_by_rule"] == {"busy": 0}
        assert done["to_ms"] >= done["from_ms"] > 0
        assert done["covers"].endswith("all that is stored of it")
        assert (await client.delete(where)).status_code == 200
        gone = await client.get(where)
        assert gone.status_code == 404
        assert "start a new one" in gone.json()["detail"]


async def test_one_runs_at_a_time_and_a_cancelled_one_makes_room(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        await fill(bus, 1_500, swaps=60)
        _, where = await start(client)
        second = await client.post(PATH, json=RULE)
        assert second.status_code == 409
        assert second.headers["location"] == where
        cancelled = await client.delete(where)
        assert cancelled.json()["state"] == "cancelled"
        _, other = await start(client)
        done = await until(client, other, "done")
        assert done["read"] == 1_500


async def test_rules_that_cannot_be_used_start_nothing(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        for body in (b"- {name: a}", b"a: &x [*x]", b"\xff", b"[" * 100_000, b"[1e999]"):
            answer = await client.post(PATH, content=body)
            assert answer.status_code == 422, answer.text
        await start(client)


async def test_the_api_answers_while_a_dry_run_folds(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        await fill(bus, 1_500, swaps=60)
        _, where = await start(client)
        # Folding alone takes seconds: on an event loop that waited for it there would be one.
        answers = 0
        while (await client.get(where)).json()["state"] == "running":
            assert (await client.get("/livez")).status_code == 200
            answers += 1
        assert answers >= 5


async def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        await fill(bus, 600, swaps=200)
        done = await until(client, (await start(client))[1], "done")
        assert done["swaps"] == 100_000
        assert (done["messages"], done["share"]) == (500, 1.0)
        assert "the hour has more" in done["covers"]


def test_rules_tried_out_count_what_is_watched_and_leave_out_what_is_muted(tmp_path: Path) -> None:
    path = tmp_path / "market.pb.zst"
    with CaptureWriter(path) as writer:
        for update in generate(seed=5, minutes=1, tps=30):
            writer.write(update)
    stored = list(batches([path]))
    bought = [
        event
        for one in stored
        for event in one.events
        if isinstance(event, Swap) and event.side == "buy" and event.confidence == 1.0
    ]
    wallet, mint = bought[0].trader, bought[0].mint
    watched = Rule(name="watched", conditions=("watched_buyers_5m >= 1",), cooldown_s=60)
    buys = Rule(name="buys", conditions=("buy_count_5m >= 1",), cooldown_s=60)

    def fired(rule: Rule, lists: WatchLists | None, mutes: Mutes | None) -> set[str]:
        trial = Trial((rule,), lists, mutes)
        for seq, batch in enumerate(stored, 1):
            trial.take(batch, seq * 1_000, seq)
        trial.end()
        return {one.mint for one in trial.found.alerts}

    who = WatchLists(entries=(Watched(address=wallet),))
    assert fired(watched, None, None) == set()
    assert mint in fired(watched, who, None)
    assert mint in fired(buys, None, None)
    assert mint not in fired(buys, None, Mutes(entries=(Mute(address=mint, of="token"),)))
