"""Columns of Python values as DuckDB scans them: numpy arrays, with nulls said beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

# What the tables call it, as numpy has it. Text is an object each.
TYPES: Mapping[str, Any] = {
    "UBIGINT": np.uint64,
    "BIGINT": np.int64,
    "UINTEGER": np.uint32,
    "INTEGER": np.int32,
    "UTINYINT": np.uint8,
    "DOUBLE": np.float64,
    "BOOLEAN": np.bool_,
}


def insert_columns(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Sequence[Any]]
) -> None:
    """Insert rows, column by column: one row at a time costs a hundred times as much.

    Args:
        columns: By the table's own names, all of the same length.
    """
    connection.register("new_columns", arrays(connection, table, columns))
    connection.execute(f"INSERT INTO {table} BY NAME SELECT {selected(columns)} FROM new_columns")
    connection.unregister("new_columns")


def arrays(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """The columns of a table as arrays; a number that may be null has one more beside it."""
    types = _types(connection, table)
    made: dict[str, Any] = {}
    for name, values in columns.items():
        kind = TYPES.get(types[name], object)
        made[known(name)] = np.array([one is not None for one in values], dtype=np.bool_)
        if kind is object:
            made[name] = np.array([one or "" for one in values], dtype=object)
        else:
            made[name] = np.array([one or 0 for one in values], dtype=kind)
    return made


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> Mapping[str, str]:
    """Looked up once: a file that is open is of this version, whichever it is."""
    if table not in _TYPES:
        _TYPES[table] = dict(
            connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table]
            ).fetchall()
        )
    return _TYPES[table]


_TYPES: dict[str, Mapping[str, str]] = {}


def known(name: str) -> str:
    """The column that says where another one is not null."""
    return f"{name}_known"


def selected(columns: Mapping[str, Sequence[Any]], **written: str) -> str:
    """What to select of such arrays; `written` says how instead, for some."""
    parts = {name: f'CASE WHEN {known(name)} THEN "{name}" END AS "{name}"' for name in columns}
    return ", ".join((parts | written).values())
