"""The run: broker, streams, parsers, API, source, ingest; then watch, drain, report, stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from pw_cli.connect.api_client import ANSWER_BYTES_MAX
from pw_cli.connect.broker import BadArgument, credentials
from pw_cli.connect.runs import announce, this_run, withdraw
from pw_cli.interrupts import EXIT_INTERRUPTED, Interrupts
from pw_cli.up.options.access import RISK, Access, access_of
from pw_cli.up.options.arguments import BadUsage, UpOptions, add_arguments, options
from pw_cli.up.options.checks import check
from pw_cli.up.options.folder import (
    BROKER_FOLDER,
    ROOM_BYTES_MIN,
    FolderTaken,
    data_folder,
    no_room,
    place,
    room,
    written,
)
from pw_cli.up.options.plan import Ports, provision_spec
from pw_cli.up.options.seeds import note_seed, with_seed
from pw_cli.up.processes.broker import STOP_S, stop_broker
from pw_cli.up.processes.processes import (
    STOP_TIMEOUT_S,
    ChildFailed,
    Starter,
    free_port,
    port_is_free,
)
from pw_cli.up.processes.relay import Relay, log_to, log_to_stderr
from pw_cli.up.processes.stopping import StoppedEarly, Stopping
from pw_cli.up.processes.system import Joined, System
from pw_cli.up.report.report import Report
from pw_cli.up.report.summary import make_report
from pw_cli.up.screen.progress import Progress
from pw_cli.up.screen.screen import Screen
from pw_common.dev.local_broker import LocalBroker, NoBroker, find_server, start_broker
from pw_common.jetstream.bus import CLOSE_TIMEOUT_S, BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.process.token_file import BadToken
from pw_common.text.redact import redacted
from pw_notifier.http.bounded import bounded_client

__all__ = ["add_arguments", "run"]

EXIT_OK = 0
EXIT_NOT_WELL = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 69
EXIT_CONFIG = 78

BROKER_URL = "PW_NATS_URL"
# A broker that was named should be there: no start-up to wait for.
BROKER_WAIT_S = 5.0
# How long a run without its broker, or a run that never began, has to end.
HURRIED_S = 2.0
FOLD_EVERY_S = 1.0


def run(args: argparse.Namespace) -> int:
    """`pw up`. 0 when it ran and ended as asked; 1 when a drained run was not clean.

    130 when it is stopped before everything runs, or at once.
    """
    interrupts = getattr(args, "interrupts", None) or Interrupts("up")
    try:
        chosen = options(args)
        check(chosen, os.environ)
    except BadUsage as error:
        for line in str(error).splitlines():
            _complain(line)
        return EXIT_USAGE
    try:
        return uvloop.run(_run(chosen, interrupts))
    finally:
        interrupts.over()


async def _run(chosen: UpOptions, interrupts: Interrupts) -> int:
    # Port 0 takes a free one, as everywhere.
    if chosen.api_port == 0:
        chosen = replace(chosen, api_port=free_port())
    if not port_is_free(chosen.api_port):
        _complain(f"port {chosen.api_port} is in use; choose another with --port")
        return EXIT_CONFIG
    screen = Screen(sys.stderr)
    relay = Relay(screen.line)
    starter = Starter(relay)
    log_to(relay)
    stopping = Stopping(starter)
    stopping.watch(interrupts)
    ticking = asyncio.create_task(_tick(relay), name="fold")
    trouble = ""
    try:
        with data_folder(chosen.data) as folder:
            stopping.folder, stopping.temporary = folder, chosen.data is None
            chosen, said = with_seed(chosen, folder)
            if said:
                screen.line(said)
            return await Run(chosen, folder, starter, screen, stopping).to_its_end()
    except (NoBroker, BrokerAway, ChildFailed) as error:
        trouble = redacted(str(error))
        return EXIT_UNAVAILABLE
    except (FolderTaken, BadToken, BadArgument) as error:
        trouble = str(error)
        return EXIT_CONFIG
    except StoppedEarly:
        return EXIT_INTERRUPTED
    finally:
        try:
            await _ended(ticking)
            # After what the services themselves printed about it.
            relay.close()
            if trouble:
                screen.line(f"pw up: {trouble}")
            if stopping.event.is_set():
                screen.line("pw up: stopped")
        finally:
            screen.close()
            interrupts.over()
            # The screen shows nothing more, and what nobody expected must be seen all the same.
            log_to_stderr()


async def _tick(relay: Relay) -> None:
    while True:
        await asyncio.sleep(FOLD_EVERY_S)
        relay.tick()


async def _ended(task: asyncio.Task[None]) -> None:
    """End a task that never ends by itself; what it raised is written with the other errors."""
    await end_tasks(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        logging.getLogger("pw").error("%s_ended_early", task.get_name(), exc_info=error)


@dataclass
class Run:
    """One run in its data folder."""

    chosen: UpOptions
    folder: Path
    starter: Starter
    screen: Screen
    stopping: Stopping
    bus: Bus | None = None
    # The broker did not answer at the end: nothing that needs it is waited for.
    away: bool = False

    async def to_its_end(self) -> int:
        """Start the broker, then everything else; whatever happens, nothing is left running."""
        try:
            access = access_of(self.chosen, self.folder)
            url, broker = await self._broker()
            wait_s = BROKER_WAIT_S
            self.bus = await self.stopping.unless(
                connect(url, "cli", Log("cli"), wait_s=wait_s, **credentials(os.environ))
            )
            provision = provision_spec(self.chosen, url)
            if (code := await self.stopping.unless(self.starter.run_once(provision))) != 0:
                self._say_room(broker)
                return code
            return await self._with_broker(url, broker, access)
        finally:
            away = self.away or self.bus is None or not self.bus.connected
            if self.bus is not None:
                await self.bus.close(within_s=0 if away else CLOSE_TIMEOUT_S)
            if self.stopping.broker is not None:
                await stop_broker(self.stopping.broker, HURRIED_S / 2 if away else STOP_S)

    async def _broker(self) -> tuple[str, LocalBroker | None]:
        url = os.environ.get(BROKER_URL, "")
        if url:
            return url, None
        found = find_server()
        if found.passed_over:
            self.screen.line(f"{found.passed_over}: using the bundled one")
        starting = start_broker(self.folder / BROKER_FOLDER, binary=found)
        try:
            with written(self.chosen.data, self.folder):
                broker = await self.stopping.unless(starting)
        except NoBroker as error:
            if room(self.folder) < ROOM_BYTES_MIN:
                raise no_room(self.chosen.data) from error
            raise
        self.stopping.broker = broker
        return broker.url, broker

    def _say_room(self, broker: LocalBroker | None) -> None:
        """The streams could not be made: what the broker reserves for them needs room."""
        if broker is not None:
            mib = room(self.folder) // 2**20
            self.screen.line(f"pw up: {place(self.chosen.data)}: {mib:,} MiB are free on its disk")

    async def _with_broker(self, url: str, broker: LocalBroker | None, access: Access) -> int:
        assert self.bus is not None
        ports = _free_ports(self.chosen)
        async with bounded_client(ANSWER_BYTES_MAX) as client:
            joined = Joined(url, self.bus, broker)
            system = System(self.chosen, joined, ports, self.folder, client, access, self.starter)
            progress = Progress(system, as_json=self.chosen.json, screen=self.screen)
            system.say = progress.say
            system.before_data = partial(note_seed, self.chosen, self.folder)
            in_order = False
            try:
                await self.stopping.unless(system.start_all())
                drained = await _live(system, progress, self.stopping.event)
                in_order = True
                return await _end(system, progress, drained=drained)
            finally:
                withdraw(self.folder)
                self.away = system.broker_away
                calm = in_order and self.bus.connected and not self.away
                await system.stop_all(STOP_TIMEOUT_S if calm else HURRIED_S)
                progress.close()


def _free_ports(chosen: UpOptions) -> Ports:
    return Ports(
        replay=free_port(),
        replay_http=free_port(),
        ingest_http=free_port(),
        parser_http=tuple(free_port() for _ in range(chosen.parsers)),
        api=chosen.api_port,
        detector_http=tuple(free_port() for _ in range(chosen.detectors)),
        notifier_http=free_port(),
        history_http=free_port(),
    )


async def _live(system: System, progress: Progress, stop: asyncio.Event) -> bool:
    """Run until asked to stop, drained, or out of time; returns whether it drained."""
    token_file = system.access.token_file
    # The URL of the user's own broker may hold a password.
    nats = "" if "@" in system.nats_url else system.nats_url
    run = this_run(system.api, nats, token_file, system.options.data)
    for problem in announce(run, system.folder):
        progress.say(problem)
    progress.started()
    if token_file is None:
        progress.say(RISK)
    # Of no account for how long it runs: what only shows ends nothing.
    showing = asyncio.create_task(progress.show(), name="progress")
    tasks = {
        asyncio.create_task(system.watch(), name="watch"),
        asyncio.create_task(stop.wait(), name="stop"),
    }
    drained = None
    if system.options.exit_when_drained:
        drained = asyncio.create_task(system.until_drained(), name="drained")
        tasks.add(drained)
    try:
        await asyncio.wait(
            tasks,
            return_when=asyncio.FIRST_COMPLETED,
            timeout=system.options.timeout_s or None,
        )
        for task in tasks:
            if task.done():
                task.result()
        return drained is not None and drained.done()
    finally:
        await end_tasks(*tasks)
        await _ended(showing)


async def _end(system: System, progress: Progress, *, drained: bool) -> int:
    """Finish the work in progress, write the report, say how it went."""
    progress.say("stopping: finishing the work in progress (Ctrl-C again: at once)")
    empty = await system.finish()
    if system.broker_away:
        progress.say("the broker does not answer: what is not stored yet is left to the next run")
        return EXIT_NOT_WELL
    if system.options.report is None and not system.options.exit_when_drained:
        return EXIT_OK if empty else EXIT_NOT_WELL
    report = await make_report(system, drained=drained and empty)
    written = _write(system.options.report, report, progress)
    progress.ended(report)
    clean = report.drained or not system.options.exit_when_drained
    return EXIT_OK if clean and written else EXIT_NOT_WELL


def _write(path: Path | None, report: Report, progress: Progress) -> bool:
    if path is None:
        return True
    body = msgspec.json.format(msgspec.json.encode(report), indent=2)
    try:
        path.write_bytes(body + b"\n")
    except OSError as error:
        progress.say(f"the report is NOT written: {error}")
        return False
    return True


def _complain(text: str) -> None:
    # With nobody left to read it, the exit code still says how it went.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"pw up: {text}\n")
