"""Rows of all pages as one iterator. Each page is asked for when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from pocketwatcher.errors import BadAnswer
from pocketwatcher.models import HistoryHead
from pocketwatcher.transport import Parameters

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """Rows, and the parameters that the next page differs by; None where it is the last."""

    rows: list[T]
    more: Parameters | None
    history: HistoryHead | None


class Rows(Iterator[T]):
    """Rows, one by one. `history` says how far history had come at the last page, and what is
    missing in what was asked for; None before the first page, and where history was not asked.
    """

    def __init__(
        self, ask: Callable[[Parameters], Page[T]], parameters: Parameters, limit: int | None
    ) -> None:
        self.history: HistoryHead | None = None
        self._ask = ask
        self._more: Parameters | None = parameters
        self._left = limit
        self._rows: Iterator[T] = iter(())

    def __next__(self) -> T:
        """The next row.

        Raises:
            NotReached, Refused, BadAnswer: a page cannot be had. The same page is asked for by the
                next call, so that no row is left out.
        """
        if self._left is not None and self._left <= 0:
            raise StopIteration
        while True:
            for row in self._rows:
                self._left = None if self._left is None else self._left - 1
                return row
            if self._more is None:
                raise StopIteration
            self._turn(self._more)

    def _turn(self, asked: Parameters) -> None:
        page = self._ask(asked)
        if page.more is not None and page.more == asked:
            raise BadAnswer("the API names a page as the one that comes after itself")
        self.history = page.history or self.history
        self._rows, self._more = iter(page.rows), page.more
