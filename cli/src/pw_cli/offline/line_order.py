"""Typed lines of several files in the order of slots, whatever file they stand in.

| a line, in its file                           | what becomes of it               |
| --------------------------------------------- | -------------------------------- |
| at most `BACK_SLOTS_MAX` slots behind the     | put into its place               |
| newest before it                              |                                  |
| further back                                  | `BadInput`: the file is not      |
|                                               | sorted by slot                   |
| of a later session                            | all before it come first         |
| of an earlier session                         | `BadInput`                       |

Each file is sorted for itself; together they need not be: files that follow each other, and one
for each kind of event, both give one order. A file is open only while its slots are read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.dated import Dated
from pw_cli.offline.lines import read_lines

# About 13 seconds: what is sorted by a time in whole seconds is never that far out of order.
BACK_SLOTS_MAX: Final = 32
# What may wait for its place at a time: as many slots of mainnet hold a tenth of it.
HELD_MAX: Final = 200_000
SORTED: Final = f"sorted by slot (ORDER BY slot), or at most {BACK_SLOTS_MAX} slots out of order"


def merged(paths: Sequence[Path]) -> Iterator[Dated]:
    """The events of all files by session and slot.

    Raises:
        BadInput: a file cannot be read, a line cannot be used or stands too far back, or some
            lines name a session and others do not.
    """
    began = []
    for number, path in enumerate(paths):
        first = next(read_lines(path), None)
        if first is not None:
            session, slot = first.key
            began.append(((session, slot - BACK_SLOTS_MAX), number, path))
    heapq.heapify(began)
    # The next event of each open file: (key, file, event, those after it).
    open_: list[tuple[tuple[int, int], int, Dated, Iterator[Dated]]] = []
    same = _Same()
    while began or open_:
        while began and (not open_ or began[0][0] <= open_[0][0]):
            _, number, path = heapq.heappop(began)
            _push(open_, number, in_order(same.checked(read_lines(path))))
        _, number, one, rest = heapq.heappop(open_)
        yield one
        _push(open_, number, rest)


class _Same:
    """All lines of all files name a session, or none does: no order has both."""

    def __init__(self) -> None:
        self._names_session: bool | None = None

    def checked(self, lines: Iterable[Dated]) -> Iterator[Dated]:
        """The same lines. Raises BadInput at the first that is unlike those before."""
        for one in lines:
            names_session = one.session is not None
            if self._names_session is None:
                self._names_session = names_session
            if names_session != self._names_session:
                has = "a session" if names_session else "no session"
                raise BadInput(f"{one.place}: {has}, unlike others; allowed: on all lines or none")
            yield one


def _push(
    open_: list[tuple[tuple[int, int], int, Dated, Iterator[Dated]]],
    number: int,
    rest: Iterator[Dated],
) -> None:
    one = next(rest, None)
    if one is not None:
        heapq.heappush(open_, (one.key, number, one, rest))


def in_order(lines: Iterable[Dated]) -> Iterator[Dated]:
    """One file's events by session and slot; those of a slot in the order of the file.

    Raises:
        BadInput: a line stands too far back, or too many wait for their place.
    """
    held: list[tuple[tuple[int, int], int, Dated]] = []
    newest = (0, 0)
    for number, one in enumerate(lines):
        session, slot = one.key
        if (session, slot + BACK_SLOTS_MAX) < newest:
            raise BadInput(
                f"{one.place}: slot {slot} after slot {newest[1]}"
                + (f" of session {newest[0]}" if session != newest[0] else "")
                + f"; allowed: lines {SORTED}"
            )
        newest = max(newest, one.key)
        heapq.heappush(held, (one.key, number, one))
        while held[0][0] < (newest[0], newest[1] - BACK_SLOTS_MAX):
            yield heapq.heappop(held)[2]
        if len(held) > HELD_MAX:
            raise BadInput(
                f"{one.place}: over {HELD_MAX} events within {BACK_SLOTS_MAX} slots; "
                "allowed: at most that"
            )
    while held:
        yield heapq.heappop(held)[2]
