"""How far the detector has come, as it is stored: pure."""

from __future__ import annotations

import msgspec

from pw_common.ordering.assembly import TxPosition


class Position(msgspec.Struct, frozen=True, kw_only=True, tag="position.v1"):
    """Where a restart goes on. Sequences are PW_SWAP's, `..._place` is a `TxPosition` in PW_TX.

    `event_time_ms` and `released_slot` belong to the newest slot that was evaluated.
    `folded_place` is the message of PW_TX that closed it, `folded_time_ms` when the message
    at `folded_seq` was stored. `swap_stream_created` tells a stream that was deleted and created
    again from the one that was read. `epoch_time_ms` is the event time at which the present
    session began, `restart_time_ms` that after which reading from `restart_seq` gives everything,
    `cut_ms` that before which trades were dropped to stay within memory. `restart_former` names the
    queues before the queue that is read at `restart_seq`.
    """

    swap_stream_created: str
    folded_seq: int
    folded_time_ms: int = 0
    folded_place: TxPosition = TxPosition(0, 0)
    released_slot: int
    event_time_ms: int
    restart_seq: int
    restart_place: TxPosition = TxPosition(0, 1)
    restart_time_ms: int = 0
    restart_former: tuple[str, ...] = ()
    epoch_time_ms: int = 0
    cut_ms: int = 0
