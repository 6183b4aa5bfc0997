"""The logical digest: a number that follows from the rows, and not from the bytes of a file. Pure.

The rule, `md5-sum.1`:

1. A value is text. Whole numbers and decimals are their digits, a boolean is `true` or `false`, a
   double is the whole number of its 64 bits (IEEE 754, unsigned). A list is its parts, each as its
   length in bytes (UTF-8), `:` and itself.
2. A field is the length of its value in bytes, `:` and the value; null is `-`.
3. A row is its fields in the order of the columns, with nothing between them.
4. The digest is the sum of the rows' MD5, each as a number of 128 bits whose first byte is the
   lowest, modulo 2^128; written as 32 hex digits.

Lengths make two rows with the same text the same row. A sum does not depend on order and notices a
row that is there twice. It finds what went wrong by accident; who wants to deceive can find rows
with the same sum, so it proves nothing about an author.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import duckdb

from pw_history.parquet.tables import LIST

RULE: Final = "md5-sum.1"


class Digest(NamedTuple):
    """How many rows there are, and the sum over them."""

    rows: int
    digest: str


def digest_query(source: str, columns: Mapping[str, str]) -> str:
    """SQL for DuckDB: rows, and the two halves of the sum before the modulo.

    Args:
        source: What stands after FROM: a query in brackets, or `read_parquet(…)`.
        columns: Names and DuckDB's types, in order.
    """
    row = " || ".join(_field(name, kind) for name, kind in columns.items())
    # DuckDB calls the first eight bytes of an MD5 `upper`; as a number they are the lower half.
    return f"""
        SELECT count(*), coalesce(sum(md5_number_upper(line)), 0)::HUGEINT,
            coalesce(sum(md5_number_lower(line)), 0)::HUGEINT
        FROM (SELECT {row} AS line FROM {source})
    """


def digest_of(
    connection: duckdb.DuckDBPyConnection, source: str, columns: Mapping[str, str]
) -> Digest:
    """The digest of what DuckDB reads from `source`.

    Raises:
        duckdb.Error: it cannot be read, or lacks a column.
    """
    found = connection.execute(digest_query(source, columns)).fetchone()
    assert found is not None
    rows, low, high = (int(one) for one in found)
    return Digest(rows, f"{(low + (high << 64)) % (1 << 128):032x}")


def _field(name: str, kind: str) -> str:
    value = _text(name, kind)
    return f"coalesce(strlen({value}) || ':' || {value}, '-')"


def _text(name: str, kind: str) -> str:
    if kind == LIST:
        # Of no parts, DuckDB's joined text would be null.
        joined = f"array_to_string(list_transform({name}, lambda x: strlen(x) || ':' || x), '')"
        return f"CASE WHEN len({name}) = 0 THEN '' ELSE {joined} END"
    if kind == "DOUBLE":
        return f"{name}::DOUBLE::BIT::UBIGINT::VARCHAR"
    return name if kind == "VARCHAR" else f"{name}::VARCHAR"
