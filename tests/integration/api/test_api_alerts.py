"""Alerts, tokens, rules, lists and channels over HTTP, against a real broker and detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from support.apis import running_api
from support.poll import poll_until
from support.receiver import receiving
from support.records import store
from support.services import running_service

MINT = "M" * 43
CSV, YAML = {"Content-Type": "text/csv"}, {"Content-Type": "application/yaml"}
BUSY = {"name": "busy", "conditions": ["buy_count_5m >= 3"]}


def alert(n: int, **more: Any) -> Alert:
    fields = {
        "id": f"{n:032}", "episode": "e", "n": n, "kind": "opened", "trigger": "busy",
        "severity": "info", "slot": n, "opened_slot": n, "event_time_ms": n, "mint": MINT,
    }  # fmt: skip
    return Alert(**(fields | more))  # type: ignore[arg-type]


async def fire(bus: Bus, one: Alert) -> None:
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


async def test_alerts_come_in_pages_newest_first_and_filtered(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        for n in range(5):
            await fire(bus, alert(n, trigger="even" if n % 2 == 0 else "odd"))
        page = (await client.get("/api/v1/alerts?limit=2")).json()
        assert [one["n"] for one in page["alerts"]] == [4, 3]
        older = (await client.get(f"/api/v1/alerts?before_seq={page['next_before_seq']}")).json()
        assert [one["n"] for one in older["alerts"]] == [2, 1, 0]
        odd = (await client.get("/api/v1/alerts?trigger=odd")).json()
        assert [one["n"] for one in odd["alerts"]] == [3, 1]


async def test_a_stream_goes_on_after_the_last_id_that_was_seen(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, bus, client):
        for n in range(3):
            await fire(bus, alert(n))
        seen: list[int] = []
        headers = {"Last-Event-ID": "1"}
        async with client.stream("GET", "/api/v1/alerts/stream", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    seen.append(msgspec.json.decode(line[6:])["n"])
                if len(seen) == 2:
                    await fire(bus, alert(3))
                if len(seen) == 3:
                    break
        assert seen == [1, 2, 3]


async def test_rules_change_by_revision_and_keep_their_history(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        first = (await client.get("/api/v1/triggers")).json()
        assert first["revision"] == 0
        assert len(first["rules"]) == 8
        assert "buy_sell_ratio_5m" in first["metrics"]
        made = await client.put(
            "/api/v1/triggers", json={"revision": 0, "who": "ann", "rules": [BUSY]}
        )
        revision = made.json()["revision"]
        late = await client.put("/api/v1/triggers", json={"revision": 0, "rules": [BUSY]})
        assert late.status_code == 409
        assert f"{revision} is" in late.json()["detail"]
        reset = await client.post("/api/v1/triggers/reset", json={"revision": revision})
        assert reset.status_code == 200
        history = (await client.get("/api/v1/triggers/history")).json()["history"]
        assert [len(one["rules"]) for one in history] == [8, 1]
        assert history[1]["who"] == "ann"
        assert history[1]["at_ms"] > 0
        assert history[1]["diff"]["added"] == ["busy"]
        assert len(history[1]["diff"]["removed"]) == 8
        assert history[0]["diff"]["removed"] == ["busy"]


async def test_rules_that_cannot_be_used_are_refused_with_every_error(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        bad = [{"name": "a", "conditions": ["nothing > 1", "buy_count_5m >= x"]}]
        answer = await client.put("/api/v1/triggers", json={"revision": 0, "rules": bad})
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) == 2
        told = (
            await client.post("/api/v1/triggers/validate", content="- {name: a}", headers=YAML)
        ).json()
        assert told["valid"] is False
        good = await client.post("/api/v1/triggers/validate", json=[BUSY])
        assert good.json()["valid"] is True
        broken = await client.put("/api/v1/triggers", content=b"{")
        assert broken.status_code == 422
        huge = await client.post("/api/v1/triggers/validate", content=b"x" * (5 << 20))
        assert huge.status_code == 413


async def test_channels_never_show_their_secrets_and_keep_them(tmp_path: Path) -> None:
    hook = {
        "name": "hook", "kind": "webhook", "url": "https://example.org/in/t0ken",
        "secret": "s" * 20,
    }  # fmt: skip
    async with running_api(tmp_path) as (_, bus, client):
        made = await client.put("/api/v1/channels", json={"revision": 0, "entries": [hook]})
        assert made.status_code == 200, made.text
        shown = await client.get("/api/v1/channels")
        assert "t0ken" not in shown.text
        assert "ssss" not in shown.text
        (entry,) = shown.json()["entries"]
        assert (entry["url"], entry["secret"], entry["bot_token"]) == ("(kept)", "(kept)", "")
        body = {"revision": made.json()["revision"], "entries": [entry | {"enabled": False}]}
        assert (await client.put("/api/v1/channels", json=body)).status_code == 200
        stored = await bus.kv_get(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS)
        assert stored is not None
        kept = msgspec.json.decode(stored[0])["entries"][0]
        assert (kept["secret"], kept["enabled"]) == ("s" * 20, False)
        wrong = {"name": "t", "kind": "telegram", "bot_token": "7", "chat_id": "?"}
        answer = await client.put("/api/v1/channels", json={"revision": 0, "entries": [wrong]})
        assert answer.status_code == 422
        assert {"bot_token", "chat_id"} <= {
            error["what"].split(":")[1].strip() for error in answer.json()["errors"]
        }


async def test_lists_and_mutes_are_kept_by_revision(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (_, _bus, client):
        text = f"address,label\n{MINT},a friend\n"
        read = (await client.post("/api/v1/watchlists/csv", content=text, headers=CSV)).json()
        body = {"revision": 0, **read}
        assert (await client.put("/api/v1/watchlists", json=body)).status_code == 200
        kept = (await client.get("/api/v1/watchlists")).json()
        assert kept["entries"][0]["label"] == "a friend"
        bad = await client.post("/api/v1/watchlists/csv", content="x\ny\n", headers=CSV)
        assert len(bad.json()["errors"]) == 2
        mute = {"address": MINT, "of": "token", "reason": "known"}
        answer = await client.put("/api/v1/mutes", json={"revision": 0, "entries": [mute]})
        assert answer.status_code == 200


async def test_any_token_is_asked_of_the_detector(tmp_path: Path) -> None:
    async with running_api(tmp_path) as (broker, _bus, client):
        away = await client.get(f"/api/v1/tokens/{MINT}")
        assert away.status_code == 503
        assert "detector" in away.json()["detail"]
        async with running_service("pw_detector", {"PW_NATS_URL": broker.url}):

            async def answered() -> httpx.Response | None:
                answer = await client.get(f"/api/v1/tokens/{MINT}")
                return answer if answer.status_code == 200 else None

            answer = await poll_until(answered, "an answer of the detector")
            assert answer.json()["state"] == "COLD"
            assert (await client.get(f"/api/v1/tokens/{MINT}/why")).json() == []
            assert (await client.get("/api/v1/tokens?state=HOT")).json() == {
                "tokens": [],
                "next_after": None,
            }
            tried = await client.post("/api/v1/triggers/dry-run", json=[BUSY])
            assert tried.json()["opened"] == 0


async def test_a_channel_is_tried_out_through_the_notifier(tmp_path: Path) -> None:
    with receiving() as receiver:
        hook = {"name": "hook", "kind": "webhook", "url": receiver.url, "secret": "s" * 20}
        async with running_api(tmp_path) as (broker, _bus, client):
            away = await client.post("/api/v1/channels/hook/test")
            assert away.status_code == 503
            await client.put("/api/v1/channels", json={"revision": 0, "entries": [hook]})
            async with running_service("pw_notifier", {"PW_NATS_URL": broker.url}):

                async def sent() -> bool:
                    answer = await client.post("/api/v1/channels/hook/test")
                    return answer.status_code == 200

                await poll_until(sent, "the test message")
                none = await client.post("/api/v1/channels/none/test")
                assert none.status_code == 404
                assert none.headers["content-type"] == "application/problem+json"
                assert "there are: hook" in none.json()["detail"]
        assert receiver.taken[0].json()["alerts"][0]["trigger"] == "test"
