"""`pw backup DIR`: copy every stream and bucket of a running broker into a folder.

Nothing has to be stopped. Exit codes: 0 done, 1 not whole (a stream is missing, the disk is
full), 2 the folder cannot be used, 69 broker away.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from pw_cli.backup import manifest as mf
from pw_cli.backup.history_copy import copy_history
from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.jetstream.parts import EndedEarly
from pw_common.jetstream.snapshot import Broken, take
from pw_common.process.clock import now_ms
from pw_common.process.version import VERSION
from pw_common.topology.streams import MIB, stream_created

EXIT_OK: Final = 0
EXIT_NOT_WHOLE: Final = 1
EXIT_USAGE: Final = 2
NOT_FOUND: Final = 10059


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw backup`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    parser.add_argument(
        "--without-history", action="store_true", help="leave out what history keeps"
    )
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Copy; 0 only when the manifest is written."""
    try:
        mf.make_folder(args.folder)
    except mf.Unusable as error:
        sys.stderr.write(f"pw backup: {error}\n")
        return EXIT_USAGE
    return with_broker(
        args, lambda bus: _backup(bus, args.folder, with_history=not args.without_history)
    )


async def _backup(bus: Bus, folder: Path, *, with_history: bool) -> int:
    infos = {name: await stream_info(bus, name) for name in mf.TAKEN}
    if missing := [name for name, info in infos.items() if info is None]:
        sys.stderr.write(
            f"pw backup: {', '.join(missing)} not there: is this the right broker? "
            "If it is, run provision first\n"
        )
        return EXIT_NOT_WHOLE
    began_ms = now_ms()
    copies: list[mf.Copy] = []
    try:
        with render_progress() as progress:
            history = await _history(bus, folder, progress) if with_history else None
            for name, info in infos.items():
                assert info is not None
                held_bytes = int(info["state"]["bytes"])
                task = progress.add_task(name, total=held_bytes or None)

                def advance(count: int, task: Any = task) -> None:
                    progress.advance(task, count)

                copies.append(await _copy(bus, folder, name, stream_created(info), advance))
                # A packed stream is smaller than what it holds.
                progress.update(task, completed=held_bytes, total=held_bytes)
        manifest = mf.Manifest(
            format=mf.FORMAT,
            version=VERSION,
            broker_version=str(bus.client.connected_server_version),
            taken_at_ms=began_ms,
            copies=tuple(copies),
            history=history,
        )
        mf.write(folder, manifest)
    except (Broken, EndedEarly, OSError) as error:
        if isinstance(error, ConnectionError):
            raise
        sys.stderr.write(f"pw backup: {error}\npw backup: not finished; remove {folder}\n")
        return EXIT_NOT_WHOLE
    Console().print(table(copies))
    sys.stdout.write(f"backup of {len(copies)} streams and buckets in {folder}\n")
    if not with_history:
        sys.stdout.write("history was left out, as asked\n")
    elif history is None:
        sys.stdout.write("no history runs here: what it kept is not in this backup\n")
    else:
        name = mf.history_of(folder).name
        sys.stdout.write(f"history as it was then: {name}, {history.size_bytes / MIB:,.1f} MiB\n")
    return EXIT_OK


async def _history(bus: Bus, folder: Path, progress: Progress) -> mf.HistoryCopy | None:
    try:
        return await copy_history(bus, folder, partial(_begins, progress))
    except EndedEarly as error:
        # A history whose disk is full must not keep all else from being copied.
        raise EndedEarly(f"{error} (--without-history leaves it out)") from error


def _begins(progress: Progress, size_bytes: int) -> Callable[[int], None]:
    task = progress.add_task("history", total=size_bytes)

    def advance(count: int) -> None:
        progress.advance(task, count)

    return advance


async def stream_info(bus: Bus, name: str) -> dict[str, Any] | None:
    """STREAM.INFO, None where there is no such stream.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    try:
        found: dict[str, Any] = await bus.api(f"STREAM.INFO.{name}")
    except ApiRefused as error:
        if error.err_code != NOT_FOUND:
            raise
        return None
    return found


async def _copy(
    bus: Bus, folder: Path, name: str, created: str, advance: Callable[[int], None]
) -> mf.Copy:
    digest = hashlib.sha256()
    size_bytes = 0
    began_ms = now_ms()
    with os.fdopen(mf.open_new(mf.file_of(folder, name)), "wb") as file:

        def write(chunk: bytes) -> None:
            nonlocal size_bytes
            file.write(chunk)
            digest.update(chunk)
            size_bytes += len(chunk)
            advance(len(chunk))

        begun = await take(bus, name, write)
        file.flush()
        os.fsync(file.fileno())
    return mf.Copy(
        name=name,
        created=created,
        messages=int(begun.state["messages"]),
        stored_bytes=int(begun.state["bytes"]),
        first_seq=int(begun.state["first_seq"]),
        last_seq=int(begun.state["last_seq"]),
        size_bytes=size_bytes,
        sha256=digest.hexdigest(),
        began_ms=began_ms,
        ended_ms=now_ms(),
        config=begun.config,
        state=begun.state,
    )


def render_progress() -> Progress:
    """A bar on stderr; silent where nobody looks."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def table(copies: list[mf.Copy]) -> Table:
    """What was copied or restored, a line each."""
    found = Table("stream", "messages", "first seq", "last seq", "held MiB", "file MiB", box=None)
    for column in found.columns[1:]:
        column.justify = "right"
    for one in copies:
        found.add_row(
            one.name,
            f"{one.messages:,}",
            str(one.first_seq),
            str(one.last_seq),
            f"{one.stored_bytes / MIB:,.1f}",
            f"{one.size_bytes / MIB:,.1f}",
        )
    return found
