"""DuckDB over given Parquet files and nothing else: no other file, no network, no extension.

What holds whatever the SQL says: the files that may be opened are a list, settings are locked
after that, extensions are neither installed nor loaded, names of Python are not looked up, and
the transaction is read-only. Memory is bounded and nothing is spilled to a disk.

What it does not keep: COPY could write over a file that may be opened. So SQL from outside goes
through `question.py`, which lets nothing but one SELECT through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from pw_cli.offline.bad_input import BadInput
from pw_history.parquet.tables import TABLES as STORED

MEMORY: Final = "1GiB"
# By what a file is recognised, whatever it is called and wherever it lies.
TABLES: Final = {
    "swaps": frozenset({"signature", "trader", "side", "mint", "base_amount_raw"}),
    "minutes": frozenset({"minute_ms", "mint", "open", "close"}),
    "tokens": frozenset({"mint", "name", "symbol", "creator"}),
}


@contextmanager
def locked(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read these files, and do nothing else.

    It has the views `swaps`, `minutes` and `tokens`; one of which they have no file has no rows.

    Raises:
        BadInput: a file is not Parquet, or none has one of these tables.
    """
    connection = duckdb.connect(":memory:")
    try:
        _lock(connection, files)
        yield connection
    finally:
        connection.close()


def scan(files: Sequence[Path], *, with_names: bool = False) -> str:
    """The table function that reads these; `with_names` adds the column `filename`."""
    listed = ", ".join(text(str(one)) for one in files)
    named = ", filename = true" if with_names else ""
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false{named})"


def text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def in_one_line(error: Exception) -> str:
    """What DuckDB says, without its drawing of where."""
    lines = [line.strip() for line in str(error).split("\n\n")[0].splitlines()]
    return " ".join(line for line in lines if line)


@contextmanager
def in_our_words() -> Iterator[None]:
    """DuckDB's errors as `BadInput`, and Ctrl-C as Python has it."""
    try:
        yield
    except duckdb.Error as error:
        raise BadInput(in_one_line(error)) from error
    except RuntimeError as error:
        if "interrupted" in str(error):
            raise KeyboardInterrupt from error
        raise


def by_table(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path]
) -> dict[str, dict[Path, frozenset[str]]]:
    """Table -> its files -> the columns of each. Raises BadInput."""
    listed = ", ".join(text(str(one)) for one in files)
    with in_our_words():
        rows = connection.execute(
            f"SELECT file_name, list(name) FROM parquet_schema([{listed}]) GROUP BY file_name"
        ).fetchall()
    columns = {Path(name): frozenset(names) for name, names in rows}
    found: dict[str, dict[Path, frozenset[str]]] = {}
    for one in files:
        for table, wanted in TABLES.items():
            if wanted <= columns.get(one, frozenset()):
                found.setdefault(table, {})[one] = columns[one]
                break
    return found


def _lock(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    allowed = ", ".join(text(str(one)) for one in files)
    for setting in (
        f"memory_limit = '{MEMORY}'",
        "temp_directory = ''",
        "allow_community_extensions = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "allow_persistent_secrets = false",
        "python_enable_replacements = false",
        f"allowed_paths = [{allowed}]",
        "enable_external_access = false",
    ):
        connection.execute(f"SET {setting}")
    tables = by_table(connection, files)
    if not tables:
        raise BadInput(f"{files[0]}: not of history: allowed: {', '.join(TABLES)}, by its columns")
    with in_our_words():
        for table in TABLES:
            of_table = tables.get(table)
            source = f"FROM {scan(list(of_table))}" if of_table else _none_of(table)
            connection.execute(f"CREATE VIEW {table} AS {source}")
    connection.execute("SET lock_configuration = true")
    connection.execute("BEGIN TRANSACTION READ ONLY")


def _none_of(table: str) -> str:
    nulls = ", ".join(f"NULL::{kind} AS {name}" for name, kind in STORED[table].columns.items())
    return f"SELECT {nulls} WHERE false"
