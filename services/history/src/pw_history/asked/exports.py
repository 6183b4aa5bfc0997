"""Swaps as one file that others read: CSV as text comes, Parquet once it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from pw_common.jetstream.parts import PART_BYTES_MAX
from pw_common.wire.history import EXPORT_ROWS_MAX, ExportAsked, SwapPlace
from pw_history.asked.reader import ORDER, PLACE, Reader, swaps_where
from pw_history.core.rows import SEPARATOR

COLUMNS: Final = """
    slot, event_time_ms, tx_index AS index, signature, ordinal, trader, side, mint,
    base_amount_raw, base_decimals, quote_mint, quote_amount_raw, quote_decimals, {venues},
    route_hops, confidence, {reasons}, fee_payer, {signers}
"""
# How a list is written: CSV has text alone, in which its parts stand side by side.
LISTS: Final = {
    "csv": f"replace({{0}}, '{SEPARATOR}', ' ') AS {{0}}",
    "parquet": f"CASE WHEN {{0}} = '' THEN []::VARCHAR[] "
    f"ELSE string_split({{0}}, '{SEPARATOR}') END AS {{0}}",
}
COPIED: Final = {
    "csv": "FORMAT csv, HEADER true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


def write_file(reader: Reader, asked: ExportAsked, path: Path) -> None:
    """Write the file; its rows are in the order of the chain.

    A column holds an address, a number, one of our own words, or a program's name, which only the
    operator sets. So nobody else can plant a formula for a spreadsheet to run.
    """
    where, values = _where(asked)
    lists = {one: LISTS[asked.format].format(one) for one in ("venues", "reasons", "signers")}
    query = f"""
        SELECT {COLUMNS.format(**lists)} FROM swaps WHERE {where}
        ORDER BY {ORDER} LIMIT {min(asked.limit, EXPORT_ROWS_MAX)}
    """
    reader.copy(query, values, path, COPIED[asked.format])


def parts_of(path: Path) -> Iterator[bytes]:
    """A file in parts."""
    with path.open("rb") as file:
        while part := file.read(PART_BYTES_MAX):
            yield part


def export_ends(reader: Reader, asked: ExportAsked) -> SwapPlace | None:
    """The place of the file's last row, where there are more rows than it may have."""
    where, values = _where(asked)
    limit = min(asked.limit, EXPORT_ROWS_MAX)
    [(count,)] = reader.rows(f"SELECT count(*) FROM swaps WHERE {where}", values)
    if count <= limit:
        return None
    query = f"""
        SELECT {ORDER} FROM swaps WHERE {where}
        ORDER BY {ORDER} LIMIT 1 OFFSET {limit - 1}
    """
    [last] = reader.rows(query, values)
    return SwapPlace(*last)


def _where(asked: ExportAsked) -> tuple[str, dict[str, Any]]:
    where, values = swaps_where(asked)
    if asked.after is not None:
        where += f" AND ({ORDER}) > {PLACE}"
        values |= msgspec.structs.asdict(asked.after)
    return where, values
