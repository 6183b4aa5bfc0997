"""A table that fits the terminal: columns where there is room, else a block for each row."""

from __future__ import annotations

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

SEPARATOR = " · "
ROOM = 1


class Fitting:
    """Rows under columns. The first column names a row; `numbers` never wrap."""

    def __init__(self, *columns: str, numbers: tuple[str, ...] = ()) -> None:
        self._columns = columns
        self._numbers = numbers
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
        yield table if least <= options.max_width else self._as_blocks()
        if self.caption is not None:
            yield self.caption
            yield Text()

    def _as_table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in self._columns:
            # Where the terminal is narrow, words wrap and numbers stay whole.
            number = column in self._numbers
            table.add_column(
                column,
                justify="right" if number else "left",
                no_wrap=number or column == "state",
                overflow="fold",
            )
        for row in self._rows:
            table.add_row(*row)
        return table

    def _as_blocks(self) -> RenderableType:
        lines: list[RenderableType] = [Text()]
        for row in self._rows:
            lines.append(Text.assemble((f"{self._columns[0]} ", "dim"), row[0]))
            facts = Text()
            for column, cell in zip(self._columns[1:], row[1:], strict=True):
                # What is empty says nothing.
                if not str(cell):
                    continue
                facts.append(SEPARATOR if facts else "  ")
                facts.append(f"{column} ", style="dim")
                facts.append(cell if isinstance(cell, Text) else Text(cell))
            lines.append(facts)
        lines.append(Text())
        return Group(*lines)
