"""Cutting the stream of updates into messages, in order, none left out."""

from __future__ import annotations

from typing import NamedTuple

from pw_common.wire.envelope import Identity
from pw_common.wire.limits import LINGER_MS, TX_RAW_BYTES_MAX, TX_UPDATES_MAX

# The longest length prefix of an update within its bound.
PREFIX_BYTES_MAX = 5


class Cut(NamedTuple):
    """The updates of one message, in the order received."""

    updates: list[bytes]
    identities: list[Identity]


class Batcher:
    """Holds at most one partly filled batch."""

    def __init__(
        self,
        *,
        updates_max: int = TX_UPDATES_MAX,
        raw_bytes_max: int = TX_RAW_BYTES_MAX,
        linger_s: float = LINGER_MS / 1000,
    ) -> None:
        self._updates_max = updates_max
        self._raw_bytes_max = raw_bytes_max
        self._linger_s = linger_s
        self._updates: list[bytes] = []
        self._identities: list[Identity] = []
        self._raw_bytes = 0
        self._first_at_s = 0.0

    def add(
        self, update: bytes, identity: Identity, now_s: float, *, ends_slot: bool
    ) -> tuple[Cut, ...]:
        """Take an update; returns what is complete now: none, one or two batches.

        An update over the byte bound travels alone.
        """
        framed_bytes = len(update) + PREFIX_BYTES_MAX
        before: Cut | None = None
        if self._raw_bytes + framed_bytes > self._raw_bytes_max:
            before = self.flush()
        if not self._updates:
            self._first_at_s = now_s
        self._updates.append(update)
        self._identities.append(identity)
        self._raw_bytes += framed_bytes
        after: Cut | None = None
        if (
            ends_slot
            or len(self._updates) >= self._updates_max
            or self._raw_bytes >= self._raw_bytes_max
        ):
            after = self.flush()
        if before is None:
            return () if after is None else (after,)
        return (before,) if after is None else (before, after)

    def due(self, now_s: float) -> Cut | None:
        """The batch, once its first update has waited for the linger."""
        if self._updates and now_s - self._first_at_s >= self._linger_s:
            return self.flush()
        return None

    def flush(self) -> Cut | None:
        """Whatever is held."""
        if not self._updates:
            return None
        cut = Cut(self._updates, self._identities)
        self._updates = []
        self._identities = []
        self._raw_bytes = 0
        return cut
