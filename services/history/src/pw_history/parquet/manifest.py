"""The manifest: which files are current, and what they must hold. Pure.

It is a value: each step gives the next one. Who writes it writes it last and whole, so that it
names nothing that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from pw_history.parquet.digest import RULE
from pw_history.parquet.tables import COLUMNS_VERSION, TABLES

# Anyone who can write to the bucket can write the manifest. So the paths that a reader opens and
# the names that end up in SQL must match these patterns.
_PATH: Final = re.compile(r"[a-z_]+/date=[0-9-]+/hour=[0-9]{2}/revision=[0-9]+/[a-z_]+\.parquet")
_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]*")
_KINDS: Final = {kind for table in TABLES.values() for kind in table.columns.values()}
SCHEMA: Final = "pw.history.parquet"
VERSION: Final = 1


class BadManifest(ValueError):
    """The manifest cannot be read, or is of a later version."""


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One file; `digest` is that of its rows, `sha256` that of its bytes."""

    path: str
    rows: int
    size_bytes: int
    digest: str
    sha256: str


class HourEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An hour's current revision, by table; a table without rows has no file.

    `closed_revision` is what DuckDB counted when the hour was exported, 0 for one without swaps.
    """

    hour_ms: int
    revision: int
    closed_revision: int
    slot_min: int | None
    slot_max: int | None
    columns: str
    files: dict[str, FileEntry]

    def rows(self, table: str) -> int:
        """How many rows the table has."""
        return self.files[table].rows if table in self.files else 0


class Superseded(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not current any more; it is removed some time after `since_ms`."""

    path: str
    since_ms: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that is current, by hour, oldest first. Nothing before `dropped_before_ms` is kept."""

    schema: str = SCHEMA
    version: int = VERSION
    digest_rule: str = RULE
    # Pairs, since the members of a JSON object have no order.
    columns: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {}
    dropped_before_ms: int = 0
    hours: tuple[HourEntry, ...] = ()
    superseded: tuple[Superseded, ...] = ()

    def hour(self, hour_ms: int) -> HourEntry | None:
        """The entry of an hour."""
        return next((one for one in self.hours if one.hour_ms == hour_ms), None)

    def columns_of(self, entry: HourEntry, table: str) -> dict[str, str]:
        """Names and DuckDB's types of a file's columns, in order."""
        return dict(self.columns[entry.columns][table])

    def with_hour(self, entry: HourEntry, former: Iterable[str], now_ms: int) -> Manifest:
        """With this revision of an hour; `former` are paths that it takes the place of."""
        others = [one for one in self.hours if one.hour_ms != entry.hour_ms]
        present = {name: tuple(table.columns.items()) for name, table in TABLES.items()}
        return msgspec.structs.replace(
            self,
            columns=self.columns | {COLUMNS_VERSION: present},
            hours=tuple(sorted([*others, entry], key=lambda one: one.hour_ms)),
            superseded=self._superseded(former, {one.path for one in entry.files.values()}, now_ms),
        )

    def dropped(self, hour_ms: int, now_ms: int) -> Manifest:
        """Without the hours that begin before `hour_ms`, which are not exported again."""
        gone = [one for one in self.hours if one.hour_ms < hour_ms]
        paths = [file.path for one in gone for file in one.files.values()]
        return msgspec.structs.replace(
            self,
            dropped_before_ms=max(hour_ms, self.dropped_before_ms),
            hours=tuple(one for one in self.hours if one.hour_ms >= hour_ms),
            superseded=self._superseded(paths, set(), now_ms),
        )

    def removed(self, paths: Iterable[str]) -> Manifest:
        """Without these superseded files."""
        gone = set(paths)
        left = tuple(one for one in self.superseded if one.path not in gone)
        return msgspec.structs.replace(self, superseded=left)

    def _superseded(
        self, paths: Iterable[str], current: set[str], now_ms: int
    ) -> tuple[Superseded, ...]:
        known = {one.path: one for one in self.superseded}
        for path in paths:
            known.setdefault(path, Superseded(path=path, since_ms=now_ms))
        return tuple(known[path] for path in sorted(known) if path not in current)


def _paths(manifest: Manifest) -> Iterator[str]:
    for one in manifest.hours:
        yield from (file.path for file in one.files.values())
    yield from (one.path for one in manifest.superseded)


def _columns(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for tables in manifest.columns.values():
        for columns in tables.values():
            yield from columns


def encoded(manifest: Manifest) -> bytes:
    """As it is stored: JSON, the same bytes for the same value."""
    return msgspec.json.encode(manifest, order="deterministic") + b"\n"


def decoded(raw: bytes) -> Manifest:
    """A manifest as it was stored.

    Raises:
        BadManifest: it is damaged, or a later version wrote it.
    """
    try:
        found = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadManifest(f"the manifest cannot be read: {error}") from error
    if (found.schema, found.version, found.digest_rule) != (SCHEMA, VERSION, RULE):
        raise BadManifest(
            f"the manifest is {found.schema} {found.version} with digests {found.digest_rule}; "
            f"this program reads {SCHEMA} {VERSION} with {RULE}"
        )
    if not all(_PATH.fullmatch(path) for path in _paths(found)):
        raise BadManifest("the manifest names a file that is not below its own folders")
    for name, kind in _columns(found):
        if not _COLUMN.fullmatch(name) or kind not in _KINDS:
            raise BadManifest("the manifest names a column that no version of this program has")
    for one in found.hours:
        if any(name not in found.columns.get(one.columns, {}) for name in one.files):
            raise BadManifest(f"the manifest does not say which columns hour {one.hour_ms} has")
    return found
