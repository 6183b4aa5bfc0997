"""How far reading lies behind what is stored: the stream that is furthest behind counts.

| a stream                        | is behind by                                                 |
| ------------------------------- | ------------------------------------------------------------ |
| of which all was stored, by a   | 0                                                            |
| look of the last `FRESH_S`      |                                                              |
| the same, by an older look      | the time since then: what came meanwhile is not known        |
| of which something waits        | its age, or the time since all was stored, whichever is less |
| that could not be looked at     | the time since it was                                        |

Of the broker's clock only ages are taken; how old a look is says a clock that never goes back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

# Two fetches that wait for something new, and what it takes to write.
FRESH_S: Final = 2.5


class _Stream(NamedTuple):
    """`whole_s`: the last look by which all was stored; `waits_ms`: since when something waits."""

    looked_s: float
    whole_s: float | None = None
    waits_ms: int | None = None
    is_known: bool = False

    def seconds(self, now_ms: int, now_s: float) -> float:
        since_look_s = max(0.0, now_s - self.looked_s)
        if self.waits_ms is not None:
            at_most_s = math.inf if self.whole_s is None else now_s - self.whole_s
            return max(since_look_s, min((now_ms - self.waits_ms) / 1000, at_most_s))
        return 0.0 if self.is_known and since_look_s <= FRESH_S else since_look_s


class Behind:
    """Follows each stream that is read: none is caught up before it was looked at.

    Times in milliseconds are since 1970, those in seconds of a clock that never goes back. It may
    be asked from another thread.

    Args:
        now_s: When reading begins.
    """

    def __init__(self, streams: Iterable[str], now_s: float) -> None:
        self._streams = {name: _Stream(now_s) for name in streams}

    def caught_up(self, stream: str, looked_s: float) -> None:
        """All that the stream held at this look is stored."""
        self._streams[stream] = _Stream(looked_s, whole_s=looked_s, is_known=True)

    def waits(self, stream: str, stored_ms: int, looked_s: float) -> None:
        """At this look the stream held more; what was stored there then is read now."""
        whole_s = self._streams[stream].whole_s
        self._streams[stream] = _Stream(looked_s, whole_s, stored_ms, is_known=True)

    def unknown(self, stream: str) -> None:
        """The stream could not be looked at: what it holds is not known until it is."""
        self._streams[stream] = self._streams[stream]._replace(is_known=False)

    def seconds(self, now_ms: int, now_s: float) -> float:
        """How old what is read now is; 0 where nothing waits."""
        each = (one.seconds(now_ms, now_s) for one in list(self._streams.values()))
        return max(each, default=0.0)
