"""Verifying: each file is there, has its bytes, and its rows have their digest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import duckdb

from pw_history.parquet.digest import digest_of
from pw_history.parquet.exporter import sha256_of
from pw_history.parquet.faults import NotThere
from pw_history.parquet.manifest import FileEntry, Manifest
from pw_history.parquet.store import Store


class Damage(NamedTuple):
    """A file that is not what the manifest says."""

    hour_ms: int
    path: str
    what: Literal["missing", "other bytes", "other rows"]


def verify(
    store: Store,
    manifest: Manifest,
    *,
    rows: bool = True,
    told: Callable[[], None] = lambda: None,
) -> Iterator[Damage]:
    """Every damaged file, oldest first; a file at a time is copied to this machine.

    Args:
        store: Where the files are.
        manifest: What they must hold.
        rows: Whether the rows are digested too. The bytes of an untouched file prove them already.
        told: Called once for each file that was looked at.

    Raises:
        StoreFault: the store does not answer; nothing is said about the files that follow.
    """
    folder = Path(tempfile.mkdtemp(prefix="pw-verify-"))
    try:
        for hour in manifest.hours:
            for table, file in hour.files.items():
                columns = manifest.columns_of(hour, table) if rows else {}
                found = _damage(store, file, folder / "file.parquet", columns)
                told()
                if found is not None:
                    yield Damage(hour.hour_ms, file.path, found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _damage(
    store: Store, file: FileEntry, copy: Path, columns: dict[str, str]
) -> Literal["missing", "other bytes", "other rows"] | None:
    try:
        store.save(file.path, copy)
    except NotThere:
        return "missing"
    if copy.stat().st_size != file.size_bytes or sha256_of(copy) != file.sha256:
        return "other bytes"
    if not columns:
        return None
    source = f"read_parquet('{copy}', hive_partitioning = false)"
    with duckdb.connect(":memory:") as connection:
        try:
            found = digest_of(connection, source, columns)
        except duckdb.Error:
            return "other rows"
    return None if found == (file.rows, file.digest) else "other rows"
