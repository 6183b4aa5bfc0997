"""`pw history rebuild DIR`: history's file made again, while history is stopped.

What was there is set aside once the new file is whole, never removed. History then reads PW_SWAP
from its beginning, and stores what it does not have.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pw_cli.offline.offline import closed_slots
from pw_cli.parquet.places import KEPT
from pw_cli.terminal.terminal import complain
from pw_common.ordering.closed_slot import WITH_POOLS
from pw_common.process.clock import now_ms
from pw_common.topology.streams import GIB
from pw_common.wire.captures import BadCapture
from pw_history.parquet.layout import MANIFEST
from pw_history.parquet.manifest import BadManifest, Manifest, decoded
from pw_history.rebuilding import (
    empty_making,
    from_hours,
    from_slots,
    put_in_place,
    set_aside,
)
from pw_history.store.file import NAME, Unusable

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw history rebuild`."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help=f"where {NAME} lies, or the data folder of pw up"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--parquet",
        type=Path,
        metavar="DIR",
        help="exported hours (default: those below DIR, if there are any)",
    )
    source.add_argument(
        "--capture", type=Path, action="append", metavar="FILE", help="captures, in this order"
    )
    source.add_argument(
        "--empty", action="store_true", help="with what PW_SWAP holds alone, once history starts"
    )


def run(args: argparse.Namespace) -> int:
    """0 made, 1 it could not be made, 2 nothing to make it from."""
    folder = args.folder / KEPT.parts[0] if (args.folder / KEPT.parts[0]).is_dir() else args.folder
    if not folder.is_dir():
        complain("history", f"rebuild: {folder}: no such folder")
        return EXIT_USAGE
    try:
        root = args.parquet or folder / KEPT.parts[1]
        manifest = None if args.capture or args.empty else _manifest(root)
    except (BadManifest, OSError) as error:
        complain("history", f"rebuild: {error}; --capture FILE or --empty does without")
        return EXIT_USAGE
    if why := in_use(folder):
        complain("history", f"rebuild: {why}: stop history first")
        return EXIT_USAGE
    try:
        making = empty_making(folder)
        if manifest is not None:
            swaps = _from_hours(making, manifest, root)
        elif args.capture:
            swaps = from_slots(making, closed_slots(args.capture, placed=WITH_POOLS), GIB)
        else:
            swaps = from_slots(making, (), GIB)
        if why := _in_use(folder):
            complain("history", f"rebuild: {why}: history was started meanwhile, stop it first")
            return EXIT_FAILED
        for path in set_aside(folder, f"{now_ms()}.aside"):
            sys.stderr.write(f"set aside: {path}\n")
        put_in_place(making, folder)
    except (Unusable, duckdb.Error, OSError, BadCapture) as error:
        complain("history", f"rebuild: {' '.join(str(error).split())[:500]}")
        return EXIT_FAILED
    sys.stdout.write(f"{folder / NAME}: {swaps:,} swaps\n")
    return EXIT_OK


def _manifest(root: Path) -> Manifest:
    return decoded((root / MANIFEST).read_bytes())


def in_use(folder: Path) -> str:
    """Why the file cannot be set aside; a damaged one can."""
    path = folder / NAME
    if not path.exists():
        return ""
    try:
        duckdb.connect(str(path)).close()
    except duckdb.Error as error:
        said = " ".join(str(error).split())[:300]
        return said if "lock" in said.lower() else ""
    return ""


def _from_hours(folder: Path, manifest: Manifest, root: Path) -> int:
    console = Console(stderr=True)
    columns = TextColumn("hours"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[n]}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("hours", total=len(manifest.hours), n="")
        total = 0

        def told(swaps: int) -> None:
            nonlocal total
            total += swaps
            progress.update(task, advance=1, n=f"{total:,} swaps")

        return from_hours(folder, manifest, root, GIB, told)
