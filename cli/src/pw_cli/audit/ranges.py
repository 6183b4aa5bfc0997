"""A set of sequences that nearly follow each other, kept as ranges: pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator


class Ranges:
    """A set of whole numbers, kept as ranges: memory grows only with the breaks between them."""

    def __init__(self) -> None:
        # The first and the last number of each range, ascending; ranges never touch.
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.count = 0

    def add(self, number: int) -> None:
        """Take a number; a repeated number changes nothing."""
        at = bisect_right(self._firsts, number)
        if at and self._lasts[at - 1] >= number:
            return
        self.count += 1
        joins_before = at > 0 and self._lasts[at - 1] == number - 1
        joins_after = at < len(self._firsts) and self._firsts[at] == number + 1
        if joins_before and joins_after:
            self._lasts[at - 1] = self._lasts.pop(at)
            del self._firsts[at]
        elif joins_before:
            self._lasts[at - 1] = number
        elif joins_after:
            self._firsts[at] = number
        else:
            self._firsts.insert(at, number)
            self._lasts.insert(at, number)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number)
        return at > 0 and self._lasts[at - 1] >= number

    @property
    def first(self) -> int | None:
        """The least number, None when there is none."""
        return self._firsts[0] if self._firsts else None

    @property
    def last(self) -> int | None:
        """The greatest number, None when there is none."""
        return self._lasts[-1] if self._lasts else None

    def missing(self, until: int) -> Iterator[range]:
        """What lies between the first number and `until`, inclusive, and is not there."""
        for last, following in zip(self._lasts, self._firsts[1:], strict=False):
            if last >= until:
                return
            yield range(last + 1, min(following - 1, until) + 1)
        if self._lasts and self._lasts[-1] < until:
            yield range(self._lasts[-1] + 1, until + 1)
