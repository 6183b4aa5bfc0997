"""Repeated log lines, shown once and then counted. Pure: it is given the time.

Two lines are alike when they differ in numbers and in long identifiers only. The first of them
is shown at once. Those that follow are counted, and a line says how many there were, first
after ten seconds and then in growing intervals for as long as they go on.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

WAIT_FIRST_S: Final = 10.0
WAIT_MAX_S: Final = 300.0
KINDS_MAX: Final = 256
LINE_CHARS_MAX: Final = 4_096

_IDENTIFIER: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{24,}|\b[0-9a-f]{8,}\b")
_NUMBER: Final = re.compile(r"\d+")


@dataclass
class _Kind:
    since_s: float
    due_s: float
    wait_s: float
    more: int = 0
    last: str = ""


class Fold:
    """The lines of every service; what belongs to a line (its traceback) goes where it goes."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[str, _Kind] = OrderedDict()
        # Whether the last line of each service was shown.
        self._shown: dict[str, bool] = {}

    def take(self, who: str, line: str, now_s: float) -> list[str]:
        """What to show after a service has written a line."""
        line = line[:LINE_CHARS_MAX]
        if line.startswith((" ", "\t")):
            return [line] if self._shown.get(who, True) else []
        key = f"{who} {alike(line)}"
        found = self._kinds.get(key)
        self._shown[who] = found is None
        if found is not None:
            found.more += 1
            found.last = line
            return []
        said = []
        if len(self._kinds) >= KINDS_MAX:
            _, oldest = self._kinds.popitem(last=False)
            said = _said(oldest, now_s)
        self._kinds[key] = _Kind(now_s, now_s + WAIT_FIRST_S, WAIT_FIRST_S)
        return [*said, line]

    def due(self, now_s: float) -> list[str]:
        """What has been counted for long enough to be printed."""
        said: list[str] = []
        for key, one in list(self._kinds.items()):
            if now_s < one.due_s:
                continue
            if not one.more:
                # Quiet since: the next line is news again.
                del self._kinds[key]
                continue
            said += _said(one, now_s)
            one.wait_s = min(3 * one.wait_s, WAIT_MAX_S)
            one.since_s, one.due_s, one.more = now_s, now_s + one.wait_s, 0
        return said

    def rest(self, now_s: float) -> list[str]:
        """Everything that is counted and not printed yet; nothing comes after it."""
        said = [line for one in self._kinds.values() for line in _said(one, now_s)]
        self._kinds.clear()
        return said


def alike(line: str) -> str:
    """A line without the parts in which lines of its kind differ."""
    return _NUMBER.sub("#", _IDENTIFIER.sub("*", line))


def _said(one: _Kind, now_s: float) -> list[str]:
    if not one.more:
        return []
    if one.more == 1:
        return [one.last]
    return [f"{one.last} (the last of {one.more:,} like it in {now_s - one.since_s:.0f} s)"]
