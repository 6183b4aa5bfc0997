"""API, notifier and `pw status` say the same of the same system, on real parts."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.process.clock import monotonic_s
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from pw_health.course import CLEAR_MS
from pw_notifier.watch import GRACE_S
from support.apis import running_api
from support.beating import beating
from support.browsing import browse, dashboard_here
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import beat, source_health, store, store_batch
from support.services import running_service

SECRET = "s" * 24
BEHIND = "17447 messages behind"


async def status_of(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/v1/status")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(status: dict[str, Any]) -> list[str]:
    return [one["name"] for one in status["conditions"]]


def parsers(status: dict[str, Any]) -> list[dict[str, Any]]:
    found = [one["instances"] for one in status["services"] if one["service"] == "parser"]
    return found[0] if found else []


class System:
    """Services that beat as the test says; a service that is left out says nothing."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.reasons: dict[str, str] = {"ingest": "", "parser": "", "detector": ""}
        self.clock_ms: dict[str, int] = {}

    async def beats(self) -> None:
        for service, reason in list(self.reasons.items()):
            source = source_health() if service == "ingest" else None
            clock_ms = self.clock_ms.get(service, 0)
            await beat(self.bus, service, source=source, reason=reason, clock_ms=clock_ms)


@asynccontextmanager
async def system(folder: Path) -> AsyncIterator[tuple[System, httpx.AsyncClient]]:
    async with running_api(folder) as (_, bus, client):
        made = System(bus)
        async with beating(made.beats):
            yield made, client


async def until(
    client: httpx.AsyncClient, holds: Callable[[dict[str, Any]], bool], what: str
) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        status = await status_of(client)
        return status if holds(status) else None

    return await poll_until(look, what, timeout_s=30)


async def test_a_detector_thousands_of_messages_behind_is_not_running(tmp_path: Path) -> None:
    async with system(tmp_path) as (made, client):
        await until(client, lambda s: s["mode"] == "running", "all well")
        made.reasons["detector"] = BEHIND
        status = await until(client, lambda s: s["mode"] == "catching_up", "behind")
        (only,) = status["conditions"]
        assert status["why"] == [only["why"]]
        assert (only["name"], only["severity"]) == ("detector_behind", "critical")
        assert BEHIND in only["why"]
        assert 0 < only["since_ms"] <= status["at_ms"] + 1_000


async def test_a_detector_that_says_it_is_well_is_judged_by_what_it_has_folded(
    tmp_path: Path,
) -> None:
    async with system(tmp_path) as (made, client):
        await store_batch(made.bus, 1)
        info = await made.bus.api(f"STREAM.INFO.{subjects.STREAM_SWAP}")
        position = {
            "type": "position.v1", "swap_stream_created": info["created"], "folded_seq": 1,
            "folded_time_ms": 1, "released_slot": 1, "event_time_ms": 1, "restart_seq": 1,
        }  # fmt: skip
        await made.bus.kv_put(
            subjects.BUCKET_DETECTOR, subjects.KEY_POSITION, msgspec.json.encode(position)
        )
        await until(client, lambda s: s["mode"] == "running", "nothing newer to fold")
        await store_batch(made.bus, 2)
        status = await until(client, lambda s: s["mode"] == "catching_up", "a batch not folded")
        assert names(status) == ["detector_behind"]


async def test_a_wrong_clock_is_named_and_neither_hides_nor_feigns_a_death(tmp_path: Path) -> None:
    async with system(tmp_path) as (made, client):
        made.clock_ms = {"parser": -60_000, "detector": 60_000}
        status = await until(client, lambda s: len(s["conditions"]) == 2, "two clocks")
        assert status["mode"] == "running"
        assert names(status) == ["skew_detector", "skew_parser"]
        del made.reasons["detector"]
        status = await until(client, lambda s: s["mode"] == "blind", "no detector")
        assert names(status) == ["no_detector", "skew_parser"]


async def test_a_service_that_ends_in_order_is_missed_at_once_and_a_killed_one_after_seconds(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path) as (broker, _, client):
        settings = {"PW_NATS_URL": broker.url}
        async with running_service("pw_parser", settings):
            await until(client, lambda s: "no_parser" not in names(s), "a parser")
        left_s = monotonic_s()
        await until(client, lambda s: "no_parser" in names(s), "it has left")
        # Nobody waits for its heartbeat to become old.
        assert monotonic_s() - left_s < 4
        async with running_service("pw_parser", settings) as (first, _):
            await until(client, lambda s: "no_parser" not in names(s), "a parser")
            async with running_service("pw_parser", settings):
                await until(client, lambda s: len(parsers(s)) == 2, "two parsers")
                os.kill(first.pid, signal.SIGSTOP)
                try:
                    status = await until(
                        client, lambda s: any(one["stale"] for one in parsers(s)), "silence"
                    )
                    assert "no_parser" not in names(status)
                finally:
                    os.kill(first.pid, signal.SIGCONT)


async def test_alerts_that_wait_for_a_channel_are_a_condition_also_without_a_notifier(
    tmp_path: Path,
) -> None:
    async with system(tmp_path) as (made, client):
        name = subjects.notifier_consumer("hook")
        config = {"durable_name": name, "name": name, "ack_policy": "explicit"}
        await made.bus.api(
            f"CONSUMER.CREATE.{subjects.STREAM_ALERT}.{name}",
            {"stream_name": subjects.STREAM_ALERT, "config": config, "action": ""},
        )
        one = Alert(
            id="1" * 32, episode="e", n=0, kind="opened", trigger="t", severity="info", slot=1,
            opened_slot=1, event_time_ms=1,
        )  # fmt: skip
        await store(made.bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})
        status = await until(client, lambda s: s["mode"] == "catching_up", "no notifier")
        assert names(status) == ["no_notifier"]
        assert "hook" in status["why"][0]
        (waiting,) = [c for c in status["consumers"] if c["consumer"] == name]
        assert waiting["pending"] == 1


@pytest.mark.timeout(180)
async def test_the_notifier_says_what_status_says_and_gives_one_all_clear(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with system(tmp_path) as (made, client):
            hook = {"name": "hook", "kind": "webhook", "url": receiver.url, "secret": SECRET}
            body = msgspec.json.encode({"entries": [hook]})
            await made.bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)
            url = made.bus.client.servers[0].geturl()
            del made.reasons["detector"]
            async with running_service("pw_notifier", {"PW_NATS_URL": url}):
                await poll_until(lambda: said(receiver, 1), "no detector")
                made.reasons["detector"] = BEHIND
                await poll_until(lambda: said(receiver, 2), "detector behind")
                status = await status_of(client)
                assert names(status) == ["detector_behind"]
            async with running_service("pw_notifier", {"PW_NATS_URL": url}):
                # One that starts again gives a system time to come up, and then looks as long as
                # it would take for an all-clear, and a little more.
                began_s = monotonic_s()
                enough_s = GRACE_S + CLEAR_MS / 1_000 + 4
                await poll_until(lambda: passed(began_s, enough_s), "a while")
                assert len(alerts_of(receiver)) == 2
                made.reasons["detector"] = ""
                well_s = monotonic_s()
                await poll_until(lambda: said(receiver, 3), "all clear", timeout_s=30)
                assert monotonic_s() - well_s >= CLEAR_MS / 1_000 - 1
                assert (await status_of(client))["mode"] == "running"
    alerts = alerts_of(receiver)
    assert [one["kind"] for one in alerts] == ["blind", "blind", "sighted"]
    assert [one["trigger"] for one in alerts][:2] == ["no_detector", "detector_behind"]
    assert len({one["episode"] for one in alerts}) == 1
    assert status["conditions"][0]["why"] in alerts[1]["detail"]


def alerts_of(receiver: Receiver) -> list[dict[str, Any]]:
    return [one for request in receiver.taken for one in request.json()["alerts"]]


async def said(receiver: Receiver, count: int) -> bool:
    return len(alerts_of(receiver)) >= count


async def passed(began_s: float, seconds: float) -> bool:
    return monotonic_s() - began_s > seconds


@pytest.mark.browser
@pytest.mark.timeout(600)
async def test_the_page_shows_what_the_api_judged(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    dashboard_here()
    cache = pytestconfig.rootpath / ".pytest_cache" / "browser"
    asks = running_api(tmp_path, PW_API_TOKEN_FILE="", PW_API_NO_TOKEN="true")
    async with asks as (_, bus, client):
        made = System(bus)
        made.reasons["detector"] = BEHIND
        async with beating(made.beats):
            own = str(client.base_url).rstrip("/")
            page = await browse(cache, {"own": own}, "conditions.mjs")
    [shown] = page["found"]
    assert shown["severity"] == "critical"
    assert f"The detector is not up to date: {BEHIND}." in shown["text"]
    assert "Wait while it catches up" in shown["text"]
    assert page["mode"] == "catching up"
    narrow = page["narrow"]
    assert len([one for one in narrow["wrong"] if "no sign for 12 s" in one]) == 2
    assert "1 condition" in narrow["wrong"]
    assert (narrow["system"], narrow["alerts"], narrow["axe"]) == (0, 0, [])
    assert page["errors"] == []
