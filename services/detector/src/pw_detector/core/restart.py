"""What a restart of the detector goes on with."""

from __future__ import annotations

from typing import Final, NamedTuple

from pw_common.ordering.assembly import TxPosition
from pw_common.ordering.restart import Note

# Two hours of windows and wallets' memory, and five minutes for slots cut by the note.
HORIZON_MS: Final = 125 * 60_000


class Resumed(NamedTuple):
    """What an earlier run had done, and where reading begins again."""

    swap_stream_created: str
    first: Note
    folded_seq: int = 0
    folded_tx_position: TxPosition = TxPosition(0, 0)
    released_slot: int = 0
    session_time_ms: int = 0
