"""The page System: the pipeline, gaps and dead letters, programs, and who changed what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce, read_token
from pw_common.topology import subjects
from pw_common.wire.envelope import MSG_ID, SCHEMA, SCHEMA_GAP, compress
from pw_common.wire.heartbeat import Heartbeat, LayoutDrift, Rate, SourceHealth
from pw_common.wire.login import login_url
from pw_common.wire.messages import Gap, encode
from pw_detection.unlisted import UnlistedProgram, UnlistedPrograms
from support.apis import running_api
from support.beating import beating
from support.browsing import browse, chromium_here, dashboard_here
from support.records import store, store_dead_letter, store_gap

MARKUP = "<img src=x onerror=pwned=1>"
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.evil"
LONG = "L" * 4_000
SHELL = "a; touch pwned #"
PROGRAM = "So11111111111111111111111111111111111111112"
SIGNATURE = "2" * 88
NODE = "https://node.example/?key=$(id)"
WITHIN_S = 700.0

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]


def heartbeat(service: str, **more: Any) -> Heartbeat:
    at_ms = now_ms()
    fields: dict[str, Any] = {
        "service": service, "instance": f"{len(service)}-1", "version": "0", "pid": 1,
        "started_at_ms": at_ms - 1_000, "at_ms": at_ms, "http_url": "", "ready": True,
    }  # fmt: skip
    return Heartbeat(**fields | more)


def hostile_beats() -> list[Heartbeat]:
    """What services say, where somebody else chose the words."""
    source = SourceHealth(
        source="main", endpoint=MARKUP + TURNED, connected=False, detail=MARKUP + LONG, slot=100
    )
    drift = LayoutDrift(
        venue="pump_amm", first_slot=5, signatures=(SIGNATURE,), unparsed=3, called=90,
        kind="new", tags=("ab",),
    )  # fmt: skip
    parsed = Rate(total=9_000, per_s_1s=120.5, per_s_60s=100)
    rates = {"pw_parser_transactions_total": parsed, "pw_parser_swaps_total": parsed}
    return [
        heartbeat("ingest", instance="ingest-1", source=source),
        heartbeat("parser", instance="parser-1", rates=rates, drift=(drift,)),
        heartbeat("parser", instance="parser-2", ready=False, reason=MARKUP + TURNED),
        heartbeat("detector", instance="detector-1", ready=False, reason=LONG),
        heartbeat(MARKUP, instance="other-1", ready=False, reason=MARKUP),
    ]


async def beat_all(bus: Bus) -> None:
    for one in hostile_beats():
        await bus.kv_put(subjects.BUCKET_INSTANCES, one.instance, encode(one))


async def put(bus: Bus, client: httpx.AsyncClient) -> None:
    """Gaps, a dead letter, a program in no table, and a change of the rules."""
    await store_gap(bus, 350_000_000, 350_000_004)
    odd = Gap(source=SHELL, epoch=1, first_missing_slot=4, last_missing_slot=4, why=MARKUP + LONG)
    headers = {MSG_ID: "gap:odd", SCHEMA: SCHEMA_GAP}
    await store(bus, subjects.gap("main"), encode(odd), headers)
    await store_dead_letter(bus, 7, b"\x00\x01", reason=MARKUP + TURNED + LONG)
    program = UnlistedProgram(
        program=PROGRAM, swaps=30, share=0.03, first_slot=9, signatures=(SIGNATURE, "../evil")
    )
    found = UnlistedPrograms(
        since_ms=0, event_time_ms=7_200_000, swaps=1_000, unlisted_swaps=30, programs=1,
        shown=(program,),
    )  # fmt: skip
    body = compress(msgspec.json.encode(found))
    await bus.kv_put(subjects.BUCKET_TOKENS, subjects.KEY_UNLISTED, body)
    rules = (await client.get("/api/v1/triggers")).json()["rules"]
    change = {"revision": 0, "who": "ana", "note": MARKUP, "rules": rules[1:]}
    assert (await client.put("/api/v1/triggers", json=change)).status_code == 200


async def test_the_system_page_shows_all_of_it_as_text_and_changes_what_it_says(
    tmp_path: Path, cache: Path, pictures: Path
) -> None:
    chromium_here()
    dashboard_here()
    async with running_api(tmp_path) as (_, bus, client):
        await put(bus, client)
        async with beating(lambda: beat_all(bus)):
            own = str(client.base_url).rstrip("/")
            link = login_url(own, read_token(tmp_path / "api-token"), new_nonce(), now_ms())
            asked = {"own": own, "login": link, "folder": str(pictures)}
            more = {"program": PROGRAM, "node": NODE}
            found = await browse(cache, asked | more, "system.mjs", within_s=WITHIN_S)
        programs = (await client.get("/api/v1/programs")).json()["entries"]
        seen = (await client.get("/api/v1/programs/acknowledged")).json()["entries"]
    assert_the_picture(found)
    assert_the_rows(found["rows"])
    assert_nothing_of_it_does_anything(found)
    # What the page changed is what it said.
    assert [(one["id"], one["name"], one["kind"]) for one in programs] == [
        (PROGRAM, "my venue", "venue")
    ]
    assert seen == [{"program": "pump_amm", "tag": "ab"}]
    assert found["refused"].startswith("name: must not begin with unlisted")
    assert found["sent"] == "Sent back."
    assert {name: one["axe"] for name, one in found["looks"].items() if one["axe"]} == {}
    assert [name for name, one in found["looks"].items() if one["overflow"] > 0] == []
    # One is the refusal that the test asked for, which a browser logs by itself.
    assert [one for one in found["errors"] if "422" not in one] == []
    assert found["hosts"] == [own.removeprefix("http://")]


def assert_the_picture(found: dict[str, Any]) -> None:
    """Each stage says its state in a word, its figures, and where its rows are."""
    stages = dict(zip(("sources", "ingest", "PW_TX", "parser"), found["stages"], strict=False))
    assert "stopped" in stages["sources"]
    assert "0 of 1 connected" in stages["sources"]
    assert "well" in stages["ingest"]
    assert "waiting" in stages["PW_TX"]
    assert "behind" in stages["parser"]
    assert "120.5 tx/s" in stages["parser"]
    assert "1 of 2 ready" in stages["parser"]
    [hash_, row] = found["led"]
    assert hash_ == "#row-parser"
    assert row.startswith("parser")


def assert_the_rows(rows: dict[str, str]) -> None:
    """What lies below the picture."""
    assert "350,000,000 \N{EN DASH} 350,000,004" in rows["gaps-head"]
    assert "no. 6 in it" in rows["letters-head"]
    assert "3 %" in rows["programs-head"]
    assert "30 of 1,000 swaps" in rows["programs-head"]
    assert "pump_amm" in rows["drift-head"]
    assert "ana" in rows["audit-head"]
    assert "removed" in rows["audit-head"]


def assert_nothing_of_it_does_anything(found: dict[str, Any]) -> None:
    """Text from outside stays text: in the page, in its links, and in a shell."""
    assert (found["made"], found["ran"]) == (0, False)
    whole = "".join(found["rows"].values()) + found["conditions"] + "".join(found["stages"])
    assert MARKUP in whole
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in whole
    assert "L" * 1_001 not in whole
    assert f"/tx/{SIGNATURE}" in found["links"]
    assert not any("evil" in one or one.startswith("javascript") for one in found["links"])
    from_node, from_captures = found["fill"]
    assert from_node.endswith(f"backfill --gap main:1:350000000-350000004 --rpc '{NODE}'")
    assert from_captures.endswith("backfill --gap main:1:350000000-350000004 --capture FILE")
    # A source may call itself what it likes; no command has its name.
    assert "No command can name it" in found["hostile_fill"]
    assert "backfill --gap" not in found["hostile_fill"]
    # Escape closes what was opened, and the focus is where it was.
    [open_panels, focused] = found["shut"]
    assert open_panels == 0
    assert focused.startswith("Fill 4 ")
    assert any(one.endswith("dlq show 1") for one in found["letter"])
