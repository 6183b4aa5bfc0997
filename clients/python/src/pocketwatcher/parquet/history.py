"""What history exported, as dataframes: the manifest's files and no others, so that every swap
counts once at any time. docs/history.md says what the columns mean.

It needs polars, and for pandas also pandas and pyarrow: `pip install pocketwatcher-client[polars]`
or `[pandas]`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pocketwatcher.errors import BadManifest, MissingPackage, NotReadable
from pocketwatcher.parquet.digest import digest
from pocketwatcher.parquet.manifest import BYTES_MAX, NAME, Hour, Manifest, decoded

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

PIECE_BYTES: Final = 1024 * 1024
# The column with the time that a span is about.
TIMES: Final = {"swaps": "event_time_ms", "minutes": "minute_ms", "tokens": "event_time_ms"}
DTYPES: Final = {
    "VARCHAR": "String", "INTEGER": "Int32", "BIGINT": "Int64", "UTINYINT": "UInt8",
    "UINTEGER": "UInt32", "UBIGINT": "UInt64", "DOUBLE": "Float64", "BOOLEAN": "Boolean",
}  # fmt: skip


class Table:
    """Rows that were asked for, and not yet read. Ask again after a while: files are replaced."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame

    def lazy(self) -> pl.LazyFrame:
        """To go on with: polars reads what is wanted in the end, and raises its own errors."""
        return self._frame

    def polars(self) -> pl.DataFrame:
        """All of it. Sums of raw amounts can exceed 64 bits: cast to `polars.Int128` first.

        Raises:
            NotReadable: a file is gone or damaged.
        """
        try:
            return self._frame.collect()
        except (OSError, _polars().exceptions.PolarsError) as error:
            # What polars says may name keys and signed addresses.
            raise NotReadable(
                f"a file of history cannot be read ({type(error).__name__}). Ask for this table "
                "again, as it may have been replaced; History.verify() names files that are damaged"
            ) from None

    def pandas(self) -> pd.DataFrame:
        """All of it, for pandas.

        Raises:
            MissingPackage: pandas or pyarrow is not installed.
            NotReadable: a file is gone or damaged.
        """
        try:
            return self.polars().to_pandas()
        except ModuleNotFoundError as error:
            raise MissingPackage(_missing(error, "pandas")) from error


class Verified(NamedTuple):
    """A file of the manifest, and what is wrong with it; empty where nothing is."""

    path: str
    wrong: str


class History:
    """The folder, or the bucket, into which history exports.

    Times are event time, the time of a slot, in ms since 1970 (UTC): a span begins at `first_ms`
    and ends before `end_ms`, each None for as far as hours were exported. An hour is exported once
    it has closed.

    Args:
        place: A folder, or an address that polars reads (`s3://bucket/prefix`).
        storage_options: As polars takes them: `aws_endpoint_url`, `aws_access_key_id`, …
    """

    def __init__(
        self, place: str | Path, *, storage_options: Mapping[str, str] | None = None
    ) -> None:
        self._is_url = "://" in str(place)
        self._place = str(place).rstrip("/") if self._is_url else str(Path(place).absolute())
        self._options = None if storage_options is None else dict(storage_options)

    def __repr__(self) -> str:
        # Without the options, which hold keys.
        return f"History({self._place!r})"

    def manifest(self) -> Manifest:
        """Which files are current. Each question reads it again.

        Raises:
            BadManifest: there is none, or one that this version does not read.
        """
        return decoded(self._far_manifest() if self._is_url else self._near_manifest())

    def swaps(
        self, *, first_ms: int | None = None, end_ms: int | None = None, mint: str | None = None
    ) -> Table:
        """Swaps from `first_ms` on and before `end_ms`, in event time; of one token, or of all."""
        return self._table("swaps", first_ms, end_ms, mint)

    def minutes(
        self, *, first_ms: int | None = None, end_ms: int | None = None, mint: str | None = None
    ) -> Table:
        """Candles of a minute that begin in this span."""
        return self._table("minutes", first_ms, end_ms, mint)

    def tokens(self, *, first_ms: int | None = None, end_ms: int | None = None) -> Table:
        """Tokens whose creation was seen in this span."""
        return self._table("tokens", first_ms, end_ms, None)

    def verify(
        self, *, first_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[Verified]:
        """Read every file of the hours that a span touches, and compare it with the manifest.

        A file in a bucket is compared by its rows, one in a folder also by its bytes.
        """
        manifest = self.manifest()
        for table in TIMES:
            for hour in manifest.hours_of(table, first_ms, end_ms):
                wrong = self._wrong(hour, table, manifest.columns_of(hour, table))
                yield Verified(hour.files[table].path, wrong)

    def _table(
        self, table: str, first_ms: int | None, end_ms: int | None, mint: str | None
    ) -> Table:
        pl = _polars()
        manifest = self.manifest()
        by_columns: dict[str, list[str]] = {}
        for hour in manifest.hours_of(table, first_ms, end_ms):
            path = self._path(hour.files[table].path)
            by_columns.setdefault(hour.columns, []).append(path)
        frames = [self._scan(paths) for paths in by_columns.values()]
        frame = pl.concat(frames, how="diagonal") if frames else _empty(manifest, table)
        if mint is not None:
            frame = frame.filter(pl.col("mint") == mint)
        if first_ms is not None:
            frame = frame.filter(pl.col(TIMES[table]) >= first_ms)
        if end_ms is not None:
            frame = frame.filter(pl.col(TIMES[table]) < end_ms)
        return Table(frame)

    def _scan(self, paths: list[str]) -> pl.LazyFrame:
        # Names are taken as they are: no pattern, and no columns out of folders.
        found: pl.LazyFrame = _polars().scan_parquet(
            paths, glob=False, hive_partitioning=False, storage_options=self._options
        )
        return found

    def _wrong(self, hour: Hour, table: str, columns: tuple[str, ...]) -> str:
        file = hour.files[table]
        path = self._path(file.path)
        pl = _polars()
        try:
            if not self._is_url and _sha256(Path(path)) != file.sha256:
                return "its bytes are not those that were written"
            frame = self._scan([path]).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            return f"it cannot be read: {type(error).__name__}"
        if tuple(frame.columns) != columns:
            return "its columns are not those of the manifest"
        if digest(frame.iter_rows()) != (file.rows, file.digest):
            return "its rows are not those that were written"
        return ""

    def _path(self, name: str) -> str:
        return f"{self._place}/{name}"

    def _near_manifest(self) -> bytes:
        path = Path(self._place) / NAME
        try:
            with path.open("rb") as file:
                raw = file.read(BYTES_MAX + 1)
        except OSError as error:
            raise BadManifest(
                f"no manifest at {path}: {error.strerror}. Is it the folder that history exports "
                "to (PW_HISTORY_PARQUET_URL), and has an hour been exported?"
            ) from error
        if len(raw) > BYTES_MAX:
            raise BadManifest(f"the manifest has more than {BYTES_MAX} bytes")
        return raw

    def _far_manifest(self) -> bytes:
        pl = _polars()
        try:
            lines = pl.scan_lines(
                self._path(NAME), glob=False, n_rows=2, storage_options=self._options
            ).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            # What polars says may name keys and signed addresses.
            raise BadManifest(
                f"no manifest can be read at {self._path(NAME)}: {type(error).__name__}. Check the "
                "address and storage_options"
            ) from None
        return "\n".join(lines.get_column("line")).encode()


def _empty(manifest: Manifest, table: str) -> pl.LazyFrame:
    """No rows, with the columns that rows would have."""
    versions = [tables[table] for tables in manifest.columns.values() if table in tables]
    columns = versions[-1] if versions else ()
    if not columns:
        raise BadManifest("no hour has been exported yet: the first one is once it has closed")
    found: pl.LazyFrame = _polars().LazyFrame(schema={name: _dtype(kind) for name, kind in columns})
    return found


def _dtype(kind: str) -> Any:
    pl = _polars()
    if kind.endswith("[]"):
        return pl.List(_dtype(kind.removesuffix("[]")))
    if kind.startswith("DECIMAL"):
        return pl.Decimal(38, 0)
    return getattr(pl, DTYPES.get(kind, "String"))


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()


def _polars() -> Any:
    """polars, which is only needed here.

    Raises:
        MissingPackage: it is not installed.
    """
    try:
        import polars as pl  # noqa: PLC0415 - the rest of the package does without
    except ModuleNotFoundError as error:
        raise MissingPackage(_missing(error, "polars")) from error
    return pl


def _missing(error: ModuleNotFoundError, extra: str) -> str:
    return f"{error}: install pocketwatcher-client[{extra}]"
