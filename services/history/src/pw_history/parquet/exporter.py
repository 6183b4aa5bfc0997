"""Exporting: closed hours go into files, and then into the manifest.

| step                                | when it dies there                                       |
| ----------------------------------- | -------------------------------------------------------- |
| rows into files of a local folder   | the next turn begins with an empty folder                |
| files into the store, by new names  | the manifest names the former ones, which are untouched; |
|                                     | the next turn writes the same names again                |
| the manifest, whole                 | done                                                     |
| former files away, after the grace  | the manifest still lists them, and they go next time     |

What is due is what DuckDB has and the manifest has not, so nothing is remembered elsewhere. An hour
is read on a cursor of its own, in one transaction: the writer goes on meanwhile. An hour with fewer
rows than its file is never exported: swaps are only ever added, so DuckDB's file is a newer one
that does not have the hour whole.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from pw_history.parquet.digest import digest_of
from pw_history.parquet.faults import NotThere, StoreFull
from pw_history.parquet.layout import MANIFEST, file_path, hour_folder
from pw_history.parquet.manifest import FileEntry, HourEntry, Manifest, decoded, encoded
from pw_history.parquet.store import Store
from pw_history.parquet.tables import COLUMNS_VERSION, SWAPS, TABLES, Table
from pw_history.store.schema import HOUR_MS
from pw_history.store.writer import LATE_MS

# A reader of Parquet leaves out groups without its mint; a group is also what is held in memory.
ROW_GROUP_ROWS: Final = 16_384
GRACE_MS: Final = 600_000
HOURS_A_TURN: Final = 4
_READ_BYTES: Final = 1 << 20


class WrongParquet(Exception):
    """A file that was just written does not hold the rows that it was written from."""


class OtherExporter(Exception):  # noqa: N818 - says who is there
    """Somebody else changed the manifest: nothing of theirs is written over."""


class ClosedHour(NamedTuple):
    """What DuckDB has of an hour that is closed."""

    hour_ms: int
    revision: int
    swaps: int
    tokens: int


class Turn(NamedTuple):
    """What a turn did: hours exported, hours that are still due, and hours left as they are.

    `smaller` hours have fewer rows in DuckDB than in their files. What begins before
    `safe_before_ms` is exported, unless more came since the turn began: DuckDB may drop it.
    """

    exported: tuple[int, ...]
    left: int
    smaller: tuple[int, ...]
    removed: int
    safe_before_ms: int


class Again(NamedTuple):
    """Damaged hours that were not exported again.

    More came for those that wait: they are exported once they are closed again. DuckDB does not
    have those that are gone.
    """

    waiting: tuple[int, ...]
    gone: tuple[int, ...]


class Exporter:
    """Exports from one DuckDB file to one store; nobody else may write to that store.

    Its calls block: run them in a thread, one at a time.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        store: Store,
        folder: Path,
        *,
        grace_ms: int = GRACE_MS,
        kept_hours: int = 0,
    ) -> None:
        """`folder` is emptied and used for files on their way; `kept_hours` 0 keeps all."""
        # The writer's connection is the writer's: a cursor sees the same file by itself.
        self._connection = connection.cursor()
        self._store = store
        self._folder = folder
        self._grace_ms = grace_ms
        self._kept_hours = kept_hours
        self._manifest: Manifest | None = None
        # As it was when it was read or written last, None where there was none: nobody else may
        # change it.
        self._encoded: bytes | None = None
        self._is_known = False

    def turn(self, now_ms: int, hours_max: int = HOURS_A_TURN) -> Turn:
        """Export what is due, oldest first, and remove what is past its grace.

        Raises:
            StoreFault: the store is away, refuses or is full; what was exported is kept.
            BadManifest: the manifest is not ours to write over.
            WrongParquet: a file does not hold its rows; it was not stored.
            OtherExporter: another history writes to this store.
        """
        self._refuse_others()
        due, smaller = self.due()
        exported = [one.hour_ms for one in due[:hours_max] if self._export(one, now_ms)]
        if self._kept_hours:
            newest = max((one.hour_ms for one in self.manifest().hours), default=0)
            self.drop_before(newest - (self._kept_hours - 1) * HOUR_MS, now_ms)
        removed = self._remove(now_ms)
        left, _ = self.due()
        too_small = tuple(one.hour_ms for one in smaller)
        return Turn(tuple(exported), len(left), too_small, removed, self._safe_before_ms(left))

    def _safe_before_ms(self, left: list[ClosedHour]) -> int:
        if left:
            return left[0].hour_ms
        closed = closed_hours(self._connection)
        if not closed:
            return 0
        # One that is to be closed again has what its file has not.
        still_open = self._connection.execute("FROM open_hours").fetchall()
        return min([closed[-1].hour_ms + HOUR_MS, *(int(one) for (one,) in still_open)])

    def close(self) -> None:
        """Give the cursor up."""
        self._connection.close()

    def manifest(self) -> Manifest:
        """The manifest as it is stored; an empty one where there is none."""
        if self._manifest is None:
            self._encoded, self._is_known = self._stored(), True
            self._manifest = Manifest() if self._encoded is None else decoded(self._encoded)
        return self._manifest

    def _stored(self) -> bytes | None:
        try:
            return self._store.get(MANIFEST)
        except NotThere:
            return None

    def _refuse_others(self) -> None:
        if not self._is_known or self._stored() == self._encoded:
            return
        self._manifest, self._is_known = None, False
        raise OtherExporter("another history exports to this place as well: give each its own")

    def due(self) -> tuple[list[ClosedHour], list[ClosedHour]]:
        """Hours to export, oldest first; and those that have more in their files than here."""
        manifest = self.manifest()
        entries = {one.hour_ms: one for one in manifest.hours}
        due: list[ClosedHour] = []
        smaller: list[ClosedHour] = []
        for hour in closed_hours(self._connection):
            if hour.hour_ms < manifest.dropped_before_ms:
                continue
            entry = entries.get(hour.hour_ms)
            if entry is None:
                due.append(hour)
            elif hour.revision > entry.closed_revision or _has_more(hour, entry):
                (due if _has_all(hour, entry) else smaller).append(hour)
        return due, smaller

    def again(self, hours_ms: Iterable[int], now_ms: int) -> Again:
        """Export hours again, whose files are damaged."""
        here = {one.hour_ms: one for one in closed_hours(self._connection)}
        still_open = {int(one) for (one,) in self._connection.execute("FROM open_hours").fetchall()}
        waiting: list[int] = []
        gone: list[int] = []
        for hour_ms in sorted(set(hours_ms)):
            hour, entry = here.get(hour_ms), self.manifest().hour(hour_ms)
            if hour_ms in still_open:
                held = _counted(self._connection, hour_ms)
                (waiting if entry is None or _has_all(held, entry) else gone).append(hour_ms)
                continue
            whole = hour is not None and (entry is None or _has_all(hour, entry))
            if hour is None or not whole or not self._export(hour, now_ms):
                gone.append(hour_ms)
        return Again(tuple(waiting), tuple(gone))

    def drop_before(self, hour_ms: int, now_ms: int) -> None:
        """Drop the hours before one from the manifest; their files go after the grace."""
        manifest = self.manifest()
        if any(one.hour_ms < hour_ms for one in manifest.hours):
            self._write(manifest.dropped(hour_ms, now_ms))

    def _export(self, hour: ClosedHour, now_ms: int) -> bool:
        former = self.manifest().hour(hour.hour_ms)
        revision = former.revision + 1 if former else 1
        self._empty_folder()
        try:
            entry = self._written(hour.hour_ms, revision)
            if entry is None:
                return False
            for table, file in entry.files.items():
                self._store.put(file.path, self._folder / f"{table}.parquet")
        except duckdb.IOException as error:
            raise StoreFull(f"no room for files on their way: {self._folder.name}") from error
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        # Besides the former revision, what a turn left that died before its manifest.
        there = [
            path for name in TABLES for path in self._store.names(hour_folder(name, hour.hour_ms))
        ]
        self._write(self.manifest().with_hour(entry, there, now_ms))
        return True

    def _written(self, hour_ms: int, revision: int) -> HourEntry | None:
        """Write the hour's files on this machine; None if it is closed no more."""
        cursor = self._connection.cursor()
        try:
            cursor.begin()
            hour = next((one for one in closed_hours(cursor) if one.hour_ms == hour_ms), None)
            if hour is None:
                return None
            files = {}
            for table in TABLES.values():
                at = file_path(table.name, hour_ms, revision)
                file = _file(cursor, table, hour_ms, self._folder / f"{table.name}.parquet", at)
                if file is not None:
                    files[table.name] = file
            within = f"event_time_ms >= {hour_ms} AND event_time_ms < {hour_ms + HOUR_MS}"
            slots = cursor.execute(
                f"SELECT min(slot), max(slot) FROM {SWAPS.stored} WHERE {within}"
            ).fetchone()
            assert slots is not None
        finally:
            cursor.close()
        if not files:
            return None
        return HourEntry(
            hour_ms=hour_ms,
            revision=revision,
            closed_revision=hour.revision,
            slot_min=slots[0],
            slot_max=slots[1],
            columns=COLUMNS_VERSION,
            files=files,
        )

    def _empty_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._folder.mkdir(parents=True)
        except OSError as error:
            raise StoreFull(f"cannot make {self._folder.name}: {error.strerror}") from error

    def _write(self, manifest: Manifest) -> None:
        self._refuse_others()
        # What is stored is not known until this has returned: the next look reads it again.
        self._manifest, self._is_known = None, False
        new = encoded(manifest)
        self._store.replace(MANIFEST, new)
        self._manifest, self._encoded, self._is_known = manifest, new, True

    def _remove(self, now_ms: int) -> int:
        manifest = self.manifest()
        past = [one.path for one in manifest.superseded if one.since_ms + self._grace_ms <= now_ms]
        for path in past:
            self._store.remove(path)
        if past:
            self._write(manifest.removed(past))
        return len(past)


def closed_hours(connection: duckdb.DuckDBPyConnection) -> list[ClosedHour]:
    """The hours that are closed and kept, oldest first.

    One that waits to be closed again is none. One with tokens alone has revision 0.
    """
    rows = connection.execute(
        f"""
        SELECT hour_ms, coalesce(revision, 0), coalesce(swaps, 0), coalesce(tokens, 0)
        FROM closed_hours FULL JOIN (
            SELECT event_time_ms // {HOUR_MS} * {HOUR_MS} AS hour_ms, count(*) AS tokens
            FROM tokens GROUP BY ALL
        ) USING (hour_ms)
        WHERE hour_ms >= (SELECT swaps_since_ms FROM kept) AND (
            revision IS NOT NULL
            OR hour_ms + {HOUR_MS + LATE_MS} <= (SELECT max(event_time_ms) FROM position)
        ) AND hour_ms NOT IN (FROM open_hours)
        ORDER BY hour_ms
        """
    ).fetchall()
    return [ClosedHour(*(int(one) for one in row)) for row in rows]


def _counted(connection: duckdb.DuckDBPyConnection, hour_ms: int) -> ClosedHour:
    """What an hour has that is still open."""
    counts = [
        connection.execute(
            f"SELECT count(*) FROM {table} WHERE event_time_ms >= ? AND event_time_ms < ?",
            [hour_ms, hour_ms + HOUR_MS],
        ).fetchall()[0][0]
        for table in ("swaps", "tokens")
    ]
    return ClosedHour(hour_ms, 0, *map(int, counts))


def _has_more(hour: ClosedHour, entry: HourEntry) -> bool:
    # A file that was made again counts its revisions from 1.
    return hour.swaps > entry.rows("swaps") or hour.tokens > entry.rows("tokens")


def _has_all(hour: ClosedHour, entry: HourEntry) -> bool:
    return hour.swaps >= entry.rows("swaps") and hour.tokens >= entry.rows("tokens")


def _file(
    cursor: duckdb.DuckDBPyConnection, table: Table, hour_ms: int, path: Path, at: str
) -> FileEntry | None:
    """Write a table's rows and read them back; None if there are none."""
    rows = table.rows_of(hour_ms)
    held = digest_of(cursor, f"({rows})", table.columns)
    if not held.rows:
        return None
    to = str(path).replace("'", "''")
    cursor.execute(
        f"COPY ({rows} ORDER BY {table.order}) TO '{to}' "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )
    if digest_of(cursor, f"read_parquet('{to}', hive_partitioning = false)", table.columns) != held:
        raise WrongParquet(f"the file of {table.name} of hour {hour_ms} does not hold its rows")
    return FileEntry(
        path=at,
        rows=held.rows,
        size_bytes=path.stat().st_size,
        digest=held.digest,
        sha256=sha256_of(path),
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hex digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            found.update(chunk)
    return found.hexdigest()
