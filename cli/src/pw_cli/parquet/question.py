"""One question in SQL, asked within bounds of time, memory and rows.

| the SQL                                          | what becomes of it                         |
| ------------------------------------------------ | ------------------------------------------ |
| one SELECT (or FROM, VALUES, WITH, DESCRIBE, …)  | answered                                   |
| several statements, none, or any other           | `BadQuestion`: nothing of it is run        |
| a SELECT with a change in it (WITH … AS INSERT)  | `BadQuestion`: nothing of it is run        |
| a table function that is not in `FUNCTIONS`      | `BadQuestion`: nothing of it is run        |
| what DuckDB refuses: a fault, a file, memory     | `BadQuestion`, with what it says           |
| what takes longer than it may                    | `TooSlow`                                  |

The connection is locked (`locked.py`); what is refused here besides never reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final, NamedTuple

import duckdb
import msgspec

from pw_cli.parquet.locked import in_one_line

SQL_BYTES_MAX: Final = 64 * 1024
AGAIN_S: Final = 0.1
# What makes rows out of nothing or out of values, and what reads the Parquet that is allowed.
FUNCTIONS: Final = frozenset({
    "range", "generate_series", "unnest", "repeat", "json_each", "json_tree", "histogram",
    "histogram_values", "summary", "read_parquet", "parquet_scan", "parquet_schema",
    "parquet_metadata", "parquet_file_metadata",
})  # fmt: skip
# The parts of a statement that only read.
_READING: Final = frozenset({
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE",
})  # fmt: skip
ALLOWED: Final = "allowed: one SELECT over swaps, minutes and tokens"


class BadQuestion(ValueError):
    """SQL that is not answered; says why."""


class TooSlow(Exception):
    """It took longer than it may."""


class Answer(NamedTuple):
    """Columns and rows. `is_cut` says that there are more rows; `types` are DuckDB's."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, *, rows_max: int, timeout_s: float
) -> Answer:
    """The first `rows_max` rows of the answer.

    Raises:
        BadQuestion: it is not one SELECT, or DuckDB refuses it.
        TooSlow: it is not answered after `timeout_s`.
    """
    with ThreadPoolExecutor(1) as pool:
        # DuckDB does not always hear Ctrl-C while it works, so it works in a thread.
        answered = pool.submit(_answer, connection, sql, rows_max)
        try:
            return answered.result(timeout_s)
        except TimeoutError as error:
            raise TooSlow(f"no answer after {timeout_s:g} s; ask less, or say --timeout") from error
        finally:
            # An interrupt that comes before the work begins is lost.
            while not answered.done():
                connection.interrupt()
                wait([answered], AGAIN_S)


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, rows_max: int) -> Answer:
    try:
        found = connection.execute(_checked(connection, sql))
        columns = tuple(str(one[0]) for one in found.description)
        types = tuple(str(one[1]) for one in found.description)
        rows = found.fetchmany(rows_max + 1)
    except duckdb.Error as error:
        raise BadQuestion(in_one_line(error)) from error
    return Answer(_each_once(columns), types, rows[:rows_max], len(rows) > rows_max)


def _checked(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one statement that there is, if all that it does is to read."""
    size = len(sql.encode("utf-8", "replace"))
    if size > SQL_BYTES_MAX:
        raise BadQuestion(f"{size} bytes of SQL; allowed: at most {SQL_BYTES_MAX}")
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise BadQuestion(f"{len(statements)} statements; {ALLOWED}")
    [statement] = statements
    if statement.type != duckdb.StatementType.SELECT:
        raise BadQuestion(f"a statement of the kind {statement.type.name}; {ALLOWED}")
    written = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    try:
        tree = msgspec.json.decode(str(written[0][0]))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadQuestion("nested too deep") from error
    if not isinstance(tree, dict) or tree.get("error"):
        raise BadQuestion(f"it cannot be checked; {ALLOWED}")
    for part in _parts(tree):
        kind = str(part.get("type", ""))
        if kind.endswith("_NODE") and kind not in _READING:
            raise BadQuestion(f"{kind.partition('_')[0]} within it; {ALLOWED}")
        if kind == "TABLE_FUNCTION":
            name = str(part.get("function", {}).get("function_name", "")).lower()
            if name not in FUNCTIONS:
                listed = ", ".join(sorted(FUNCTIONS))
                raise BadQuestion(f"the table function {name}; {ALLOWED}, and of {listed}")
    return statement


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree, without recursion."""
    left = [tree]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of which none comes twice, so that an object can have them all."""
    found: dict[str, None] = {}
    for name in names:
        one, number = name, 2
        while one in found:
            one, number = f"{name}_{number}", number + 1
        found[one] = None
    return tuple(found)
