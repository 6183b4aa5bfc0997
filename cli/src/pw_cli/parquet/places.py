"""Which Parquet files are meant: by name, all of a folder, or those that its manifest names.

History keeps its files in one place below the data folder of a run. An hour that changed is
written again as the next revision, beside the file of before: the manifest says which one is
current, and without a manifest the highest revision is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from pw_cli.connect.runs import live_runs
from pw_cli.offline.bad_input import BadInput
from pw_history.parquet.reading import NONE_YET

ENDING: Final = ".parquet"
MANIFEST: Final = "manifest.json"
KEPT: Final = Path("history", "parquet")
# Years of hours, with a few files each.
FILES_MAX: Final = 100_000
SCHEMA: Final = "pw.history.parquet"
VERSION: Final = 1
REVISION: Final = re.compile(r"revision=([0-9]{1,9})")
MANIFEST_BYTES_MAX: Final = 64 * 1024 * 1024
# DuckDB takes them for a pattern, which may name other files.
PATTERN: Final = frozenset("*?[")


class _File(msgspec.Struct):
    """A current file: its path below the manifest's folder, and its size."""

    path: str
    size_bytes: int | None = None


class _Hour(msgspec.Struct):
    """An hour's current files, by table."""

    files: dict[str, _File] = {}


class _Manifest(msgspec.Struct):
    """What is read of a manifest: `superseded` files are not."""

    schema: str = ""
    version: int = 0
    hours: list[_Hour] = []


def kept_in(data: Path) -> Path:
    """Where history keeps Parquet in a data folder: the one place that says so."""
    return data / KEPT


def default_folder() -> Path:
    """The folder of the one `pw up` that runs here and keeps its data.

    Raises:
        BadInput: none runs here, or several.
    """
    folders = [Path(run.data) for run in live_runs() if run.data]
    if len(folders) == 1:
        return kept_in(folders[0])
    why = "several pw up run here" if folders else "no pw up with --data runs here"
    raise BadInput(f"{why}; say --dir FOLDER: its data folder, or the one with the Parquet files")


def is_parquet(path: Path) -> bool:
    """Whether a path means Parquet: a file by its name, a manifest, or any folder."""
    return path.is_dir() or path.name == MANIFEST or path.name.endswith(ENDING)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Every file that is meant, whole paths, each once, in order.

    Raises:
        BadInput: there is none, one cannot be read, or a manifest names something else.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            found.update(dict.fromkeys(_meant(path)))
        except OSError as error:
            raise BadInput(f"{error.filename or path}: {error.strerror or error}") from error
        if len(found) > FILES_MAX:
            raise BadInput(f"{path}: over {FILES_MAX} files; allowed: at most that")
    for one in found:
        if not one.is_file():
            raise BadInput(f"{one}: no such file")
        if PATTERN & set(str(one)):
            raise BadInput(f"{one}: allowed: a path without *, ? and [")
    return list(found)


def _meant(path: Path) -> Iterator[Path]:
    if path.is_dir():
        folder = _folder(path)
        if (folder / MANIFEST).is_file():
            yield from _in_manifest(folder / MANIFEST)
            return
        files = _newest(sorted(one.resolve() for one in folder.rglob(f"*{ENDING}")))
        if not files:
            raise BadInput(f"{folder}: no {MANIFEST} and no *{ENDING} in it; {NONE_YET}")
        yield from files
    elif path.name == MANIFEST:
        yield from _in_manifest(path)
    elif path.name.endswith(ENDING):
        yield path.resolve()
    else:
        allowed = f"a folder, a {MANIFEST}, or *{ENDING}"
        raise BadInput(f"{path}: not Parquet by its name; allowed: {allowed}")


def _folder(path: Path) -> Path:
    """Where the files lie: of a data folder, of history's own in it, or the folder itself."""
    if kept_in(path).is_dir():
        return kept_in(path)
    own = path / KEPT.name
    # Beside it lies what history is about to export: the same rows once more.
    return own if own.is_dir() and not (path / MANIFEST).is_file() else path


def _in_manifest(path: Path) -> Iterator[Path]:
    """Its files; every name lies beside or below it."""
    with path.open("rb") as file:
        body = file.read(MANIFEST_BYTES_MAX + 1)
    if len(body) > MANIFEST_BYTES_MAX:
        raise BadInput(f"{path}: over {MANIFEST_BYTES_MAX} bytes; allowed: at most that")
    try:
        manifest = msgspec.json.decode(body, type=_Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadInput(f"{path}: not a manifest: {error}") from error
    if (manifest.schema, manifest.version) != (SCHEMA, VERSION):
        found = f"{manifest.schema[:64]!r} {manifest.version}"
        raise BadInput(f"{path}: a manifest of {found}; allowed: {SCHEMA!r} {VERSION}")
    named = [entry for hour in manifest.hours for entry in hour.files.values()]
    folder = path.parent.resolve()
    for entry in named:
        one = (folder / entry.path).resolve()
        if not one.is_relative_to(folder):
            raise BadInput(f"{path}: {entry.path[:200]!r}; allowed: files below its folder")
        _check_size(one, entry.size_bytes)
        yield one
    if not named:
        raise BadInput(f"{path}: it names no *{ENDING} file yet; {NONE_YET}")


def _check_size(path: Path, size_bytes: int | None) -> None:
    """A file that was cut off is named; `pw history verify` looks at every byte."""
    if size_bytes is None or not path.is_file():
        return
    found = path.stat().st_size
    if found != size_bytes:
        raise BadInput(
            f"{path}: {found} bytes, and {MANIFEST} says {size_bytes}: pw history verify names "
            "all that is damaged, and --mend makes it again"
        )


def _newest(files: Sequence[Path]) -> list[Path]:
    """The highest revision of each hour; files without a revision are all taken."""
    found: dict[tuple[Path, str], tuple[int, Path]] = {}
    for one in files:
        revision = REVISION.fullmatch(one.parent.name)
        key = (one.parent.parent if revision else one.parent, one.name)
        number = int(revision[1]) if revision else 0
        found[key] = max(found.get(key, (number, one)), (number, one))
    return [one for _, one in found.values()]
