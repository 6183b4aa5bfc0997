"""What is done about a gap in PW_TX's sequences: pure.

| gap     | what it is                                        | what is done                    |
| ------- | ------------------------------------------------- | ------------------------------- |
| `NONE`  | nothing waits                                     | nothing                         |
| `YOUNG` | something has waited for less than `ASK_AFTER_MS` | nothing: being parsed takes ms  |
| `OPEN`  | longer                                            | the broker is asked: if nothing |
|         |                                                   | was ever stored there, the gap  |
|         |                                                   | is passed over at once          |
| `DUE`   | longer than `HOLD_MAX_MS`, by the right clock     | asked too, then given up        |

While a message of PW_SWAP that could not be read may be the answer, nothing counts as never
stored. In a backlog the right clock for `DUE` is the stream's own, else every gap would look old.
What is asked about already, or yet to be given out by a restored queue, is not given up.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from pw_common.ordering.assembly import Assembly

# A gap of this age is asked about: parsing takes milliseconds.
ASK_AFTER_MS: Final = 1_000


class SequenceGap(Enum):
    """How old the gap is."""

    NONE = auto()
    YOUNG = auto()
    OPEN = auto()
    DUE = auto()


def sequence_gap(assembly: Assembly, now_ms: int) -> SequenceGap:
    """The gap before the first held batch, by this clock."""
    oldest_ms = assembly.oldest_held_ms
    if oldest_ms is None:
        return SequenceGap.NONE
    if assembly.is_due(now_ms):
        return SequenceGap.DUE
    return SequenceGap.YOUNG if now_ms - oldest_ms < ASK_AFTER_MS else SequenceGap.OPEN
