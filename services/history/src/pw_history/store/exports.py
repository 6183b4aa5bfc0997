"""Swaps as one file that others read: CSV as text comes, Parquet once it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pw_common.jetstream.parts import PART_BYTES_MAX
from pw_common.wire.history import EXPORT_ROWS_MAX, ExportAsked
from pw_history.store.reader import Reader

COLUMNS: Final = """
    slot, event_time_ms, tx_index AS index, signature, ordinal, trader, side, mint,
    base_amount_raw, base_decimals, quote_mint, quote_amount_raw, quote_decimals, venues,
    route_hops, confidence, reasons, fee_payer, signers
"""
COPIED: Final = {
    "csv": "FORMAT csv, HEADER true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


def export_parts(reader: Reader, asked: ExportAsked) -> Iterator[bytes]:
    """The file in parts; its rows are in the order of the chain.

    Text that a spreadsheet would take for a formula cannot occur: every column is an address, a
    number, or a word of ours.
    """
    values: dict[str, Any] = {"first_ms": asked.first_ms, "end_ms": asked.end_ms}
    where = ["event_time_ms >= $first_ms", "event_time_ms < $end_ms"]
    for name, value in (("mint", asked.mint), ("trader", asked.trader)):
        if value is not None:
            where.append(f"{name} = ${name}")
            values[name] = value
    query = f"""
        SELECT {COLUMNS} FROM swaps WHERE {" AND ".join(where)}
        ORDER BY slot, tx_index, signature, ordinal LIMIT {min(asked.limit, EXPORT_ROWS_MAX)}
    """
    with tempfile.TemporaryDirectory(prefix="pw-export-") as folder:
        path = Path(folder) / f"swaps.{asked.format}"
        reader.copy(query, values, path, COPIED[asked.format])
        with path.open("rb") as file:
            while part := file.read(PART_BYTES_MAX):
                yield part
