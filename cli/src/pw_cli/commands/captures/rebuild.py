"""`pw history rebuild DIR`: history's file made again, while history is stopped.

It is made beside the one that is there, and takes its place once it is whole: whatever ends it
before, what was there is as it was. That is then set aside, never removed. History then reads
PW_SWAP from its beginning, and stores what it does not have.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.offline import closed_slots
from pw_cli.offline.programs_file import programs_of
from pw_cli.offline.reading import UNREADABLE, complain_of
from pw_cli.parquet.locked import in_our_words
from pw_cli.parquet.places import KEPT
from pw_cli.terminal.terminal import complain
from pw_common.ordering.closed_slot import WITH_POOLS, ClosedSlot
from pw_common.process.clock import now_ms
from pw_common.topology.streams import GIB
from pw_common.wire.captures import BadCapture
from pw_history.parquet.exporter import sha256_of
from pw_history.parquet.layout import MANIFEST
from pw_history.parquet.manifest import BadManifest, FileEntry, Manifest, decoded
from pw_history.parquet.reading import NONE_YET
from pw_history.rebuilding import from_hours, from_slots, replace
from pw_history.store.file import NAME, Unusable
from pw_parser.core.decode.programs import BUILT_IN, Programs

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
# Slots from one look at the bar to the next.
SHOWN_EVERY: Final = 100
# Below the folder: the file as far as it is made.
MAKING: Final = "rebuilding"
# Held by the one that makes it; it stays, since a lock on a file that is gone locks nothing.
LOCK: Final = "rebuilding.lock"
# What DuckDB says of a file that another process has; of a damaged one it speaks of blocks.
IN_USE: Final = "could not set lock on file"
NOT_EXPORTED: Final = (
    "not in exported hours, and so only in what was set aside: alerts that PW_ALERT holds no more, "
    "what pools held, and which holes were found while the stream was read\n"
)


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
    parser.add_argument(
        "--programs", type=Path, metavar="FILE", help="with captures: as `pw parse` takes it"
    )


def run(args: argparse.Namespace) -> int:
    """0 made, 1 it could not be made, 2 nothing to make it from."""
    folder = args.folder / KEPT.parts[0] if (args.folder / KEPT.parts[0]).is_dir() else args.folder
    if not folder.is_dir():
        complain("history", f"rebuild: {folder}: no such folder")
        return EXIT_USAGE
    if args.programs is not None and not args.capture:
        complain("history", "rebuild: --programs is for captures; the others are parsed already")
        return EXIT_USAGE
    try:
        programs = BUILT_IN if args.programs is None else programs_of(args.programs)
    except UNREADABLE as error:
        complain_of("history", error)
        return EXIT_USAGE
    if args.empty and not any((folder / name).exists() for name in (NAME, f"{NAME}.wal")):
        complain("history", f"rebuild: {folder}: no {NAME} in it; history makes one when it starts")
        return EXIT_USAGE
    try:
        refuse_in_use(folder / NAME)
        root = args.parquet or folder / KEPT.parts[1]
        manifest = None if args.capture or args.empty else _manifest(root)
    except InUse as error:
        complain("history", f"rebuild: {error}: stop history first")
        return EXIT_USAGE
    except (BadManifest, OSError) as error:
        complain("history", f"rebuild: {error}; --capture FILE or --empty does without")
        return EXIT_USAGE
    try:
        with _making(folder) as making, in_our_words():
            if manifest is not None:
                swaps = _from_hours(making, manifest, root)
            else:
                swaps = from_slots(making, _slots(args.capture or (), programs), GIB)
            aside = _put_in_place(folder, making)
    except InUse as error:
        complain("history", f"rebuild: {error}: wait for it, or stop history first")
        return EXIT_USAGE
    except (Unusable, BadInput, BadCapture, OSError) as error:
        said = " ".join(str(error).split())[:500]
        complain("history", f"rebuild: {said}; what was in {folder} is as it was")
        return EXIT_FAILED
    for path in aside:
        sys.stderr.write(f"set aside: {path}\n")
    if aside and manifest is not None:
        sys.stderr.write(NOT_EXPORTED)
    sys.stdout.write(f"{folder / NAME}: {swaps:,} swaps\n")
    return EXIT_OK


class InUse(Exception):  # noqa: N818 - says who has it
    """Another process has the file."""


def _slots(captures: Sequence[Path], programs: Programs) -> Iterable[ClosedSlot]:
    if not captures:
        return ()
    return _shown(closed_slots(captures, lambda _slot: programs, placed=WITH_POOLS))


def _shown(slots: Iterable[ClosedSlot]) -> Iterator[ClosedSlot]:
    """The same slots; a terminal shows how far they are."""
    console = Console(stderr=True)
    swaps = 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading captures", total=None)
        for number, one in enumerate(slots, 1):
            swaps += len(one.swaps)
            if number % SHOWN_EVERY == 0:
                bar.update(task, description=f"slot {one.slot}: {swaps:,} swaps")
            yield one


@contextmanager
def _making(folder: Path) -> Iterator[Path]:
    """An empty folder to make the file in, which is gone afterwards. Raises InUse, OSError."""
    making = folder / MAKING
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"{folder}: another rebuild of it runs") from None
        refuse_in_use(folder / NAME)
        # What one left that was killed.
        if making.exists():
            shutil.rmtree(making)
        making.mkdir()
        try:
            yield making
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _put_in_place(folder: Path, making: Path) -> list[Path]:
    """What is there is set aside for what was made; gives its new names. Raises InUse, OSError."""
    # History may have been started meanwhile.
    refuse_in_use(folder / NAME)
    if (making / f"{NAME}.wal").exists():
        # The file is whole only with it, and two cannot be put in place at once.
        raise Unusable(f"{making / NAME}: not everything was written to it")
    return replace(folder, making, f"{now_ms()}.aside")


def _manifest(root: Path) -> Manifest:
    """Raises BadManifest, OSError."""
    if not (root / MANIFEST).exists():
        raise BadManifest(f"{root}: no {MANIFEST}: {NONE_YET}")
    return decoded((root / MANIFEST).read_bytes())


def refuse_in_use(path: Path) -> None:
    """Raise InUse where another process has the file; a damaged one can be set aside."""
    if not path.exists():
        return
    try:
        duckdb.connect(str(path)).close()
    except duckdb.Error as error:
        said = " ".join(str(error).split())[:300]
        if IN_USE in said.lower():
            raise InUse(said) from error


def _from_hours(folder: Path, manifest: Manifest, root: Path) -> int:
    """How many swaps the hours have. Raises BadInput: a file is not the one that is named."""
    console = Console(stderr=True)
    described = TextColumn("{task.description}")
    columns = described, BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[n]}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        check = progress.add_task("checked", total=len(manifest.hours), n="")
        for hour in manifest.hours:
            for file in hour.files.values():
                _check(root, file)
            progress.update(check, advance=1)
        task = progress.add_task("hours", total=len(manifest.hours), n="")
        total = 0

        def told(swaps: int) -> None:
            nonlocal total
            total += swaps
            progress.update(task, advance=1, n=f"{total:,} swaps")

        return from_hours(folder, manifest, root, GIB, told)


def _check(root: Path, file: FileEntry) -> None:
    path = root / file.path
    if not path.is_file():
        raise BadInput(f"{path} is missing")
    if sha256_of(path) != file.sha256:
        raise BadInput(f"{path} is not the file that {MANIFEST} names: its sha256 is another")
