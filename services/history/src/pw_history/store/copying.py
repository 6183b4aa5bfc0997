"""A consistent copy of the whole file, made while it is written to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from pw_history.store.file import NAME

# As the copy is attached; the other is the file's own name.
COPY: Final = "copied"


@contextmanager
def copied(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Path]:
    """The copy, of one moment, in a temporary folder beside the file; gone afterwards.

    Raises:
        duckdb.Error: the disk is full, or the file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="copy-", dir=folder) as place:
        path = Path(place) / NAME
        named = str(path).replace("'", "''")
        cursor = connection.cursor()
        try:
            cursor.execute(f"ATTACH '{named}' AS {COPY}")
            try:
                cursor.execute(f"COPY FROM DATABASE {Path(NAME).stem} TO {COPY}")
            finally:
                cursor.execute(f"DETACH {COPY}")
        finally:
            cursor.close()
        yield path
