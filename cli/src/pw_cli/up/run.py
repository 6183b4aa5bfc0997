"""The run: broker, streams, parsers, API, source, ingest; then watch, drain, report, stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import uvloop

from pw_cli.api_client import ANSWER_BYTES_MAX
from pw_cli.runs import announce, this_run, withdraw
from pw_cli.up.access import RISK, Access, access_of
from pw_cli.up.arguments import BadUsage, UpOptions, options
from pw_cli.up.folder import FolderTaken, data_folder
from pw_cli.up.plan import Ports, provision_spec
from pw_cli.up.processes import ChildFailed, free_port, port_is_free, run_once
from pw_cli.up.progress import Progress
from pw_cli.up.report import Report
from pw_cli.up.summary import make_report
from pw_cli.up.system import System
from pw_common.bus import BrokerAway, Bus, connect
from pw_common.local_broker import LocalBroker, NoBroker, start_broker
from pw_common.log import Log
from pw_common.redact import redacted
from pw_common.tasks import end_tasks
from pw_common.token_file import BadToken
from pw_notifier.bounded import bounded_client

EXIT_OK = 0
EXIT_NOT_WELL = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 69
EXIT_CONFIG = 78

BROKER_URL = "PW_NATS_URL"
# A broker that one names should be there: no start-up to wait for.
BROKER_WAIT_S = 5.0


def run(args: argparse.Namespace) -> int:
    """`pw up`. 0 when it ran and ended as told; 1 when a drained run was not clean."""
    try:
        chosen = options(args)
    except BadUsage as error:
        _complain(str(error))
        return EXIT_USAGE
    return uvloop.run(_run(chosen))


async def _run(chosen: UpOptions) -> int:
    # Port 0 takes a free one, as everywhere.
    if chosen.api_port == 0:
        chosen = replace(chosen, api_port=free_port())
    if not port_is_free(chosen.api_port):
        _complain(f"port {chosen.api_port} is in use; choose another with --port")
        return EXIT_CONFIG
    try:
        with data_folder(chosen.data) as folder:
            return await _in_folder(chosen, folder)
    except FolderTaken as error:
        _complain(str(error))
        return EXIT_CONFIG


async def _in_folder(chosen: UpOptions, folder: Path) -> int:
    broker: LocalBroker | None = None
    try:
        access = access_of(chosen, folder)
        url = os.environ.get(BROKER_URL, "")
        if not url:
            broker = await start_broker(folder / "nats")
            url = broker.url
        bus = await connect(url, "cli", Log("cli"), wait_s=BROKER_WAIT_S)
        try:
            if (code := run_once(provision_spec(chosen, url))) != 0:
                return code
            return await _with_broker(chosen, url, folder, broker, bus, access)
        finally:
            await bus.close()
    except (NoBroker, BrokerAway, ChildFailed) as error:
        _complain(redacted(str(error)))
        return EXIT_UNAVAILABLE
    except BadToken as error:
        sys.stderr.write(f"pw up: {error}\n")
        return EXIT_CONFIG
    finally:
        if broker is not None:
            broker.stop()


async def _with_broker(
    chosen: UpOptions,
    url: str,
    folder: Path,
    broker: LocalBroker | None,
    bus: Bus,
    access: Access,
) -> int:
    ports = Ports(
        replay=free_port(),
        replay_http=free_port(),
        ingest_http=free_port(),
        parser_http=tuple(free_port() for _ in range(chosen.parsers)),
        api=chosen.api_port,
        detector_http=tuple(free_port() for _ in range(chosen.detectors)),
        notifier_http=free_port(),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    stops = [signal.SIGINT, signal.SIGTERM]
    # Closing the terminal is an orderly stop, except under nohup.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        stops.append(signal.SIGHUP)
    for number in stops:
        loop.add_signal_handler(number, stop.set)
    async with bounded_client(ANSWER_BYTES_MAX) as client:
        system = System(chosen, url, ports, folder, bus, client, broker, access)
        progress = Progress(system, as_json=chosen.json)
        system.say = progress.say
        try:
            drained = await _live(system, progress, stop)
            return await _end(system, progress, drained=drained)
        finally:
            withdraw(folder)
            await system.stop_all()
            progress.close()


async def _live(system: System, progress: Progress, stop: asyncio.Event) -> bool:
    """Run until told to stop, drained, or out of time; returns whether it drained."""
    await system.start_all()
    token_file = system.access.token_file
    # The URL of a broker of one's own may hold a password.
    nats = system.nats_url if system.broker is not None else ""
    for problem in announce(this_run(system.api, nats, token_file), system.folder):
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
        await end_tasks(*tasks, showing)
        if not showing.cancelled() and (error := showing.exception()) is not None:
            progress.say(f"the figures ended early: {type(error).__name__}: {error}")


async def _end(system: System, progress: Progress, *, drained: bool) -> int:
    """Finish the work in progress, write the report, say how it went."""
    progress.say("stopping: finishing the work in progress")
    empty = await system.finish()
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
