"""What is done about a hole in PW_TX's sequences: pure.

| hole    | what it is                                        | what is done                    |
| ------- | ------------------------------------------------- | ------------------------------- |
| `NONE`  | nothing waits                                     | nothing                         |
| `YOUNG` | something has waited for less than `ASK_AFTER_MS` | nothing: being parsed takes ms  |
| `OPEN`  | longer                                            | the broker is asked: if it is   |
|         |                                                   | void, it is passed over at once |
| `DUE`   | longer than `HOLD_MAX_MS`, by the right clock     | asked too, then given up        |

While a message of PW_SWAP that could not be read may be the answer, nothing is void. In a
backlog the right clock for `DUE` is the stream's own, else every hole would look old.
What is asked about already, or yet to be given out by a restored queue, is not given up.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from pw_common.ordering.assembly import Assembly

# A hole of this age is asked about: being parsed takes milliseconds.
ASK_AFTER_MS: Final = 1_000


class Hole(Enum):
    """How long what waits has waited for what is missing."""

    NONE = auto()
    YOUNG = auto()
    OPEN = auto()
    DUE = auto()


def hole(assembly: Assembly, now_ms: int) -> Hole:
    """The hole before the first held batch, by this clock."""
    oldest_ms = assembly.oldest_held_ms
    if oldest_ms is None:
        return Hole.NONE
    if assembly.is_due(now_ms):
        return Hole.DUE
    return Hole.YOUNG if now_ms - oldest_ms < ASK_AFTER_MS else Hole.OPEN
