"""A table that fits the terminal: columns where there is room, else a block for each row."""

from __future__ import annotations

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

SEPARATOR = " · "
ASCII_SEPARATOR = " | "
ROOM = 1


class Fitting:
    """Rows under columns. The first column names a row.

    What is in `numbers` and in `whole` never wraps between columns: an address can be copied. A
    cell is plain text: nothing in it is read as markup.
    """

    def __init__(
        self, *columns: str, numbers: tuple[str, ...] = (), whole: tuple[str, ...] = ()
    ) -> None:
        self._columns = columns
        self._numbers = numbers
        self._whole = ("state", *whole)
        self._rows: list[tuple[str | Text, ...]] = []
        self.caption: Text | None = None

    def add_row(self, *cells: str | Text) -> None:
        """One row, a cell for each column."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As columns if they fit whole, else as blocks."""
        table = self._as_table()
        needed = Measurement.get(console, options.update(max_width=10_000), table)
        # Its least width does not count the room between columns.
        least = needed.minimum + ROOM * len(self._columns)
        between = ASCII_SEPARATOR if options.ascii_only else SEPARATOR
        yield table if least <= options.max_width else self._as_blocks(between)
        if self.caption is not None:
            yield self.caption
            yield Text()

    def _as_table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for at, column in enumerate(self._columns):
            # Where the terminal is narrow, words wrap and numbers stay whole.
            number = column in self._numbers
            stays = number or column in self._whole
            table.add_column(
                _text(column),
                justify="right" if number else "left",
                no_wrap=stays,
                # Otherwise only its longest word would count, and the rest be cut off.
                min_width=self._width_of(at) if stays else None,
                overflow="fold",
            )
        for row in self._rows:
            table.add_row(*map(_text, row))
        return table

    def _width_of(self, at: int) -> int:
        return max(cell_len(self._columns[at]), *(_text(row[at]).cell_len for row in self._rows), 0)

    def _as_blocks(self, between: str) -> RenderableType:
        lines: list[RenderableType] = [Text()]
        for row in self._rows:
            lines.append(Text.assemble((f"{self._columns[0]} ", "dim"), row[0]))
            facts = Text()
            for column, cell in zip(self._columns[1:], row[1:], strict=True):
                # What is empty says nothing.
                if not str(cell):
                    continue
                facts.append(between if facts else "  ")
                facts.append(f"{column} ", style="dim")
                facts.append(_text(cell))
            lines.append(facts)
        lines.append(Text())
        return Group(*lines)


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
