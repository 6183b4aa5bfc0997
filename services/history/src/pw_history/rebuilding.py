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


def replace(folder: Path, made: Path, mark: str) -> list[Path]:
    """Put the file that was made in `made` in the place of that in `folder`.

    What was there has names that end in `mark` afterwards, which are given. Whatever ends this in
    the middle, there is a file: the one that was there (of a damaged one without its log, which
    stands beside what is set aside), or the one that was made.

    Raises:
        OSError: a file is not there, or cannot be moved.
    """
    if not (made / NAME).is_file():
        raise FileNotFoundError(f"{made / NAME}: what was made is gone")
    aside = []
    place = folder / NAME
    if place.exists():
        other = place.with_name(f"{NAME}.{mark}")
        try:
            other.hardlink_to(place)
        except OSError:  # Not every disk has links.
            place.rename(other)
        aside.append(other)
    log = folder / f"{NAME}.wal"
    if log.exists():
        aside.append(log.rename(log.with_name(f"{log.name}.{mark}")))
    (made / NAME).replace(place)
    return aside


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
