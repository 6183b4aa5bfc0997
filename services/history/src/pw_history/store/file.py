"""Opening the one file: its limits, its version, and what keeps it from being opened."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from pw_history.store.schema import NewerFile, migrate

NAME: Final = "history.duckdb"
# Queries and the writer together; more would take the cores of what must be in time.
THREADS: Final = 2
# Of a process's memory: the rest is Python, what is read, and what waits to be written.
DATABASE_SHARE: Final = 0.5


class Unusable(Exception):  # noqa: N818 - says what to do
    """The file cannot be used; the message says why, and what to do."""


# Of a damaged one it speaks of blocks.
IN_USE: Final = "could not set lock on file"
FULL: Final = ("No space left", "disk quota", "out of disk")
REFUSED: Final = ("Permission denied", "Read-only file system", "read-only")
# What DuckDB says of a file that it cannot read: not a database, damaged, or of another version.
DAMAGE: Final = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.InvalidInputException,
)


def open_file(folder: Path, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    """The file of this folder at this version; made where there is none.

    Args:
        memory_bytes: What the process may hold.

    Raises:
        Unusable: another process has it, it is damaged, or of a later version.
    """
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(
            str(path),
            config={
                "threads": THREADS,
                "memory_limit": f"{int(memory_bytes * DATABASE_SHARE) >> 20}MiB",
                "temp_directory": str(folder / "temp"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        migrate(connection)
    except NewerFile as error:
        raise Unusable(f"{path}: {error}: run the later version") from error
    except duckdb.Error as error:
        raise Unusable(why_unusable(path, error)) from error
    return connection


def why_unusable(path: Path, error: duckdb.Error) -> str:
    """One sentence of what DuckDB says, and what to do about it."""
    said = " ".join(str(error).split())[:300]
    if IN_USE in said.lower():
        return f"{path}: another process has it open: {said}"
    if any(one in said for one in FULL):
        return f"{path.parent}: its disk is full: {said}; it goes on once there is room"
    if any(one in said for one in REFUSED):
        return f"{path}: it may not be written: {said}"
    # What is wrong with what is not merged yet has no class of its own.
    if not isinstance(error, DAMAGE) and type(error) is not duckdb.Error:
        return f"{path}: {said}; it is tried again"
    return f"{path} cannot be read: {said}; `pw history rebuild` makes it again"
