"""`pw programs` and /api/v1/programs: one document, revisions, history; parsing with it again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from pw_common.topology.subjects import BUCKET_CONFIG, KEY_PROGRAMS
from support.apis import running_api
from support.command import Ended, pw
from support.ingesting import ingest
from support.market import market, write_capture
from support.poll import poll_until
from support.records import beat
from support.services import running_service
from support.source import FakeSource, running_source
from support.tables import (
    PUMP,
    PUMPSWAP,
    answered,
    digest_of,
    queued,
    stored_batches,
)
from support.tokens import token_file

OTHER = "1" * 31 + "2"


def entry(id_: str, name: str, kind: str = "venue") -> dict[str, str]:
    return {"id": id_, "name": name, "kind": kind}


async def test_entries_go_in_and_come_out_and_revisions_are_optimistic(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _, client):
        empty = (await client.get("/api/v1/programs")).json()
        assert (empty["revision"], empty["entries"]) == (0, [])
        body = {"revision": 0, "who": "me", "entries": [entry(PUMP, "mine")]}
        made = (await client.put("/api/v1/programs", json=body)).json()["revision"]
        late = await client.put("/api/v1/programs", json=body)
        assert (late.status_code, str(made) in late.json()["detail"]) == (409, True)
        more = [entry(PUMP, "curve"), entry(OTHER, "loans", "non_exchange")]
        body = {"revision": made, "note": "two", "entries": more}
        assert (await client.put("/api/v1/programs", json=body)).status_code == 200
        found = (await client.get("/api/v1/programs")).json()["entries"]
        assert [(one["id"], one["name"], one["kind"]) for one in found] == [
            (PUMP, "curve", "venue"),
            (OTHER, "loans", "non_exchange"),
        ]
        newest, first = (await client.get("/api/v1/programs/history")).json()["history"]
        assert newest["diff"] == {"added": [OTHER], "removed": [], "changed": [PUMP]}
        assert (newest["note"], first["who"]) == ("two", "me")


async def test_what_cannot_be_used_is_refused_with_each_error(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        bad = {"revision": 0, "entries": [entry("x", "mine"), entry(PUMP, "n" * 33)]}
        answer = await client.put("/api/v1/programs", json=bad)
        assert answer.status_code == 422
        where = [one["where"] for one in answer.json()["errors"]]
        assert where == ["entries[0].id", "entries[1].name"]
        yaml = f"entries:\n- {{id: {PUMP}, name: mine, kind: dex}}\n"
        told = (await client.post("/api/v1/programs/validate", content=yaml)).json()
        assert not told["valid"]
        assert told["errors"][0].startswith("entries[0].kind")
        good = await client.post("/api/v1/programs/validate", content=yaml.replace("dex", "bot"))
        assert good.json()["valid"]
        assert await bus.kv_get(BUCKET_CONFIG, KEY_PROGRAMS) is None


async def test_the_last_good_table_is_shown_beside_what_is_wrong_with_the_newest(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        body = {"revision": 0, "entries": [entry(PUMP, "mine")]}
        await client.put("/api/v1/programs", json=body)
        bad = await bus.kv_put(BUCKET_CONFIG, KEY_PROGRAMS, b'{"entries":[{"id":"x"}]}')
        found = (await client.get("/api/v1/programs")).json()
        assert found["entries"][0]["name"] == "mine"
        assert found["revision"] == bad
        assert f"revision {bad} cannot be used" in found["unusable"]
        newest, _ = (await client.get("/api/v1/programs/history")).json()["history"]
        assert "unusable" in newest


def commands(client: httpx.AsyncClient, folder: Path) -> Callable[..., Awaitable[Ended]]:
    """`pw programs` against a running API."""
    door = ("--api", str(client.base_url), "--token-file", str(token_file(folder)))

    async def run(*words: str) -> Ended:
        return await pw("programs", *words, *door)

    return run


async def test_the_command_lists_adds_imports_and_removes(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _, client):
        run = commands(client, tmp_path)
        assert "No entries of yours" in (await run("list")).out
        added = await run(
            "add", OTHER, "my pool", "venue", "--user", "*=6", "--user", "0011=13,-1",
            "--source", "its IDL", "--note", "first",
        )  # fmt: skip
        assert (added.code, "1 entries" in added.out) == (0, True), added.err
        document = {"entries": [entry(PUMP, "curve", "bot")]}
        (tmp_path / "mine.json").write_text(json.dumps(document))
        assert (await run("import", str(tmp_path / "mine.json"))).code == 0
        shown = await run("list")
        assert max(map(len, shown.out.splitlines())) <= 80
        assert {"my pool", "curve"} <= set(shown.out.replace("  ", "\n").split("\n"))
        listed = json.loads((await run("list", "--json")).out)
        by_name = {one["name"]: one for one in listed["entries"]}
        assert by_name["my pool"]["users"] == {"*": [6], "0011": [13, -1]}
        assert by_name["my pool"]["source"] == "its IDL"
        assert by_name["curve"]["kind"] == "bot"
        every = await run("list", "--all")
        assert "raydium_v4" in every.out
        assert max(map(len, every.out.splitlines())) <= 80
        assert (await run("rm", "curve", OTHER)).code == 0
        assert json.loads((await run("list", "--json")).out)["entries"] == []


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("add", "x", "mine", "venue"), 2, "entries[0].id"),
        (("add", OTHER, "pumpfun", "venue"), 2, f"pumpfun is the shipped {PUMP}"),
        (("add", OTHER, "mine", "venue", "--user", "*=six"), 2, "TAG=INDEX"),
        (("remove", "nobody"), 1, "nobody"),
        (("import", "/nowhere.json"), 1, "nowhere"),
        (("acknowledge", "pumpswap"), 1, "nothing new in pumpswap"),
    ],
)
async def test_the_command_says_what_it_cannot_do(
    tmp_path: Path, words: tuple[str, ...], code: int, what: str
) -> None:
    async with running_api(tmp_path) as (_, _, client):
        ended = await commands(client, tmp_path)(*words)
        assert (ended.code, what in ended.err) == (code, True), ended.err


async def test_a_run_with_a_table_is_read_again_from_its_capture_by_the_same_document(
    tmp_path: Path,
) -> None:
    updates = market(seed=9, minutes=0.15, tps=40)
    capture = write_capture(tmp_path / "market.pb.gz", updates)
    source = FakeSource(updates)
    async with running_api(tmp_path) as (broker, bus, client), running_source(source):
        run = commands(client, tmp_path)
        assert (await run("add", PUMP, "curve_of_mine", "venue")).code == 0
        assert (await run("add", PUMPSWAP, "not_a_venue", "non_exchange")).code == 0
        async with ingest(broker, source, PW_INGEST_SOURCE_KIND="recorded"):

            async def whole() -> bool:
                return sum(int(one.headers["Pw-Count"]) for one in await queued(bus)) >= len(
                    updates
                )

            await poll_until(whole, "everything stored", timeout_s=30)

            async def shown() -> bool:
                said = (await client.get("/api/v1/programs")).json()
                return str(said["in_force"].get("main", "")).startswith(f"{said['revision']}.")

            await poll_until(shown, "the API names the table that messages get")
            messages = len(await queued(bus))
        async with running_service("pw_parser", {"PW_NATS_URL": broker.url}):
            await answered(bus, messages)
        stored = digest_of(await stored_batches(bus))
        (tmp_path / "table.json").write_text((await run("list", "--json")).out)
    for more, same in (((), False), (("--programs", str(tmp_path / "table.json")), True)):
        ended = await pw("parse", str(capture), "--digest", "--json", *more)
        figures = json.loads(ended.err.splitlines()[-1])
        assert (figures["swap_digest"] == stored) is same


async def test_what_is_acknowledged_is_taken_by_the_door_and_can_be_taken_back(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        await beat(bus, "parser")
        run = commands(client, tmp_path)
        assert (await run("acknowledge", "pumpswap", "00aa", "00bb")).code == 0
        shown = (await client.get("/api/v1/programs/acknowledged")).json()
        assert shown["entries"] == [
            {"program": "pumpswap", "tag": "00aa"},
            {"program": "pumpswap", "tag": "00bb"},
        ]
        assert (await run("acknowledge", "pumpswap", "00aa", "--remove")).code == 0
        shown = (await client.get("/api/v1/programs/acknowledged")).json()
        assert [one["tag"] for one in shown["entries"]] == ["00bb"]
        bad = {"revision": shown["revision"], "entries": [{"program": "pumpswap", "tag": "x"}]}
        answer = await client.put("/api/v1/programs/acknowledged", json=bad)
        assert answer.status_code == 422
