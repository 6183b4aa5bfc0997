"""The manifest of exported hours: which files are current, and what they must hold. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

import msgspec

from pocketwatcher.errors import BadManifest, plain

NAME: Final = "manifest.json"
SCHEMA: Final = "pw.history.parquet"
VERSION: Final = 1
RULE: Final = "md5-sum.1"
HOUR_MS: Final = 3_600_000
# A thousand bytes an hour: some seven years.
BYTES_MAX: Final = 64 * 1024 * 1024

Columns = tuple[tuple[str, str], ...]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of one table and hour. `digest` is that of its rows, `sha256` that of its bytes."""

    path: str
    rows: int
    digest: str
    sha256: str
    size_bytes: int = 0


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """An hour's current files by table. `columns` names their version."""

    hour_ms: int
    columns: str
    files: dict[str, File]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that is current, by hour; names and DuckDB's types of columns by version and table."""

    schema: str
    version: int
    digest_rule: str
    columns: dict[str, dict[str, Columns]] = {}
    hours: tuple[Hour, ...] = ()

    def hours_of(self, table: str, first_ms: int | None, end_ms: int | None) -> list[Hour]:
        """The hours with a file of this table that a span of event time touches, oldest first."""
        found = [
            one
            for one in self.hours
            if table in one.files
            and (first_ms is None or one.hour_ms + HOUR_MS > first_ms)
            and (end_ms is None or one.hour_ms < end_ms)
        ]
        return sorted(found, key=lambda one: one.hour_ms)

    def columns_of(self, hour: Hour, table: str) -> tuple[str, ...]:
        """The columns of a file, in order."""
        return tuple(name for name, _ in self.columns[hour.columns][table])


class _Kind(msgspec.Struct):
    """What says whether the rest can be read."""

    schema: str = ""
    version: int = 0
    digest_rule: str = ""


def decoded(raw: bytes) -> Manifest:
    """A manifest as it was stored.

    Raises:
        BadManifest: it is damaged, of another version, or names files elsewhere.
    """
    try:
        # First, since a later version may have another shape.
        kind = msgspec.json.decode(raw, type=_Kind)
        if (kind.schema, kind.version, kind.digest_rule) != (SCHEMA, VERSION, RULE):
            raise BadManifest(
                f"the manifest is {plain(kind.schema) or 'of no schema'} {kind.version} with "
                f"digests {plain(kind.digest_rule) or 'of no rule'}; this version of "
                f"pocketwatcher-client reads {SCHEMA} {VERSION} with {RULE}: is there a newer one?"
            )
        found = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadManifest(f"the manifest cannot be read: {plain(str(error))}") from error
    _check_once(found)
    for hour in found.hours:
        for table, file in hour.files.items():
            if table not in found.columns.get(hour.columns, {}):
                raise BadManifest(f"the manifest does not say which columns {file.path!r} has")
            if not _is_below(file.path):
                raise BadManifest(f"the manifest names a file that is elsewhere: {file.path!r}")
    return found


def _check_once(found: Manifest) -> None:
    paths = [file.path for hour in found.hours for file in hour.files.values()]
    hours = {hour.hour_ms for hour in found.hours}
    if len(hours) < len(found.hours) or len(set(paths)) < len(paths):
        raise BadManifest("the manifest names an hour or a file twice: its rows would count twice")


def _is_below(path: str) -> bool:
    parts = PurePosixPath(path).parts
    is_plain = path.isprintable() and not set(path) & set("\\:%?#")
    return bool(parts) and is_plain and ".." not in parts and not path.startswith("/")
