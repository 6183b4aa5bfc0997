"""A consistent copy of the whole file, made while it is written to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from pw_history.store.file import NAME

# Folders beside the file for what is on its way to who asked for it.
COPIES: Final = "copy-"
FILES: Final = "file-"
# As the copy is attached; the other is the file's own name.
COPY: Final = "copied"


def remove_leftovers(folder: Path) -> None:
    """Remove such folders that a killed process left: each may be as large as the file."""
    for prefix in (COPIES, FILES):
        for one in folder.glob(f"{prefix}*"):
            shutil.rmtree(one, ignore_errors=True)


@contextmanager
def copied(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Path]:
    """The copy, of one moment, in a temporary folder beside the file; gone afterwards.

    Raises:
        duckdb.Error: the disk is full, or the file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix=COPIES, dir=folder) as place:
        path = Path(place) / NAME
        named = str(path).replace("'", "''")
        cursor = connection.cursor()
        try:
            cursor.execute(f"ATTACH '{named}' AS {COPY}")
            try:
                cursor.begin()
                try:
                    cursor.execute(f"COPY FROM DATABASE {Path(NAME).stem} TO {COPY}")
                except duckdb.Error:
                    cursor.rollback()
                    raise
                cursor.commit()
            finally:
                cursor.execute(f"DETACH {COPY}")
        finally:
            cursor.close()
        yield path
