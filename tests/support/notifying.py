"""A notifier with channels of a test, what fires through them, and what it says of them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from support.broker import provisioned
from support.poll import poll_until
from support.receiver import Receiver
from support.records import store
from support.services import running_service


def alert(n: int, **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"{n:032}", "episode": "e", "n": n, "kind": "opened", "trigger": "busy",
        "severity": "warning", "slot": n, "opened_slot": n, "event_time_ms": n, "mint": "M" * 43,
        "title": f"alert {n}", "detail": "x" * 500,
    }  # fmt: skip
    return Alert(**(fields | more))


async def fire(bus: Bus, *numbers: int) -> None:
    for n in numbers:
        one = alert(n)
        await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


def hook(name: str, url: str, **more: Any) -> dict[str, Any]:
    """A webhook for alerts of rules; with `kinds=()` also for what the notifier itself sees."""
    whole = {"name": name, "kind": "webhook", "url": url, "secret": "s" * 24}
    return whole | {"kinds": ("opened",)} | more


async def configure(bus: Bus, *entries: dict[str, Any]) -> None:
    body = msgspec.json.encode({"entries": entries})
    await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)


@asynccontextmanager
async def notifying(
    folder: Path, *entries: dict[str, Any], **environ: str
) -> AsyncIterator[tuple[Bus, str, subprocess.Popen[bytes]]]:
    async with provisioned(folder / "broker") as (broker, bus):
        await configure(bus, *entries)
        variables = {"PW_NATS_URL": broker.url, **environ}
        async with running_service("pw_notifier", variables) as (process, url):

            async def listening() -> bool:
                names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
                return len(names) == len(entries)

            await poll_until(listening, "the channels' durables")
            yield bus, url, process


async def readiness(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        found: dict[str, Any] = (await client.get(f"{url}/readyz")).json()
        return found


async def said(url: str, what: str) -> dict[str, Any]:
    """Wait until readiness says this; nothing means nothing at all."""

    async def says() -> dict[str, Any]:
        found = await readiness(url)
        reason = found["reason"]
        return found if (what in reason if what else not reason) else {}

    return await poll_until(says, f"readiness says {what!r}", timeout_s=30)


def of_rules(receiver: Receiver) -> list[tuple[bool, list[int]]]:
    """Each message with alerts of rules: whether it is late, and which alerts it has."""
    found = []
    for request in receiver.taken:
        body = request.json()
        numbers = [one["n"] for one in body["alerts"] if one["trigger"] == "busy"]
        if numbers:
            found.append((body["late"], numbers))
    return found


async def delivered(receiver: Receiver, *numbers: int) -> list[tuple[bool, list[int]]]:
    async def all_of_them() -> bool:
        return sorted(n for _, some in of_rules(receiver) for n in some) == sorted(numbers)

    await poll_until(all_of_them, f"alerts {numbers} delivered", timeout_s=40)
    return of_rules(receiver)


async def dead_letters(bus: Bus) -> int:
    return int((await bus.api("STREAM.INFO.PW_DLQ"))["state"]["last_seq"])
