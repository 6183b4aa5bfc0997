"""The running system: its children, how it is started, drained and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from pw_cli.up.options import plan
from pw_cli.up.options.access import Access
from pw_cli.up.options.arguments import UpOptions
from pw_cli.up.processes.broker import keep
from pw_cli.up.processes.called import pw_command
from pw_cli.up.processes.probe import counters, is_live, is_ready, status_of
from pw_cli.up.processes.processes import (
    ASIDE,
    EXIT_UNAVAILABLE,
    FINAL_EXIT_CODES,
    STOP_TIMEOUT_S,
    Child,
    ChildFailed,
    Starter,
    stop,
    usage,
    watch,
)
from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.stored import stream_state
from pw_common.process.tasks import end_tasks
from pw_common.topology.subjects import CONSUMER_PARSER, STREAM_SWAP, STREAM_TX

READY_TIMEOUT_S = 60.0
FINISH_TIMEOUT_S = 60.0
POLL_S = 0.1
# Played to the end and nothing moves any more: whatever is missing is lost.
IDLE_S = 5.0
# A broker that does not answer for so long is not waited for at the end.
BROKER_ANSWERS_S = 2.0


class Joined(NamedTuple):
    """A broker and our connection to it; `local` where it is our own process."""

    nats_url: str
    bus: Bus
    local: LocalBroker | None


class System:
    """Everything that `pw up` started, and questions about it."""

    def __init__(
        self,
        options: UpOptions,
        joined: Joined,
        ports: plan.Ports,
        folder: Path,
        client: httpx.AsyncClient,
        access: Access,
        starter: Starter | None = None,
    ) -> None:
        self.options = options
        self.nats_url = joined.nats_url
        self.ports = ports
        self.sent_record = folder / plan.SENT_RECORD
        self.bus = joined.bus
        self.client = client
        self.broker = joined.local
        self.access = access
        self.folder = folder
        self.starter = starter or Starter()
        self.children: list[Child] = []
        self.say: Callable[[str], None] = lambda _line: None
        # Called when everything else runs and the source's data is about to arrive.
        self.before_data: Callable[[], None] = lambda: None
        self.broker_cpu_mark_s = 0.0
        # The last figures that a service reported before it was stopped.
        self.source_status: dict[str, Any] = {}
        self.ingest_counters: dict[str, float] = {}
        self.detector_counters: dict[int, dict[str, float]] = {}
        self.first_tx_seq = 1
        # It did not answer when it was last waited for.
        self.broker_away = False

    @property
    def api(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def plays(self) -> bool:
        """Whether the source is our own replay server."""
        return not self.options.is_live

    async def start_all(self) -> None:
        """Start readers before writers, so that nothing waits for its reader."""
        before = await stream_state(self.bus, STREAM_TX)
        self.first_tx_seq = before["last_seq"] + 1
        specs = [
            plan.parser_spec(number + 1, self.nats_url, port)
            for number, port in enumerate(self.ports.parser_http)
        ]
        specs += [
            plan.detector_spec(number + 1, self.nats_url, port)
            for number, port in enumerate(self.ports.detector_http)
        ]
        if self.ports.detector_http:
            port = self.ports.notifier_http
            specs.append(plan.notifier_spec(self.options, self.nats_url, port))
        if self.options.history:
            specs.append(plan.history_spec(self.nats_url, self.ports.history_http, self.folder))
        specs.append(
            plan.api_spec(
                self.nats_url,
                self.ports.api,
                self.access.token_file,
                demo=self.options.is_demo,
                pw_command=pw_command(),
            )
        )
        if self.plays:
            specs.append(plan.replay_spec(self.options, self.ports, self.sent_record))
        self.children.extend([self.starter.start(spec) for spec in specs])
        await self._all_ready()
        self._mark_costs()
        self.before_data()
        ingest = self.starter.start(plan.ingest_spec(self.options, self.nats_url, self.ports))
        self.children.append(ingest)
        await self._until_live(ingest)
        ingest.cpu_mark_s = usage(ingest.process.pid)[0]

    async def watch(self) -> None:
        """Restart what crashes; raises ChildFailed when that does not help."""
        watching = [asyncio.create_task(watch(self.children, self.say), name="watch-services")]
        if self.broker is not None:
            keeping = keep(self.broker, self.say, self._broker_is_new)
            watching.append(asyncio.create_task(keeping, name="watch-broker"))
        try:
            await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
            for one in watching:
                if one.done():
                    one.result()
        finally:
            await end_tasks(*watching)

    async def until_drained(self) -> None:
        """Return when everything that the source sent is parsed, or nothing moves any more."""
        idle_s = 0.0
        before: tuple[float, ...] = ()
        while True:
            await asyncio.sleep(POLL_S)
            source = await self.refresh()
            if not source.get("done"):
                continue
            sent = float(source["sent_updates"])
            received = self.ingest_counters.get("pw_ingest_updates_total", 0.0)
            try:
                state = await stream_state(self.bus, STREAM_TX)
            except BrokerAway:
                continue  # It is being started again, or reached again.
            now = (sent, received, float(state["last_seq"]), float(state["messages"]))
            idle_s = idle_s + POLL_S if now == before else 0.0
            before = now
            if received >= sent and state["messages"] == 0 and idle_s >= 3 * POLL_S:
                return
            if idle_s >= IDLE_S and state["messages"] == 0:
                return

    async def broker_answers(self) -> bool:
        """Whether the broker can be asked, within a moment for a connection that is coming back."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + BROKER_ANSWERS_S
        while (left_s := until_s - loop.time()) > 0:
            try:
                await self.bus.api("INFO", timeout_s=left_s)
            except (BrokerAway, ApiRefused):
                await asyncio.sleep(POLL_S)
                continue
            return True
        self.broker_away = True
        return False

    async def refresh(self) -> dict[str, Any]:
        """Ask source and ingest for their figures; keeps the last answers."""
        if self.plays:
            self.source_status = (
                await status_of(self.client, self.ports.replay_http) or self.source_status
            )
        found = await counters(self.client, self.ports.ingest_http)
        self.ingest_counters = found or self.ingest_counters
        return self.source_status

    async def finish(self) -> bool:
        """Stop the writers, let the parsers empty the queue; returns whether they did."""
        await self.refresh()
        if not await self.broker_answers():
            return False
        for child in self.children:
            if child.spec.service == "ingest":
                await stop(child)
        await self.refresh()
        deadline = asyncio.get_running_loop().time() + FINISH_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline:
            for child in self.children:
                child.measure()
            try:
                if await self._queue_is_empty() and await self._detectors_are_done():
                    return True
            except BrokerAway:
                if not await self.broker_answers():
                    return False
                continue
            if not any(
                child.process.poll() is None
                for child in self.children
                if child.spec.service == "parser"
            ):
                return False
            await asyncio.sleep(POLL_S)
        return False

    async def stop_all(self, within_s: float = STOP_TIMEOUT_S) -> None:
        """Stop every child, all at once."""
        await asyncio.gather(*(stop(child, within_s) for child in self.children))

    def _broker_is_new(self) -> None:
        # What it cost is counted from its start: the one before took its figures with it.
        self.broker_cpu_mark_s = 0.0

    async def _queue_is_empty(self) -> bool:
        info = await self.bus.api(f"CONSUMER.INFO.{STREAM_TX}.{CONSUMER_PARSER}")
        return int(info["num_pending"]) + int(info["num_ack_pending"]) == 0

    async def _detectors_are_done(self) -> bool:
        """Whether every detector has folded what PW_SWAP holds."""
        last = (await stream_state(self.bus, STREAM_SWAP))["last_seq"]
        for port in self.ports.detector_http:
            found = await counters(self.client, port)
            self.detector_counters[port] = found or self.detector_counters.get(port, {})
            if found.get("pw_detector_swap_seq", -1.0) < last:
                return False
        return True

    async def _all_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + READY_TIMEOUT_S
        # What the data needs comes first: its time is not spent on what only shows.
        for child in sorted(self.children, key=lambda one: one.spec.service in ASIDE):
            port = child.spec.http_port
            if port is None:
                continue
            while True:
                if child.spec.service == "replay":
                    up = bool(await status_of(self.client, port))
                elif child.spec.service == "notifier":
                    # Channels that cannot be used are its own trouble: nothing waits for it.
                    up = await is_live(self.client, port)
                else:
                    up = await is_ready(self.client, port)
                if up:
                    break
                if not _still_running(child):
                    break
                if asyncio.get_running_loop().time() > deadline:
                    if child.spec.service in ASIDE:
                        self.say(f"{child.spec.name} is not ready yet: everything else goes on")
                        break
                    raise ChildFailed(f"{child.spec.name} was not ready in {READY_TIMEOUT_S:g} s")
                await asyncio.sleep(POLL_S)

    async def _until_live(self, child: Child) -> None:
        deadline = asyncio.get_running_loop().time() + READY_TIMEOUT_S
        while not await is_live(self.client, child.spec.http_port or 0):
            _still_running(child)
            if asyncio.get_running_loop().time() > deadline:
                raise ChildFailed(f"{child.spec.name} did not answer in {READY_TIMEOUT_S:g} s")
            await asyncio.sleep(0.01)

    def _mark_costs(self) -> None:
        # What a process cost to start is not a cost per transaction.
        for child in self.children:
            child.cpu_mark_s = usage(child.process.pid)[0]
        if self.broker is not None:
            self.broker_cpu_mark_s = usage(self.broker.process.pid)[0]


def _still_running(child: Child) -> bool:
    """False for what is aside and will be started again; raises for what is needed."""
    code = child.process.poll()
    if code is None:
        return True
    if child.spec.service in ASIDE and code not in {*FINAL_EXIT_CODES, EXIT_UNAVAILABLE}:
        return False
    raise ChildFailed(f"{child.spec.name} ended with exit code {code}: its message is above")
