"""What is signed, and that the examples of `docs/webhooks` verify it and nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.process.clock import now_ms
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from support.broker import provisioned
from support.poll import poll_until
from support.records import store
from support.services import running_service

EXAMPLES = Path(__file__).parents[3] / "docs/webhooks"
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 24).decode()


def command(language: str) -> list[str]:
    if language == "python":
        return [sys.executable, str(EXAMPLES / "receive.py")]
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the Node example was NOT tried")
    return [node, str(EXAMPLES / "receive.mjs")]


class Example:
    """A running example and what it printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output
        self.url = ""

    def lines(self) -> list[str]:
        return self._output.read_text().splitlines()


@asynccontextmanager
async def running(language: str, secret: str, folder: Path) -> AsyncIterator[Example]:
    output = folder / f"{language}.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [*command(language), "0"],
            env={**os.environ, "PW_WEBHOOK_SECRET": secret},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    example = Example(process, output)
    try:

        async def listens() -> bool:
            assert process.poll() is None, example.lines()
            return any(line.startswith("listening on port") for line in example.lines())

        await poll_until(listens, "the example listens", timeout_s=30)
        example.url = f"http://127.0.0.1:{example.lines()[0].rpartition(' ')[2]}"
        yield example
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


async def fire(bus: Bus, n: int) -> None:
    alert = Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="busy", severity="warning", slot=n,
        opened_slot=n, event_time_ms=n, mint="M" * 43, title=f"alert {n} \U0001f415 ü",
    )  # fmt: skip
    await store(bus, subjects.alert(alert.id), encode(alert), {"Nats-Msg-Id": alert.id})


async def configure(bus: Bus, url: str, secret: str) -> None:
    entry = {"name": "hook", "kind": "webhook", "url": url, "secret": secret}
    body = msgspec.json.encode({"entries": [entry]})
    await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)


def signed(key: bytes, at_s: float, body: bytes) -> dict[str, str]:
    """Headers as the specification has them, written here once more."""
    told = hmac.new(key, b"m1." + str(int(at_s)).encode() + b"." + body, hashlib.sha256).digest()
    return {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(at_s)),
        "webhook-signature": "v1a,x v1,AAAA v1," + base64.b64encode(told).decode(),
    }


BODY = msgspec.json.encode(
    {"late": False, "alerts": [{"id": "by hand", "severity": "info", "title": "by hand"}]}
)


async def answers(example: Example) -> dict[str, int]:
    """What it answers to a good message and to each way in which one can be bad."""
    now_s, key = now_ms() / 1_000, b"o" * 32
    good = signed(key, now_s, BODY)
    tried: dict[str, tuple[dict[str, str], bytes]] = {
        "good": (good, BODY),
        "again": (good, BODY),
        "other body": (good, BODY.replace(b"info", b"warn")),
        "other key": (signed(b"x" * 32, now_s, BODY), BODY),
        "too old": (signed(key, now_s - 301, BODY), BODY),
        "too new": (signed(key, now_s + 330, BODY), BODY),
        "other id": (good | {"webhook-id": "m2"}, BODY),
        "other time": (good | {"webhook-timestamp": str(int(now_s) + 1)}, BODY),
        "no time": (good | {"webhook-timestamp": "now"}, BODY),
        "no signature": ({k: v for k, v in good.items() if k != "webhook-signature"}, BODY),
        "odd signature": (good | {"webhook-signature": "v1"}, BODY),
        "nothing": ({}, BODY),
    }
    found: dict[str, Any] = {}
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, (headers, body) in tried.items():
            answer = await client.post(example.url, content=body, headers=headers)
            found[name] = answer.status_code
    return found


@pytest.mark.parametrize("language", ["python", "node"])
async def test_an_example_verifies_what_the_notifier_sends_and_nothing_else(
    tmp_path: Path, language: str
) -> None:
    async with running(language, OLD, tmp_path) as example:
        async with provisioned(tmp_path / "broker") as (broker, bus):
            await configure(bus, example.url, OLD)
            async with running_service("pw_notifier", {"PW_NATS_URL": broker.url}) as (_, url):

                async def listening() -> bool:
                    names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
                    return bool(names)

                await poll_until(listening, "the channel's durable")

                async def printed(line: str) -> None:
                    async def has() -> bool:
                        return line in example.lines()

                    await poll_until(has, f"{line!r} printed", timeout_s=40)

                await fire(bus, 1)
                await printed("new warning alert 1 \U0001f415 ü")
                # Both keys sign while one is changed for the other.
                await configure(bus, example.url, f"{NEW} {OLD}")
                await fire(bus, 2)
                await printed("new warning alert 2 \U0001f415 ü")
                # With the new one alone it is refused, held and said, until the old one signs.
                await configure(bus, example.url, NEW)

                fired = 2

                async def refused() -> bool:
                    # Until the notifier has taken the change up, what fires is delivered.
                    nonlocal fired
                    fired += 1
                    await fire(bus, fired)
                    async with httpx.AsyncClient(trust_env=False) as client:
                        said = (await client.get(f"{url}/readyz")).text
                    return "until it is set right: answered 401" in said

                await poll_until(refused, "a refusal that is said", timeout_s=30, every_s=0.5)
                await configure(bus, example.url, f"{OLD} {NEW}")
                await printed(f"late warning alert {fired} \U0001f415 ü")
        found = await answers(example)
        assert found.pop("good") == 204
        assert found.pop("again") == 204
        assert set(found.values()) == {401}, found
        assert example.lines().count("new info by hand") == 1
