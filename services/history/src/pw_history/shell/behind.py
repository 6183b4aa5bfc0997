"""How far reading lies behind what is stored: the oldest of all that is read."""

from __future__ import annotations


class Behind:
    """Follows each stream that is read; times are the broker's, in milliseconds since 1970."""

    def __init__(self) -> None:
        self._waits: dict[str, int] = {}

    def reads(self, stream: str, stored_ms: int, *, waiting: bool) -> None:
        """What was stored then is read now; `waiting`, whether the stream has more."""
        if waiting:
            self._waits[stream] = stored_ms
        else:
            self._waits.pop(stream, None)

    def seconds(self, now_ms: int) -> float:
        """How old what is read now is; 0 where nothing waits."""
        return max(0.0, (now_ms - min(self._waits.values(), default=now_ms)) / 1000)
