"""What the files hold: columns with their types, and the query that gives an hour's rows. Pure.

The types are those that every reader of Parquet has. Lists are lists, and not the joined text of
DuckDB's own table; sums are whole decimals, since Parquet has no whole number of 128 bits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_history.core.rows import SEPARATOR, SWAP_COLUMNS
from pw_history.store.schema import HOUR_MS

LIST: Final = "VARCHAR[]"
SUM: Final = "DECIMAL(38,0)"
# Which columns a file has; a new one gets a new number, and files of the former keep theirs.
COLUMNS_VERSION: Final = "1"


class Table(NamedTuple):
    """One kind of file; `stored` is DuckDB's table, `time` its column of milliseconds."""

    name: str
    stored: str
    time: str
    order: str
    columns: dict[str, str]

    def rows_of(self, hour_ms: int) -> str:
        """A query for the hour's rows, in the types of the file."""
        columns = ", ".join(_converted(name, kind) for name, kind in self.columns.items())
        return (
            f"SELECT {columns} FROM {self.stored} "
            f"WHERE {self.time} >= {hour_ms} AND {self.time} < {hour_ms + HOUR_MS}"
        )


def _converted(name: str, kind: str) -> str:
    if kind == LIST:
        return (
            f"CASE WHEN {name} = '' THEN []::VARCHAR[] "
            f"ELSE string_split({name}, '{SEPARATOR}') END AS {name}"
        )
    return f"{name}::{kind} AS {name}"


_SWAP_TYPES: Final = (
    "INTEGER", "UBIGINT", "BIGINT", "UINTEGER", "VARCHAR", "UINTEGER", "VARCHAR", "VARCHAR",
    "VARCHAR", "UBIGINT", "UTINYINT", "VARCHAR", "UBIGINT", "UTINYINT", LIST, "UINTEGER",
    "DOUBLE", LIST, "VARCHAR", LIST, "BOOLEAN",
)  # fmt: skip
SWAPS: Final = Table(
    "swaps",
    "closed_swaps",
    "event_time_ms",
    "mint, slot, tx_index, signature, ordinal",
    dict(zip(SWAP_COLUMNS, _SWAP_TYPES, strict=True)),
)
MINUTES: Final = Table(
    "minutes",
    "minutes",
    "minute_ms",
    "mint, quote_mint, minute_ms",
    {
        "mint": "VARCHAR", "quote_mint": "VARCHAR", "minute_ms": "BIGINT", "open": "DOUBLE",
        "high": "DOUBLE", "low": "DOUBLE", "close": "DOUBLE", "trades": "UINTEGER",
        "buys": "UINTEGER", "buyers": "UINTEGER", "sellers": "UINTEGER", "bought_raw": SUM,
        "sold_raw": SUM, "spent_raw": SUM, "received_raw": SUM,
    },
)  # fmt: skip
TOKENS: Final = Table(
    "tokens",
    "tokens",
    "event_time_ms",
    "mint",
    {
        "mint": "VARCHAR", "name": "VARCHAR", "symbol": "VARCHAR", "creator": "VARCHAR",
        "decimals": "UTINYINT", "supply_raw": "UBIGINT", "program": "VARCHAR",
        "signature": "VARCHAR", "ordinal": "UINTEGER", "slot": "UBIGINT", "tx_index": "UINTEGER",
        "event_time_ms": "BIGINT",
    },
)  # fmt: skip
TABLES: Final = {table.name: table for table in (SWAPS, MINUTES, TOKENS)}
