"""A score as tables: for a terminal, and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.table import Table

from pw_benchmark.scoring import Row, Score, by_size, share_text
from pw_common.text.plain_text import plain_text

COLUMNS: Final = ("", "trades", "right %", "base %", "quote %", "missing", "extra")
NAME_CHARS_MAX: Final = 17


def show(made: Score, of: str, console: Console) -> None:
    """The whole score; no line is wider than 80 characters."""
    console.print(
        f"{of}: {made.transactions} of {made.listed} listed transactions, "
        f"{made.unanswered} that it could not read",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    table.add_row(*cells("all", made.total))
    for rows, names in ((made.years, sorted(made.years)), (made.venues, by_size(made.venues))):
        table.add_section()
        for name in names:
            table.add_row(*cells(_short(name), rows[name]))
    console.print(table)
    console.print(
        f"invented: {made.invented} of {made.nothing} transactions without a trade got one, "
        f"{share_text(made.invented, made.nothing)} %",
        highlight=False,
    )
    console.print("In brackets: the 95 % interval (Wilson).", highlight=False)


def cells(name: str, row: Row) -> tuple[str, ...]:
    """One line of a table."""
    return (
        name,
        str(row.trades),
        share_text(row.right, row.trades),
        share_text(row.base, row.trades),
        share_text(row.quote, row.quote_listed),
        str(row.missing),
        str(row.extra),
    )


def _short(name: str) -> str:
    # A program that no table names is shown by its id, which is 44 characters.
    text = plain_text(name)
    return text if len(text) <= NAME_CHARS_MAX else f"{text[: NAME_CHARS_MAX - 1]}…"


def markdown(rows: Mapping[str, Row], names: list[str], of: str) -> str:
    """Rows as a table of the page."""
    lines = [
        f"| {of} | trades | right % | base % | quote % | missing | extra |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(cells(name, rows[name]))} |" for name in names),
    ]
    return "\n".join(lines)
