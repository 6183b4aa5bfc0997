"""History's file made again by a person: from exported hours, from captures, or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import duckdb

from pw_common.ordering.closed_slot import ClosedSlot
from pw_history.core.progress import StoredPosition
from pw_history.core.rows import RowMaker
from pw_history.parquet.manifest import Manifest
from pw_history.store.file import NAME, open_file
from pw_history.store.restoring import Restoring
from pw_history.store.writer import Writer

ROWS_MAX: Final = 20_000
# Of a file whose slots came from no stream: what reads on begins at the stream's own beginning.
NO_STREAM: Final = ""


def set_aside(folder: Path, mark: str) -> list[Path]:
    """Move the file out of the way, under names that end in `mark`; gives the new names.

    Raises:
        OSError: a file cannot be moved.
    """
    moved = []
    for name in (NAME, f"{NAME}.wal"):
        path = folder / name
        if path.exists():
            moved.append(path.rename(path.with_name(f"{name}.{mark}")))
    return moved


def from_hours(
    folder: Path,
    manifest: Manifest,
    root: Path,
    memory_bytes: int,
    told: Callable[[int], None],
) -> int:
    """A new file from exported hours below `root`; gives how many swaps it has.

    Args:
        told: Called with the swaps of each hour.

    Raises:
        Unusable: the file cannot be made.
        duckdb.Error: an exported file cannot be read.
    """
    swaps = 0
    with open_file(folder, memory_bytes) as connection:
        restoring = Restoring(connection)
        for hour in sorted(manifest.hours, key=lambda one: one.hour_ms):
            files = {name: root / one.path for name, one in hour.files.items()}
            count = restoring.hour(hour.hour_ms, files)
            swaps += count
            told(count)
        restoring.close()
    return swaps


def from_slots(folder: Path, slots: Iterable[ClosedSlot], memory_bytes: int) -> int:
    """A new file from closed slots, as a stream would have brought them.

    Raises:
        Unusable: the file cannot be made.
    """
    stored = 0
    with open_file(folder, memory_bytes) as connection:
        writer = Writer(connection)
        maker = RowMaker(None)
        for one in slots:
            maker.take(one)
            if len(maker.rows) >= ROWS_MAX:
                stored += _write(writer, maker)
        stored += _write(writer, maker)
        while writer.close_more():
            pass
        _forget_position(connection)
    return stored


def _write(writer: Writer, maker: RowMaker) -> int:
    rows = maker.give()
    nowhere = StoredPosition(NO_STREAM, 1, 0, 1, (), 0, 0, 0, 0, rows.slot, rows.event_time_ms)
    return writer.write(rows, nowhere).swaps


def _forget_position(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DELETE FROM position")
    connection.execute("CHECKPOINT")
