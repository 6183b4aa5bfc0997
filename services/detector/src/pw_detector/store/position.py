"""How far the detector has folded, in the `pw_detector` bucket, by compare-and-set.

Every slot that closed while PW_SWAP was read up to `folded_seq`, at a message of PW_TX up to
`folded_place`, has its alerts stored. A restart reads again from `restart_seq`, which lies a
horizon and a little earlier, so that every window is whole again when `folded_seq` is passed.
"""

from __future__ import annotations

from pw_common.documents.document import BadDocument, decode
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.topology.subjects import BUCKET_DETECTOR, KEY_POSITION
from pw_common.wire.messages import encode
from pw_detector.core.position import Position

__all__ = ["Position", "PositionStore"]

KEY = KEY_POSITION
WRONG_LAST_SEQUENCE = 10071


class PositionStore:
    """One key. A second detector may write it too: whichever is further wins."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._revision = 0
        self.stored: Position | None = None
        # Why what is stored is not a position.
        self.unreadable = ""

    async def load(self) -> Position | None:
        """The stored position, None at the first start.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        entry = await self._bus.kv_get(BUCKET_DETECTOR, KEY)
        if entry is None:
            self._revision, self.stored = 0, None
            return None
        self._revision = entry[1]
        try:
            self.stored, self.unreadable = decode(entry[0], Position), ""
        except BadDocument as error:
            # As at the first start: alerts that are derived again are refused as repeats.
            self.stored, self.unreadable = None, str(error)
        return self.stored

    def forget(self) -> None:
        """What is stored belongs to a deleted stream: the next write replaces it."""
        self.stored = None

    async def advance(self, position: Position) -> bool:
        """Store a position unless another detector is already there or further.

        Returns whether ours is stored now.

        Raises:
            BrokerAway: it may or may not be stored; the next write settles it.
        """
        if self._is_behind(position):
            return False
        try:
            self._revision = await self._bus.kv_put(
                BUCKET_DETECTOR, KEY, encode(position), revision=self._revision
            )
        except ApiRefused as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            # Another detector's write, or our own whose answer was lost: look, and go on.
            await self.load()
            return not self._is_behind(position) and await self._once_more(position)
        self.stored = position
        return True

    async def _once_more(self, position: Position) -> bool:
        try:
            self._revision = await self._bus.kv_put(
                BUCKET_DETECTOR, KEY, encode(position), revision=self._revision
            )
        except ApiRefused as error:
            if error.err_code != WRONG_LAST_SEQUENCE:
                raise
            return False
        self.stored = position
        return True

    def _is_behind(self, position: Position) -> bool:
        stored = self.stored
        return (
            stored is not None
            and stored.swap_stream_created == position.swap_stream_created
            and (stored.folded_seq, stored.folded_place)
            >= (position.folded_seq, position.folded_place)
        )
