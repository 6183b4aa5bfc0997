"""Health is judged right, and said, where the broker is far away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.overview import take
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.topology import subjects
from pw_health import conditions
from pw_health.reading import snapshot_of
from support.beating import beating
from support.broker import provisioned
from support.far_broker import Far, far_away
from support.notifying import configure, hook
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import beat, source_health
from support.services import running_service

# A quarter of a second for each question and its answer: another continent.
ONE_WAY_S = 0.125
PARSERS = 20


async def system(bus: Bus) -> None:
    """Twenty parsers and what else must run."""
    source = source_health()
    await asyncio.gather(
        beat(bus, "ingest", source=source),
        beat(bus, "detector"),
        *(beat(bus, "parser", instance=f"parser-{n:02}") for n in range(PARSERS)),
    )


@asynccontextmanager
async def far(folder: Path) -> AsyncIterator[tuple[LocalBroker, Bus, Far]]:
    async with provisioned(folder / "broker") as (broker, bus), far_away(broker, ONE_WAY_S) as way:
        yield broker, bus, way


def alerts_of(receiver: Receiver) -> list[dict[str, Any]]:
    return [one for request in receiver.taken for one in request.json()["alerts"]]


async def test_processes_that_live_are_not_called_dead_by_an_api_that_is_far_away(
    tmp_path: Path,
) -> None:
    async with far(tmp_path) as (_, bus, way), beating(lambda: system(bus)):
        settings = {"PW_NATS_URL": way.url, "PW_API_NO_TOKEN": "true"}
        async with (
            running_service("pw_api", settings) as (_, url),
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            for _ in range(4):
                began_s = monotonic_s()
                status = (await client.get("/api/v1/status")).json()
                assert status["mode"] == "running"
                assert status["conditions"] == []
                # Six questions one after the other, however many processes there are.
                assert monotonic_s() - began_s < 20 * 2 * ONE_WAY_S


async def test_an_answer_that_comes_late_makes_no_heartbeat_older(tmp_path: Path) -> None:
    async with provisioned(tmp_path / "broker") as (_, bus):
        await system(bus)
        ask = bus.api

        async def later(subject: str, body: Any = None, **more: Any) -> Any:
            answer = await ask(subject, body, **more)
            if subject == f"STREAM.INFO.{subjects.STREAM_TX}":
                answer["ts"] = f"2999{answer['ts'][4:]}"
            return answer

        bus.api = later  # type: ignore[method-assign]
        view = await take(bus, now_ms())
    assert len(view.heartbeats) == PARSERS + 2
    assert conditions(snapshot_of(view)) == ()


@pytest.mark.timeout(120)
async def test_a_notifier_that_is_far_away_says_that_it_is_blind_and_leaves_the_switch(
    tmp_path: Path,
) -> None:
    async def others(bus: Bus) -> None:
        await asyncio.gather(*(beat(bus, "api", instance=f"api-{n:02}") for n in range(PARSERS)))

    with receiving() as receiver, receiving() as switch:
        path = tmp_path / "deadman"
        path.write_text(f"{switch.url}/ping")
        async with far(tmp_path) as (_, bus, way), beating(lambda: others(bus)):
            await configure(bus, hook("hook", receiver.url, kinds=()))
            settings = {"PW_NATS_URL": way.url, "PW_NOTIFIER_DEADMAN_URL_FILE": str(path)}
            async with running_service("pw_notifier", settings):

                async def blind() -> bool:
                    return "no_ingest" in {one["trigger"] for one in alerts_of(receiver)}

                await poll_until(blind, "the blind alert", timeout_s=30)
                assert switch.seen == []


@pytest.mark.timeout(180)
async def test_a_broker_that_becomes_slow_is_said_and_the_switch_is_not_pressed_meanwhile(
    tmp_path: Path,
) -> None:
    with receiving() as receiver, receiving() as switch:
        path = tmp_path / "deadman"
        path.write_text(f"{switch.url}/ping")
        async with far(tmp_path) as (_, bus, way), beating(lambda: system(bus)):
            way.one_way_s = 0.0
            await configure(bus, hook("hook", receiver.url, kinds=()))
            settings = {"PW_NATS_URL": way.url, "PW_NOTIFIER_DEADMAN_URL_FILE": str(path)}
            async with running_service("pw_notifier", settings):
                await poll_until(lambda: pressed(switch, 1), "pressed while well", timeout_s=30)
                way.one_way_s = 0.6

                async def slow() -> bool:
                    return "slow_broker" in {one["trigger"] for one in alerts_of(receiver)}

                await poll_until(slow, "the slow broker is said", timeout_s=60)
                assert len(switch.seen) == 1
                way.one_way_s = 0.0
                await poll_until(lambda: pressed(switch, 2), "pressed again", timeout_s=60)
    assert [one["kind"] for one in alerts_of(receiver)] == ["blind", "sighted"]


async def pressed(switch: Receiver, count: int) -> bool:
    return len(switch.seen) >= count
