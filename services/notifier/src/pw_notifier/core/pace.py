"""How fast messages to people follow each other: a burst of alerts becomes one message. Pure.

FEW alerts within FEW_MS go out by themselves. Of more, all that wait go as one message, and what
comes within FEW_MS after that waits for the next. So a phone gets one message each FEW_MS at
most for as long as a burst lasts, and no alert waits longer for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

FEW: Final = 5
FEW_MS: Final = 5_000


class Turn(NamedTuple):
    """What may be sent: nothing for `wait_ms`, else one alert, or all that wait where it folds."""

    wait_ms: int
    folds: bool


@dataclass
class Pace:
    """What a channel was sent within the last FEW_MS."""

    _sent_ms: list[int] = field(default_factory=list)
    # Whether something waits because of what was sent before it.
    _waits: bool = False

    def turn(self, waiting: int, now_ms: int) -> Turn:
        """What to do with this many alerts that wait; `now_ms` never goes back."""
        self._sent_ms = [at for at in self._sent_ms if now_ms - at < FEW_MS]
        if len(self._sent_ms) >= FEW:
            self._waits = True
            return Turn(self._sent_ms[0] + FEW_MS - now_ms, folds=False)
        return Turn(0, waiting > 1 and (self._waits or len(self._sent_ms) + waiting > FEW))

    def sent(self, alerts: int, now_ms: int) -> None:
        """Note a message that got through."""
        self._waits = False
        # One of several is a burst: the next message waits its time.
        self._sent_ms = [now_ms] * FEW if alerts > 1 else [*self._sent_ms, now_ms]
