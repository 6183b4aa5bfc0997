"""No secret of any setting stands in a log at any level, in metrics, readiness, status or argv."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import encode
from support.broker import provisioned
from support.certificates import authority, signed
from support.command import pw
from support.poll import poll_until
from support.receiver import Received, Receiver, receiving
from support.records import store
from support.source import FakeSource, blocks, running_source

BROKER, ENDPOINT, X_TOKEN = "BrokerSecret4711", "EndpointSecret4712", "XTokenSecret4713"
HOOK, BOT, DEADMAN, API = (
    "HookSecret4714",
    "BotSecret4715Secret",
    "DeadmanSecret4716",
    "Api-4717-x-and-more",
)
SIGNING = "SigningSecret4718"
SECRETS = (BROKER, ENDPOINT, X_TOKEN, HOOK, BOT, DEADMAN, API, SIGNING)
# Whatever log shows the tail of one shows a part of it.
PARTS = tuple(one[-10:] for one in SECRETS)
START_S = 60.0


def assert_no_secret(text: str, where: str) -> None:
    for part in PARTS:
        at = text.find(part)
        assert at < 0, f"{where}: {text[max(0, at - 300) : at + 40]}"


@dataclass
class Echo(FakeSource):
    """Plays, until it refuses and repeats the token that it was given, as servers do."""

    refuses: bool = False

    async def subscribe(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        if self.refuses:
            token = dict(context.invocation_metadata()).get("x-token")
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"no access with '{token}'\nat all")
        async for update in super().subscribe(requests, context):
            yield update


@dataclass
class Service:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    async def started(self) -> None:
        async def has_url() -> str:
            assert self.process.poll() is None, self.said()
            for line in self.said().splitlines():
                if '"service_started"' in line:
                    return str(msgspec.json.decode(line)["http_url"])
            return ""

        self.url = await poll_until(has_url, f"{self.name} started", timeout_s=START_S)


@dataclass
class Services:
    """Services with all their output in files."""

    folder: Path
    all: list[Service] = field(default_factory=list)

    def start(self, name: str, environ: dict[str, str]) -> Service:
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", f"pw_{name}"],
                env={
                    **os.environ,
                    "PW_HTTP_LISTEN": "127.0.0.1:0",
                    "PW_LOG_LEVEL": "debug",
                    **environ,
                },
                stdout=out,
                stderr=out,
            )
        service = Service(name, process, log)
        self.all.append(service)
        return service


@contextmanager
def started_services(folder: Path) -> Iterator[Services]:
    services = Services(folder)
    try:
        yield services
    finally:
        for one in services.all:
            if one.process.poll() is None:
                one.process.terminate()
        for one in services.all:
            one.process.wait(40)


def echo_of(receiver: Receiver, status: int, **headers: str) -> None:
    """Refuse as error pages do: with the path that was asked for."""

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        receiver.seen.append(request)
        return status, headers, f"Cannot POST {request.path}".encode()

    receiver.answer = answer  # type: ignore[method-assign]


def secret_file(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def channels(hooks: Receiver, moved: Receiver) -> list[dict[str, Any]]:
    hook = {"kind": "webhook", "secret": SIGNING}
    discord = {"kind": "discord"}
    return [
        {"name": "echo", "url": f"{hooks.url}/in/{HOOK}?key={HOOK}", **hook},
        {"name": "moved", "url": f"{moved.url}/api/webhooks/1/{HOOK}", **discord},
        {"name": "nohost", "url": f"https://no-such-host.invalid/{HOOK}", **hook},
        {"name": "refused", "url": f"http://user:{HOOK}@127.0.0.1:1/{HOOK}", **hook},
        {"name": "bot", "kind": "telegram", "bot_token": f"1:{BOT}", "chat_id": "1"},
        {"name": "phone", "kind": "ntfy", "url": f"{hooks.url}/{HOOK}", "access_token": BOT},
        {"name": "team", "kind": "slack", "url": f"{hooks.url}/services/{HOOK}"},
    ]


async def fire(bus: Bus) -> None:
    alert = Alert(
        id="1" * 32, episode="e", n=1, kind="opened", trigger="busy", severity="warning", slot=1,
        opened_slot=1, event_time_ms=1, mint="M" * 43, title="alert",
    )  # fmt: skip
    await store(bus, subjects.alert(alert.id), encode(alert), {"Nats-Msg-Id": alert.id})


@asynccontextmanager
async def every_service(
    folder: Path, broker_url: str, source: Echo, telegram: Receiver, deadman: Receiver
) -> AsyncIterator[dict[str, Service]]:
    """All services at debug, each with a secret wherever a setting can hold one."""
    broker = {"PW_NATS_URL": broker_url.replace("://", f"://pw:{BROKER}@")}
    ca = authority(folder / "tls", "ca")
    pair = signed(folder / "tls", ca, "adapter", host="127.0.0.1")
    token = secret_file(folder, "x-token", X_TOKEN)
    environs = {
        "parser": {},
        "detector": {},
        "api": {"PW_API_TOKEN_FILE": secret_file(folder, "api-token", API)},
        "notifier": {
            "PW_NOTIFIER_TELEGRAM_URL": telegram.url,
            "PW_NOTIFIER_DEADMAN_URL_FILE": secret_file(
                folder, "deadman", f"{deadman.url}/{DEADMAN}"
            ),
        },
        "ingest": {
            # Its blocks are of years ago: as a live source it would be far behind, and no calm.
            "PW_INGEST_SOURCE_KIND": "recorded",
            "PW_INGEST_ENDPOINT": source.endpoint.replace("://", f"://u:{ENDPOINT}@")
            + f"/{ENDPOINT}?api-key={ENDPOINT}",
            "PW_INGEST_TOKEN_FILE": token,
            "PW_INGEST_PROGRAMS": "all",
        },
        "lag_adapter": {
            "PW_LAG_ADAPTER_LISTEN": "127.0.0.1:0",
            "PW_LAG_ADAPTER_CERT_FILE": str(pair.certificate),
            "PW_LAG_ADAPTER_KEY_FILE": str(pair.key),
            "PW_LAG_ADAPTER_CLIENT_CA_FILE": str(ca.certificate),
        },
    }
    with started_services(folder) as services:
        provision = services.start("provision", broker)
        assert await asyncio.to_thread(provision.process.wait, START_S) == 0, provision.said()
        services.start("replay", {"PW_REPLAY_LISTEN": "127.0.0.1:0", "PW_REPLAY_TOKEN_FILE": token})
        for name, environ in environs.items():
            services.start(name, {**broker, **environ})
        found = {one.name: one for one in services.all}
        for name in environs:
            await found[name].started()
        yield found


async def shown(services: dict[str, Service]) -> str:
    """Everything that the services answer over HTTP."""
    texts = []
    headers = {"Authorization": f"Bearer {API}"}
    async with httpx.AsyncClient(timeout=20, trust_env=False, headers=headers) as client:
        for one in services.values():
            paths = ["/livez", "/readyz", "/metrics"] if one.url else []
            if one.name == "api":
                paths += [f"/api/v1/{it}" for it in ("status", "dead-letters", "channels", "gaps")]
            for path in paths:
                answer = await client.get(one.url + path)
                texts.append(f"{one.name}{path}: {answer.status_code} {answer.text}")
    return "\n".join(texts)


@pytest.mark.timeout(480)
async def test_no_service_shows_a_secret_whatever_goes_wrong(tmp_path: Path) -> None:
    source = Echo(blocks(range(100, 110)), token=X_TOKEN)
    async with provisioned(tmp_path / "broker") as (broker, bus), running_source(source):
        with (
            receiving() as hooks, receiving() as moved, receiving() as telegram,
            receiving() as deadman,
        ):  # fmt: skip
            echo_of(hooks, 400)
            echo_of(moved, 302, Location=f"{hooks.url}/stolen/{HOOK}")
            echo_of(telegram, 401)
            echo_of(deadman, 500)
            body = msgspec.json.encode({"entries": channels(hooks, moved)})
            await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)
            async with every_service(tmp_path, broker.url, source, telegram, deadman) as services:
                await asyncio.wait_for(provoke(bus, source, services, deadman, telegram), 150)
                assert_no_secret(await shown(services), "over HTTP")
                beats = await bus.kv_all(subjects.BUCKET_INSTANCES)
                assert_no_secret("".join(map(str, beats.values())), "heartbeats")
                for one in services.values():
                    argv = Path(f"/proc/{one.process.pid}/cmdline")
                    assert_no_secret(argv.read_text() if argv.exists() else "", "argv")
                broker.kill()
                await until_said(services["parser"], "broker_disconnected")
                await until_said(services["notifier"], "watch_waits")
        for one in services.values():
            assert_no_secret(one.said(), one.name)
        assert "stolen" not in "".join(request.path for request in hooks.seen)


async def provoke(
    bus: Bus,
    source: Echo,
    services: dict[str, Service],
    deadman: Receiver,
    telegram: Receiver,
) -> None:
    async def pressed() -> bool:
        return bool(deadman.seen)

    await poll_until(pressed, "the dead man's switch pressed", timeout_s=60)
    assert deadman.seen[0].path == f"/{DEADMAN}"
    await fire(bus)
    source.refuses = True
    source.ended.set()
    await until_said(services["ingest"], "no access with")

    async def in_the_heartbeat() -> bool:
        beats = await bus.kv_all(subjects.BUCKET_INSTANCES)
        return any(b"no access with" in body for body in beats.values())

    await poll_until(in_the_heartbeat, "the source's words in the heartbeat")
    await until_dead(bus, "echo")
    for name in ("moved", "nohost", "refused", "bot"):
        await until_said(services["notifier"], f'"channel":"{name}","reason"')
    assert telegram.seen[0].path == f"/bot1:{BOT}/sendMessage"


async def until_said(service: Service, what: str) -> None:
    async def said() -> bool:
        return what in service.said()

    await poll_until(said, f"{service.name} says {what}", timeout_s=60)


async def until_dead(bus: Bus, channel: str) -> None:
    """Wait for the dead letter of a channel: it quotes what the receiver said."""

    async def dead() -> bool:
        state = (await bus.api("STREAM.INFO.PW_DLQ"))["state"]
        for seq in range(1, int(state["last_seq"]) + 1):
            message = (await bus.js.get_msg(subjects.STREAM_DLQ, seq)).headers or {}
            reason = message.get("Pw-Reason", "")
            assert_no_secret(reason, "a dead letter")
            if reason.startswith(f"{channel}: answered"):
                return True
        return False

    await poll_until(dead, f"a dead letter of {channel}", timeout_s=60)


AWAY = f"nats://pw:{BROKER}@127.0.0.1:1"
API_URL = f"http://u:{API}@127.0.0.1:1/{API}"


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (("tail", "PW_SWAP"), {"PW_NATS_URL": AWAY}),
        (("tail", "PW_SWAP"), {"PW_NATS_URL": f"nats://pw:1{BROKER}/x@127.0.0.1:1"}),
        (("tail", "PW_SWAP"), {"PW_NATS_URL": f"nats://pw:x/{BROKER}@127.0.0.1:1"}),
        (("tail", "--help"), {"PW_NATS_URL": AWAY}),
        (("status", "--once"), {"PW_API_URL": API_URL}),
        (("status", "--once"), {"PW_API_URL": f"http://u:{API}/x@127.0.0.1:1"}),
        (("status", "--help"), {"PW_API_URL": API_URL}),
        (("status", "--once"), {"PW_API_TOKEN_FILE": API}),
        (("why", "M" * 43), {"PW_API_URL": API_URL}),
        (("why", "M" * 43), {"PW_API_URL": f"http://u:{API}/x@127.0.0.1:1"}),
        (("tokens",), {"PW_API_URL": f"http://u:{API}/x@127.0.0.1:1"}),
        (("up", "--port", "0"), {"PW_NATS_URL": AWAY}),
        (("verify",), {"PW_NATS_URL": AWAY, "PW_NATS_PASSWORD_FILE": BROKER}),
    ],
)
async def test_no_command_shows_a_secret_that_it_cannot_use(
    words: tuple[str, ...], environ: dict[str, str]
) -> None:
    ended = await pw(*words, **environ)
    assert ended.code == (0 if "--help" in words else ended.code or 99)
    assert ended.out + ended.err
    assert "Traceback" not in ended.err
    assert_no_secret(ended.out + ended.err, " ".join(words))


async def test_what_pw_up_starts_has_no_secret_in_its_output_or_argv(tmp_path: Path) -> None:
    source = Echo(blocks(range(100, 110)), token=X_TOKEN)
    log = tmp_path / "up.log"
    async with provisioned(tmp_path / "broker") as (broker, _), running_source(source):
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: ASYNC220
                [
                    *(sys.executable, "-m", "pw_cli.main", "up", "--port", "0"),
                    *("--endpoint", f"{source.endpoint}/{ENDPOINT}"),
                    *("--x-token-file", secret_file(tmp_path, "token", X_TOKEN)),
                ],
                env={
                    **os.environ,
                    "PW_NATS_URL": broker.url.replace("://", f"://pw:{BROKER}@"),
                },
                stdout=out,
                stderr=out,
            )
        try:
            service = Service("up", process, log)
            await until_said(service, "data  ")
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            assert len(children) >= 4
            for child in children:
                assert_no_secret(Path(f"/proc/{child}/cmdline").read_text(), "argv")
            source.refuses = True
            source.ended.set()
            await until_said(service, "no access with")
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.wait, 90)
        assert f"broker        nats://***@127.0.0.1:{broker.port}" in log.read_text()
        assert_no_secret(log.read_text(), "pw up")
