"""A row of numbers as a row of signs, for any terminal. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII: Final = "_.-=+*%#"
# Where there is nothing to show.
NOTHING: Final = " "


def sparkline(
    values: Sequence[float | None],
    *,
    ascii_only: bool = False,
    from_zero: bool = False,
) -> str:
    """A sign for each value: the lowest as the lowest sign, the highest as the highest.

    Args:
        ascii_only: The terminal has no blocks.
        from_zero: The lowest sign is that of 0, not of the lowest value.
    """
    signs = ASCII if ascii_only else BLOCKS
    known = [one for one in values if one is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if from_zero:
        low = min(0.0, low)
    return "".join(NOTHING if one is None else signs[_level(one, low, high)] for one in values)


def merged(
    values: Sequence[T | None], most: int, one_of: Callable[[list[T]], T]
) -> tuple[list[T | None], int]:
    """The values merged, equally many neighbours into one; and how many that is.

    Args:
        one_of: What stands for several; it is given those that are known, at least one.
    """
    size = max(1, math.ceil(len(values) / max(1, most)))
    found: list[T | None] = []
    for begin in range(0, len(values), size):
        known = [one for one in values[begin : begin + size] if one is not None]
        found.append(one_of(known) if known else None)
    return found, size


def _level(value: float, low: float, high: float) -> int:
    last = len(BLOCKS) - 1
    # Halves, so that no difference of what a float holds is infinite.
    span = high / 2 - low / 2
    if span <= 0:
        return last // 2
    return min(last, max(0, round((value / 2 - low / 2) / span * last)))
