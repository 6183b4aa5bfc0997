"""`pw restore DIR`: give a backup's streams and buckets back to a broker that has none of them.

Exit codes: 0 restored, 1 refused (unfinished, damaged, something is there already), 2 wrong
usage, 69 broker away.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from pw_cli.backup import manifest as mf
from pw_cli.commands.broker.backup import render_progress, stream_info, table
from pw_cli.connect.broker import BadArgument, add_broker_argument, with_broker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.snapshot import Broken, chunk_bytes, give
from pw_common.service.settings import BadSettings, load
from pw_common.topology.streams import STREAM_MAY_CHANGE, Topology, declare, stream_created
from pw_provision.core.diff import differences, refused
from pw_provision.main import Settings

EXIT_OK: Final = 0
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
DELETE_TIMEOUT_S: Final = 30.0
HISTORY: Final = """\
history: before it starts, copy {path} into PW_HISTORY_DIR (of pw up: `history` below its --data) \
and remove history.duckdb.wal there, which is of another file; without the copy history begins \
with what PW_SWAP holds
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw restore`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that pw backup made")
    parser.add_argument(
        "--only", nargs="+", metavar="STREAM", help="restore only these, e.g. PW_SWAP KV_pw_config"
    )
    parser.add_argument(
        "--reconfigure",
        action="store_true",
        help="use provision's configuration instead of the copied one",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="first delete existing streams that hold nothing the backup lacks",
    )
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Check the whole backup first; touch the broker only when all of it is sound."""
    try:
        manifest = mf.read(args.folder)
        known = {one.name: one for one in manifest.copies}
        if unknown := [name for name in args.only or () if name not in known]:
            sys.stderr.write(
                f"pw restore: {args.folder} has no {', '.join(unknown)}; "
                f"it has {', '.join(known)}\n"
            )
            return EXIT_USAGE
        wanted = set(args.only or known)
        copies = [known[name] for name in mf.GIVEN if name in known and name in wanted]
        for copy in copies:
            mf.check(args.folder, copy)
        if manifest.history is not None and not args.only:
            path = mf.history_of(args.folder)
            mf.check_file(path, manifest.history.size_bytes, manifest.history.sha256)
    except mf.Unusable as error:
        sys.stderr.write(f"pw restore: {error}\n")
        return EXIT_REFUSED
    code = with_broker(
        args,
        lambda bus: _restore(
            bus, args.folder, copies, reconfigure=args.reconfigure, replace=args.replace
        ),
    )
    if code == EXIT_OK and manifest.history is not None and not args.only:
        sys.stdout.write(HISTORY.format(path=mf.history_of(args.folder)))
    return code


async def _restore(
    bus: Bus, folder: Path, copies: list[mf.Copy], *, reconfigure: bool, replace: bool
) -> int:
    topology = _declared()
    if why := await _in_the_way(bus, copies, replace=replace):
        sys.stderr.write(f"pw restore: {why}\n")
        return EXIT_REFUSED
    bodies = _bodies(topology)
    given: list[mf.Copy] = []
    with render_progress() as progress:
        for copy in copies:
            config = mf.config_for(copy, bodies[copy.name] if reconfigure else None)
            task = progress.add_task(copy.name, total=copy.size_bytes)

            def advance(count: int, task: Any = task) -> None:
                progress.advance(task, count)

            if replace and await stream_info(bus, copy.name) is not None:
                await bus.api(f"STREAM.DELETE.{copy.name}", timeout_s=DELETE_TIMEOUT_S)
            chunks = _chunks(mf.file_of(folder, copy.name), chunk_bytes(bus), advance)
            try:
                info = await give(bus, copy.name, config, copy.state, chunks)
                _compare(copy, info)
            except (Broken, OSError) as error:
                if isinstance(error, ConnectionError):
                    _tell_half(given)
                    raise
                sys.stderr.write(f"pw restore: {error}{_advice(copy, reconfigure=reconfigure)}\n")
                _tell_half(given)
                return EXIT_REFUSED
            given.append(copy)
    Console().print(table(given))
    await _what_is_next(bus, topology)
    return EXIT_OK


async def _in_the_way(bus: Bus, copies: list[mf.Copy], *, replace: bool) -> str:
    """Why nothing may be touched; empty where all is free, or may be replaced."""
    there = {one.name: await stream_info(bus, one.name) for one in copies}
    found = [name for name, info in there.items() if info is not None]
    if found and not replace:
        return (
            f"already there: {', '.join(found)}. Give it an empty broker, name what is missing "
            "with --only, or say --replace (docs/runbook.md)"
        )
    for copy in copies:
        info = there[copy.name]
        if info is None:
            continue
        if stream_created(info) != copy.created:
            return f"{copy.name} is not the stream that was copied: it was made at another time"
        last_seq = int(info["state"]["last_seq"])
        if last_seq > copy.last_seq:
            return (
                f"{copy.name} has grown since: it ends at {last_seq}, the copy at "
                f"{copy.last_seq}. Stop the services and take another backup"
            )
    return ""


def _declared() -> Topology:
    """What provision would make with this environment's sizes."""
    try:
        settings = load(Settings, os.environ)
    except BadSettings as error:
        raise BadArgument("; ".join(error.problems)) from error
    return declare(
        tx_bytes_max=settings.tx_bytes_max,
        swap_bytes_max=settings.swap_bytes_max,
        replicas=settings.replicas,
    )


def _bodies(topology: Topology) -> dict[str, dict[str, Any]]:
    bodies = [one.body() for one in topology.streams]
    bodies += [one.body() for one in topology.buckets]
    return {str(body["name"]): body for body in bodies}


def _chunks(path: Path, size_bytes: int, advance: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(size_bytes):
            yield chunk
            advance(len(chunk))


def _compare(copy: mf.Copy, info: dict[str, Any]) -> None:
    """A stream that ends before its copy did is not what was copied; age may have trimmed it."""
    last_seq = int(info["state"]["last_seq"])
    if last_seq < copy.last_seq:
        raise Broken(f"{copy.name} ends at {last_seq}, {copy.last_seq} was copied: delete it")


def _advice(copy: mf.Copy, *, reconfigure: bool) -> str:
    replicas = int(copy.config.get("num_replicas", 1))
    if reconfigure or replicas == 1:
        return ""
    return f"; {replicas} replicas were copied: --reconfigure gives it PW_STREAM_REPLICAS of them"


def _tell_half(given: list[mf.Copy]) -> None:
    if given:
        names = ", ".join(one.name for one in given)
        sys.stderr.write(f"pw restore: restored before that: {names}; go on with --only\n")


async def _what_is_next(bus: Bus, topology: Topology) -> None:
    """Say what provision would make of this broker, and in which order to start."""
    wrong = []
    missing = []
    for name, body in _bodies(topology).items():
        info = await stream_info(bus, name)
        if info is None:
            missing.append(name)
            continue
        found = refused(differences(body, info["config"]), STREAM_MAY_CHANGE)
        wrong += [f"  {name}: {one}" for one in found]
    if missing:
        sys.stdout.write(f"not in the backup, made by provision: {', '.join(missing)}\n")
    if wrong:
        sys.stdout.write("provision will refuse these (see --reconfigure):\n")
        sys.stdout.write("\n".join(wrong) + "\n")
    sys.stdout.write(
        "next: provision, then detector, history, parser, notifier, api, and ingest last\n"
    )
