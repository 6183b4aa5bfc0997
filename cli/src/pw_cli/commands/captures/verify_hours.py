"""`pw history verify`: each exported file held to its manifest; what is damaged made again."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from pw_cli.commands.captures.rebuild import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_USAGE,
    InUse,
    refuse_in_use,
)
from pw_cli.offline.bad_input import BadInput
from pw_cli.parquet.places import KEPT, default_folder, kept_in
from pw_cli.terminal.terminal import complain
from pw_common.process.clock import now_ms
from pw_common.service.settings import BadSettings, load
from pw_common.topology.streams import GIB
from pw_history.config import Settings
from pw_history.parquet.exporter import Exporter, WrongParquet
from pw_history.parquet.faults import StoreFault
from pw_history.parquet.manifest import BadManifest, Manifest
from pw_history.parquet.reading import read_manifest
from pw_history.parquet.store import BadStore, Store, StoreSettings, open_store
from pw_history.parquet.verifying import Damage, verify
from pw_history.store.file import NAME, Unusable, open_file

BUCKET: Final = "s3://"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw history verify`."""
    parser.add_argument(
        "where",
        nargs="?",
        metavar="DIR",
        help="a data folder, the folder with the Parquet, or s3://BUCKET/PREFIX with history's own "
        "PW_HISTORY_S3_ settings (default: what the pw up that runs here keeps)",
    )
    parser.add_argument(
        "--bytes", action="store_true", help="compare bytes alone, and leave the rows undigested"
    )
    parser.add_argument(
        "--mend",
        type=Path,
        metavar="DIR",
        help=f"export damaged hours again from the {NAME} in this folder; history is stopped",
    )
    parser.add_argument("--json", action="store_true", help="an object a damaged file")


def run(args: argparse.Namespace) -> int:
    """0 all as the manifest says, 1 not, 2 no manifest or arguments that cannot be used."""
    try:
        store = _store(args.where)
        manifest = read_manifest(store)
    except (BadInput, BadStore, BadManifest, BadSettings, StoreFault) as error:
        complain("history", f"verify: {error}")
        return EXIT_USAGE
    if args.mend is not None and (why := _unmendable(args.mend)):
        complain("history", f"verify: --mend {args.mend}: {why}")
        return EXIT_USAGE
    try:
        damaged = _verified(store, manifest, rows=not args.bytes)
        _show(damaged, manifest, as_json=args.json)
        if damaged and args.mend is not None:
            return _mended(store, args.mend, {one.hour_ms for one in damaged})
    except (StoreFault, BadManifest, WrongParquet, Unusable, duckdb.Error, OSError) as error:
        complain("history", f"verify: {' '.join(str(error).split())[:500]}")
        return EXIT_FAILED
    return EXIT_FAILED if damaged else EXIT_OK


def _store(where: str | None) -> Store:
    if where is not None and where.startswith(BUCKET):
        return open_store(load(Settings, os.environ | {"PW_HISTORY_PARQUET_URL": where}).store())
    folder = default_folder() if where is None else Path(where)
    below = kept_in(folder)
    beside = folder / KEPT.name
    found = next((one for one in (below, beside) if one.is_dir()), folder)
    if not found.is_dir():
        raise BadInput(f"{found}: no such folder")
    return open_store(StoreSettings(url=str(found.absolute())))


def _unmendable(folder: Path) -> str:
    if not (folder / NAME).is_file():
        return f"there is no {NAME}"
    try:
        refuse_in_use(folder / NAME)
    except InUse as error:
        return f"{error}: stop history first"
    return ""


def _verified(store: Store, manifest: Manifest, *, rows: bool) -> list[Damage]:
    console = Console(stderr=True)
    files = sum(len(one.files) for one in manifest.hours)
    columns = TextColumn("files"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("files", total=files)
        return list(verify(store, manifest, rows=rows, told=lambda: progress.advance(task)))


def _show(damaged: list[Damage], manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        for one in damaged:
            sys.stdout.buffer.write(msgspec.json.encode(one._asdict()) + b"\n")
        return
    files = [file for hour in manifest.hours for file in hour.files.values()]
    rows = sum(file.rows for file in files)
    what = f"{len(manifest.hours):,} hours, {len(files):,} files, {rows:,} rows"
    if not damaged:
        sys.stdout.write(f"{what}: all as the manifest says\n")
        return
    table = Table("hour (UTC)", "what", "file", box=None)
    for one in damaged:
        table.add_row(_hour(one.hour_ms), one.what, one.path)
    Console().print(table)
    sys.stdout.write(f"{what}: {len(damaged):,} files are not what the manifest says\n")


def _mended(store: Store, folder: Path, hours_ms: set[int]) -> int:
    with open_file(folder, GIB) as connection:
        exporter = Exporter(connection, store, folder / "exporting")
        try:
            left = exporter.again(hours_ms, now_ms())
        finally:
            exporter.close()
    done = len(hours_ms) - len(left.waiting) - len(left.gone)
    sys.stderr.write(f"exported again: {done:,} hours\n")
    for hour_ms in left.waiting:
        complain(
            "history",
            f"verify: {_hour(hour_ms)}: {folder / NAME} has it and more, and waits to close it "
            "again: start history, which exports it then",
        )
    for hour_ms in left.gone:
        complain(
            "history",
            f"verify: {_hour(hour_ms)}: {folder / NAME} does not have this hour whole; a copy "
            "of its file from elsewhere is needed, or its blocks: pw history rebuild --capture",
        )
    return EXIT_FAILED if left.waiting or left.gone else EXIT_OK


def _hour(hour_ms: int) -> str:
    return f"{datetime.fromtimestamp(hour_ms / 1000, tz=UTC):%Y-%m-%d %H}:00"
