"""How every service lives: settings, HTTP, connect, run until stopped, close in order.

A broker that is not there yet is waited for, and log and readiness say so.

SIGTERM or SIGINT sets `stop`; the service finishes what it has in hand within
`shutdown_timeout_s`, then it is cut. A second signal ends at once. A bug
crashes: the exit code says so.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import msgspec
import uvloop

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus, unopened
from pw_common.process.clock import instance_name, monotonic_s, now_ms
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_CRASH, EXIT_OK, EXIT_UNAVAILABLE
from pw_common.process.log import Log, setup
from pw_common.process.tasks import end_tasks
from pw_common.process.version import VERSION
from pw_common.service import settings as st
from pw_common.service.begin import StoppedEarly, connected
from pw_common.service.health import JSON, PROMETHEUS, TEXT, HealthServer, PortTaken, Reply
from pw_common.service.metrics import Metrics
from pw_common.service.settings import host_port, setting
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.text.redact import redacted
from pw_common.topology.subjects import BUCKET_INSTANCES
from pw_common.wire.heartbeat import Heartbeat, LayoutDrift, MemoryHealth, SourceHealth, Trouble
from pw_common.wire.messages import encode

HEARTBEAT_S = 1.0
# A stop waits at most this long for the broker to forget us.
LEAVE_S = 0.5
# A heartbeat carries no more troubles than this, failing channels first; `reason` has them all.
TROUBLES_MAX = 64


@dataclass(frozen=True)
class CommonSettings:
    """What every service reads. Services inherit and add their own."""

    nats_url: str = setting(
        "PW_NATS_URL",
        "Broker, or several, comma separated",
        default="nats://127.0.0.1:4222",
        check=st.url("nats", "tls"),
    )
    nats_user: str = setting("PW_NATS_USER", "Broker user of this service", default="")
    nats_password_file: Path | None = setting(
        "PW_NATS_PASSWORD_FILE",
        "File with that user's password",
        default=None,
        check=st.readable_file,
    )
    nats_ca_file: Path | None = setting(
        "PW_NATS_CA_FILE",
        "PEM with the CAs that a tls:// broker's certificate is checked with; unset: the system's, "
        "or SSL_CERT_FILE",
        default=None,
        check=st.ca_file,
    )
    http_listen: str = setting(
        "PW_HTTP_LISTEN",
        "Address of /livez, /readyz and /metrics; port 0 takes a free one",
        default="127.0.0.1:0",
        check=st.listen_address,
    )
    http_advertise: str = setting(
        "PW_HTTP_ADVERTISE",
        "Host that others reach PW_HTTP_LISTEN by, for heartbeats; unset: as it listens, or this "
        "machine's name",
        default="",
    )
    log_level: str = setting(
        "PW_LOG_LEVEL",
        "How much is logged",
        default="info",
        check=st.one_of("debug", "info", "warning", "error"),
    )
    log_format: str = setting(
        "PW_LOG_FORMAT", "json, or text for people", default="json", check=st.one_of("json", "text")
    )
    shutdown_timeout_s: float = setting(
        "PW_SHUTDOWN_TIMEOUT_S",
        "How long a stop may take before what is in hand is given back",
        default=20.0,
        check=st.between(0.1, 600),
    )


@dataclass
class Runtime:
    """What a running service has in its hands.

    `needs_broker` is whether it is of use without one: a page, or an API that Kubernetes itself
    depends on, is ready as soon as it answers HTTP.
    """

    service: str
    instance: str
    bus: Bus
    log: Log
    metrics: Metrics
    stop: asyncio.Event
    started_at_ms: int
    ready: bool = False
    reason: str = "starting"
    http_url: str = ""
    # What a person should see to although the service works: shown where `reason` is empty.
    trouble: str = ""
    needs_broker: bool = True
    # A service with a source fills this in for its heartbeat.
    source: Callable[[], SourceHealth | None] = field(default=lambda: None)
    # A parser says here which venues have changed.
    drift: Callable[[], tuple[LayoutDrift, ...]] = field(default=lambda: ())

    # A service whose memory grows with its input says how much it holds.
    memory: Callable[[], MemoryHealth | None] = field(default=lambda: None)

    # Sources without which a service waits, although it reads none itself.
    expects: tuple[str, ...] = ()

    # When the newest swap that was read was stored; None before the first.
    last_swap_ms: int | None = None

    # The same by subject, so that no trouble hides another.
    _troubles: dict[str, Trouble] = field(default_factory=dict)

    def set_trouble(
        self, about: str, what: str, *, channel: str = "", failing: bool = False
    ) -> None:
        """What a person should see to; an empty `what` ends it.

        Args:
            channel: It is about this channel of alerts, and `what` goes on after its name.
            failing: Nothing arrives through that channel.
        """
        if what:
            plain = plain_text(redacted(what), SENTENCE_CHARS_MAX)
            self._troubles[about] = Trouble(what=plain, channel=channel, failing=failing)
        else:
            self._troubles.pop(about, None)
        self.trouble = "; ".join(
            f"channel {one.channel} {one.what}" if one.channel else one.what
            for one in self._troubles.values()
        )

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What a person should see to, in order."""
        worst_first = sorted(self._troubles.values(), key=lambda one: not one.failing)
        return tuple(worst_first[:TROUBLES_MAX])

    def set_ready(self, reason: str = "") -> None:
        """Ready when `reason` is empty; otherwise not ready, and why."""
        self.ready = not reason
        # It may quote a source or a file, and stands in `/readyz`, the status and alerts.
        self.reason = plain_text(redacted(reason), SENTENCE_CHARS_MAX)


class HttpServer(Protocol):
    """What answers HTTP for a service: `HealthServer`, or one with more to say."""

    address: str

    async def start(self, host: str, port: int) -> None:
        """Listen and set `address`; raises PortTaken."""

    async def stop(self) -> None:
        """Stop listening and finish what is being answered."""


Body = Callable[[Runtime], Awaitable[None]]
MakeHttp = Callable[[Runtime], HttpServer]


def run_service(
    service: str,
    settings: CommonSettings,
    body: Body,
    *,
    http: MakeHttp | None = None,
    needs_broker: bool = True,
) -> int:
    """Run a service to its end; returns the process's exit code.

    Args:
        http: Makes the server for a service that answers more than health.
        needs_broker: Whether the body begins only once the broker is connected, and readiness
            follows the connection.
    """
    log = setup(service, VERSION, level=settings.log_level, format_=settings.log_format)

    async def main() -> int:
        code = await _main(service, settings, body, log, http or _health_only, needs_broker)
        # asyncio would wait for ever for a task that swallows its cancel.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        left = await end_tasks(*others)
        if left:
            log.error("tasks_left", tasks=sorted(map(str, left)))
            sys.stderr.flush()
            os._exit(code)
        if code == EXIT_OK:
            log.info("service_stopped")
        return code

    code = uvloop.run(main())
    # Python would search every object once more before it goes, which takes a second where the
    # machine is busy.
    gc.freeze()
    return code


def _health_only(runtime: Runtime) -> HttpServer:
    return HealthServer(routes(runtime))


async def _main(
    service: str,
    settings: CommonSettings,
    body: Body,
    log: Log,
    make_http: MakeHttp,
    needs_broker: bool,
) -> int:
    stop = asyncio.Event()
    watch_signals(stop)
    bus = unopened(log)
    runtime = Runtime(
        service=service,
        instance=instance_name(service),
        bus=bus,
        log=log,
        metrics=Metrics(service, VERSION),
        stop=stop,
        started_at_ms=now_ms(),
        needs_broker=needs_broker,
    )
    http = make_http(runtime)
    try:
        await http.start(*host_port(settings.http_listen))
    except PortTaken as error:
        sys.stderr.write(f"{service}: {error}; choose another PW_HTTP_LISTEN\n")
        return EXIT_CONFIG
    runtime.http_url = reached_at(http.address, settings.http_advertise)
    log.info("service_started", instance=runtime.instance, http_url=runtime.http_url)
    try:
        return await live(runtime, body, settings)
    finally:
        await http.stop()
        await bus.close()
        runtime.metrics.close()


async def live(runtime: Runtime, body: Body, settings: CommonSettings) -> int:
    """Run the body beside the heartbeat until it ends, crashes or is asked to stop."""
    connecting = asyncio.create_task(connected(runtime, settings), name="connect")
    beat = asyncio.create_task(_heartbeats(runtime), name="heartbeat")
    work = asyncio.create_task(_as_coroutine(body, runtime, connecting), name=runtime.service)
    stopping = asyncio.create_task(runtime.stop.wait(), name="stop")
    try:
        while not (work.done() or beat.done() or stopping.done()):
            open_yet = {connecting} if not connecting.done() else set()
            await asyncio.wait(
                {work, beat, stopping, *open_yet}, return_when=asyncio.FIRST_COMPLETED
            )
            if connecting.done():
                connecting.result()
        if beat.done():
            beat.result()
        if not work.done():
            runtime.set_ready("stopping")
            await asyncio.wait({work}, timeout=settings.shutdown_timeout_s)
        if not work.done():
            runtime.log.error("shutdown_timeout", timeout_s=settings.shutdown_timeout_s)
            return EXIT_CRASH
        work.result()
    except StoppedEarly:
        pass  # It had not begun, so nothing is in hand.
    except (BrokerAway, ApiRefused) as error:
        runtime.log.error("service_gave_up", reason=str(error))
        return EXIT_UNAVAILABLE
    finally:
        await end_tasks(work, beat, stopping, connecting)
        await _take_leave(runtime)
    return EXIT_OK


def reached_at(address: str, advertise: str) -> str:
    """The URL that others reach a listening address by: a wildcard is nobody's."""
    host, _, port = address.rpartition(":")
    if advertise:
        host = f"[{advertise}]" if ":" in advertise else advertise
    elif host in {"0.0.0.0", "::", "[::]"}:  # noqa: S104 - compared, not listened on
        host = socket.gethostname()
    return f"http://{host}:{port}"


def watch_signals(stop: asyncio.Event) -> None:
    """First SIGTERM or SIGINT: stop in order. Second: end at once."""
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def routes(runtime: Runtime) -> dict[str, Callable[[], Reply]]:
    """The three paths that every service answers."""

    def livez() -> Reply:
        return HTTPStatus.OK, TEXT, b"ok\n"

    def readyz() -> Reply:
        connected = runtime.bus.connected
        ready = runtime.ready and (connected or not runtime.needs_broker)
        # Without a connection this matters most, unless the service says more about it.
        reason = runtime.reason or runtime.trouble
        if not connected and "broker" not in reason:
            reason = "not connected to the broker"
        body = msgspec.json.encode({"ready": ready, "reason": reason})
        return (HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE), JSON, body + b"\n"

    def metrics() -> Reply:
        runtime.metrics.set("pw_broker_connected", int(runtime.bus.connected))
        return HTTPStatus.OK, PROMETHEUS, runtime.metrics.render()

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


async def _as_coroutine(body: Body, runtime: Runtime, connecting: asyncio.Task[None]) -> None:
    if runtime.needs_broker:
        await asyncio.wait({connecting})
        connecting.result()
    await body(runtime)


async def _take_leave(runtime: Runtime) -> None:
    """Delete the heartbeat: whatever stays belongs to a process that was killed or hangs."""
    if not runtime.bus.connected:
        return
    try:
        await runtime.bus.kv_delete(BUCKET_INSTANCES, runtime.instance, timeout_s=LEAVE_S)
    except (BrokerAway, ApiRefused) as error:
        runtime.log.debug("heartbeat_stays", reason=str(error))


async def _heartbeats(runtime: Runtime) -> None:
    while True:
        beat = Heartbeat(
            service=runtime.service,
            instance=runtime.instance,
            version=VERSION,
            pid=os.getpid(),
            started_at_ms=runtime.started_at_ms,
            at_ms=now_ms(),
            http_url=runtime.http_url,
            ready=runtime.ready,
            reason=runtime.reason or runtime.trouble,
            rates=runtime.metrics.rates(monotonic_s()),
            source=runtime.source(),
            drift=runtime.drift(),
            memory=runtime.memory(),
            expects=runtime.expects,
            troubles=runtime.troubles,
            last_swap_ms=runtime.last_swap_ms,
        )
        if runtime.bus.connected:
            try:
                await runtime.bus.kv_put(BUCKET_INSTANCES, runtime.instance, encode(beat))
            except (BrokerAway, ApiRefused) as error:
                runtime.log.debug("heartbeat_failed", reason=str(error))
        await asyncio.sleep(HEARTBEAT_S)
