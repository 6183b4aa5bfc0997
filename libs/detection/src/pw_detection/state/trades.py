"""One token's trades of an hour, in columns: what its windows add up, and what they subtract.

A column is an array of machine words, which is a tenth of what a list of objects takes. A
value that no machine word holds turns its own column into a list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

Column: TypeAlias = "array[int] | list[int]"


class Trades:
    """Trades in the order of event time, and of coming within it.

    Signatures are kept of the newest trades only, from `signed` on.
    """

    __slots__ = ("base", "lamports", "marks", "signatures", "signed", "times")

    def __init__(self) -> None:
        self.times: array[int] = array("q")
        # A wallet's number, and how it traded below it.
        self.marks: Column = array("I")
        self.lamports: Column = array("q")
        self.base: Column = array("Q")
        self.signatures: list[str] = []
        self.signed = 0

    def __len__(self) -> int:
        return len(self.times)

    def append(
        self, event_time_ms: int, mark: int, lamports: int, base_raw: int, signature: str
    ) -> None:
        """Take the newest trade."""
        self.times.append(event_time_ms)
        self.signatures.append(signature)
        try:
            self.marks.append(mark)
            self.lamports.append(lamports)
            self.base.append(base_raw)
        except OverflowError:
            self._widen(len(self.times) - 1, (mark, lamports, base_raw))

    def insert(self, event_time_ms: int, mark: int, lamports: int, base_raw: int) -> int:
        """Insert a trade of the past; returns its index. Its signature is not kept."""
        at = bisect_right(self.times, event_time_ms)
        self.times.insert(at, event_time_ms)
        try:
            self.marks.insert(at, mark)
            self.lamports.insert(at, lamports)
            self.base.insert(at, base_raw)
        except OverflowError:
            self._widen(at, (mark, lamports, base_raw))
        return at

    def _widen(self, at: int, values: tuple[int, int, int]) -> None:
        """A value was refused: its column, and those after it, have not taken theirs yet."""
        for name, value in zip(("marks", "lamports", "base"), values, strict=True):
            column: Column = getattr(self, name)
            if len(column) == len(self.times):
                continue
            try:
                column.insert(at, value)
            except OverflowError:
                column = list(column)
                column.insert(at, value)
                setattr(self, name, column)

    def before(self, event_time_ms: int) -> int:
        """How many trades are older than this."""
        return bisect_left(self.times, event_time_ms)

    def slice(self, first: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Event times, marks and lamports of some."""
        return zip(
            self.times[first:end], self.marks[first:end], self.lamports[first:end], strict=True
        )

    def sums(self, first: int) -> Iterator[tuple[int, int]]:
        """Marks and lamports of all from an index on."""
        return zip(islice(self.marks, first, None), islice(self.lamports, first, None), strict=True)

    def forget(self, count: int) -> None:
        """Drop the oldest trades."""
        del self.times[:count], self.marks[:count], self.lamports[:count], self.base[:count]
        self.signed -= count

    def unsign(self, first: int) -> None:
        """Keep signatures only from this index on."""
        del self.signatures[: first - self.signed]
        self.signed = first
