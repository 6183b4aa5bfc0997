"""Reading the files offline: which are current, as SQL for DuckDB, and as swaps of the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from pw_common.wire.messages import Swap
from pw_history.core.rows import SWAP_COLUMNS
from pw_history.parquet.exporter import sha256_of
from pw_history.parquet.faults import NotThere
from pw_history.parquet.layout import MANIFEST
from pw_history.parquet.manifest import BadManifest, FileEntry, Manifest, decoded
from pw_history.parquet.store import Store, StoreSettings, open_store
from pw_history.parquet.tables import TABLES
from pw_history.store.schema import HOUR_MS

EVER_MS: Final = 1 << 62
NONE_YET: Final = "history exports an hour once it is over, and there is none yet, or not here"
FETCHED: Final = 1_000
_NOT_WIRE: Final = ("session", "event_time_ms", "amended")
# Of `Swap`, which calls its place in the block `index`; its time is not in it.
_WIRE: Final = tuple(one for one in SWAP_COLUMNS if one not in _NOT_WIRE)


class WrongFile(Exception):
    """A file is not there, or is not the one that the manifest names."""


def read_manifest(where: Store | StoreSettings) -> Manifest:
    """The manifest of a store.

    Raises:
        BadManifest: there is none, or it cannot be read.
        BadStore: the settings name no store.
        StoreFault: the store does not answer.
    """
    store = where if isinstance(where, Store) else open_store(where)
    try:
        return decoded(store.get(MANIFEST))
    except NotThere:
        raise BadManifest(f"there is no {MANIFEST}: {NONE_YET}") from None


def current_files(
    manifest: Manifest, table: str, first_ms: int = 0, end_ms: int = EVER_MS
) -> list[FileEntry]:
    """The current files with rows of a table from `first_ms` up to but without `end_ms`."""
    return [
        one.files[table]
        for one in manifest.hours
        if one.hour_ms + HOUR_MS > first_ms and one.hour_ms < end_ms and table in one.files
    ]


def source_of(
    manifest: Manifest, table: str, root: Path, first_ms: int = 0, end_ms: int = EVER_MS
) -> str:
    """What stands after FROM to read a table's current files below a folder with DuckDB.

    Whole hours: who wants less says so in WHERE. Without files it is a table without rows.
    """
    paths = [root / one.path for one in current_files(manifest, table, first_ms, end_ms)]
    if not paths:
        nulls = ", ".join(f"NULL::{kind} AS {n}" for n, kind in TABLES[table].columns.items())
        return f"(SELECT {nulls} WHERE false)"
    listed = ", ".join("'" + str(one).replace("'", "''") + "'" for one in paths)
    return f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"


def fetch(store: Store, files: list[FileEntry], folder: Path) -> int:
    """Copy files of a store below a folder of this machine; gives how many were copied.

    One that is there already with the right bytes is not copied again.

    Raises:
        WrongFile: a file is missing or damaged in the store.
        StoreFault: the store does not answer.
    """
    copied = 0
    for file in files:
        to = folder / file.path
        if to.is_file() and sha256_of(to) == file.sha256:
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        aside = to.with_suffix(".part")
        try:
            store.save(file.path, aside)
        except NotThere:
            raise WrongFile(f"{file.path} is missing") from None
        if sha256_of(aside) != file.sha256:
            aside.unlink()
            raise WrongFile(f"{file.path} is not the file that the manifest names")
        aside.replace(to)
        copied += 1
    return copied


def swaps_in_order(
    connection: duckdb.DuckDBPyConnection, source: str, first_ms: int = 0, end_ms: int = EVER_MS
) -> Iterator[tuple[int, Swap]]:
    """Swaps with their event time, in the order of the chain.

    Args:
        connection: Used until the last is read; what does not fit into its memory is sorted on
            its disk.
        source: What stands after FROM, as `source_of` gives it; lists are lists there.
        first_ms: Event time of the first.
        end_ms: Event time that is not read any more.
    """
    found = connection.execute(
        f"""
        SELECT event_time_ms, {", ".join(_WIRE)} FROM {source}
        WHERE event_time_ms >= ? AND event_time_ms < ?
        ORDER BY slot, tx_index, signature, ordinal
        """,
        [first_ms, end_ms],
    )
    while rows := found.fetchmany(FETCHED):
        for row in rows:
            yield row[0], _swap(row)


def _swap(row: tuple[object, ...]) -> Swap:
    values = dict(zip(_WIRE, row[1:], strict=True))
    values["index"] = values.pop("tx_index")
    for name in ("venues", "reasons", "signers"):
        values[name] = tuple(values[name])  # type: ignore[arg-type]
    return Swap(**values)  # type: ignore[arg-type]
