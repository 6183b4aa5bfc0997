"""What ingest publishes, and the figures of what it received."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from pw_common.wire.envelope import TxHeaders
from pw_common.wire.messages import Gap
from pw_ingest.core.sequencing.identity import TX, Seen


class TxMessage(NamedTuple):
    """One message for PW_TX. `slot` is the newest of its updates."""

    number: int
    headers: TxHeaders
    updates: list[bytes]
    slot: int


class GapMessage(NamedTuple):
    """One message for PW_GAP."""

    number: int
    gap: Gap


Outgoing: TypeAlias = TxMessage | GapMessage


class Totals:
    """What was received; the shell reads it now and then."""

    __slots__ = (
        "block_time_s",
        "created_ns",
        "gaps",
        "raw_bytes",
        "slot",
        "transactions",
        "updates",
    )

    def __init__(self) -> None:
        self.updates = 0
        self.transactions = 0
        self.raw_bytes = 0
        self.gaps = 0
        self.slot: int | None = None
        self.created_ns = 0
        self.block_time_s = 0

    def count(self, seen: Seen, size_bytes: int) -> None:
        """One more update."""
        self.updates += 1
        self.raw_bytes += size_bytes
        identity = seen.identity
        if identity.kind == TX:
            self.transactions += 1
        if identity.slot:
            self.slot = identity.slot
        if seen.created_ns:
            self.created_ns = seen.created_ns
        if seen.block_time_s:
            self.block_time_s = seen.block_time_s
