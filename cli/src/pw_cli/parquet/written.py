"""An answer as a table for a terminal, as JSON lines, or as CSV."""

from __future__ import annotations

import csv
import sys
from typing import Any, Final, TextIO

import msgspec
from rich.console import Console

from pw_cli.parquet.question import Answer
from pw_cli.terminal.fitting import Fitting
from pw_cli.terminal.terminal import cell, write_json
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text

# Larger whole numbers are not exact for many readers of JSON.
EXACT_MAX: Final = 2**53 - 1
_NUMBERS: Final = ("INT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "BIGNUM")


def as_table(answer: Answer, console: Console) -> None:
    """Columns where they fit, else a block for each row."""
    numbers = tuple(
        name
        for name, kind in zip(answer.columns, answer.types, strict=True)
        if "[" not in kind and any(one in kind for one in _NUMBERS)
    )
    shown = [plain_text(name) for name in answer.columns]
    table = Fitting(*shown, numbers=tuple(plain_text(one) for one in numbers))
    for row in answer.rows:
        table.add_row(*(cell(_shown(value)) for value in row))
    console.print(table)


def as_json(answer: Answer) -> None:
    """An object a line; raw amounts and whole numbers over 53 bits as text."""
    for row in answer.rows:
        write_json({name: plain(one) for name, one in zip(answer.columns, row, strict=True)})


def as_csv(answer: Answer, out: TextIO) -> None:
    """A line of names, then the rows; unknown is empty, a list is JSON."""
    is_terminal = out.isatty()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.columns)
    for row in answer.rows:
        cells = [_in_a_cell(value) for value in row]
        # What somebody wrote on chain may drive a terminal; a file gets it as it is.
        writer.writerow([plain_text(one, SENTENCE_CHARS_MAX) for one in cells]
                        if is_terminal else cells)  # fmt: skip
    out.flush()


def plain(value: Any) -> Any:
    """A value of DuckDB as JSON has it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= EXACT_MAX else str(value)
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, float):
        return value if abs(value) <= sys.float_info.max else None
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return value.hex() if isinstance(value, bytes) else str(value)


def _shown(value: Any) -> str:
    # Nine digits of a price say enough to a person.
    return f"{value:.9g}" if isinstance(value, float) else _in_a_cell(value)


def _in_a_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict):
        return msgspec.json.encode(plain(value)).decode()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
