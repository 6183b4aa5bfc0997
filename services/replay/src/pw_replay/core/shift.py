"""A loop's later passes: the same updates at other slots, times and signatures.

Pass 0 is the capture itself, untouched. In pass k every number that places an
update on the chain is moved by the same amount, and every signature and block
hash is replaced by a hash of (pass, original): the same one wherever it stands,
so parent chains and transactions stay consistent. Signatures no longer verify.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pw_geyser import geyser_pb2
from pw_replay.core.items import NS, Item

SLOT_MS = 400


@dataclass(frozen=True)
class Shift:
    """How far pass `number` is moved."""

    number: int
    slots: int
    seconds: int

    def apply(self, item: Item) -> Item:
        """The item of this pass; pass 0 and what cannot be decoded stay as they are."""
        if self.number == 0 or item.kind == "other":
            return item
        update = geyser_pb2.SubscribeUpdate.FromString(item.rest)
        moved = Item(
            kind=item.kind,
            slot=item.slot + self.slots,
            rest=b"",
            created_ns=item.created_ns + self.seconds * NS if item.created_ns else 0,
            is_vote=item.is_vote,
            status=item.status,
            discontinuity=item.discontinuity,
            parent_slot=item.parent_slot + self.slots if item.parent_slot else 0,
            block_time_s=item.block_time_s + self.seconds if item.block_time_s else 0,
        )
        if item.kind == "tx":
            transaction = update.transaction
            transaction.slot = moved.slot
            info = transaction.transaction
            info.signature = self.signature(info.signature)
            moved.signature = info.signature
            signatures = info.transaction.signatures
            for at, one in enumerate(signatures):
                signatures[at] = self.signature(one)
        elif item.kind == "meta":
            meta = update.block_meta
            meta.slot = moved.slot
            meta.parent_slot = meta.parent_slot + self.slots
            meta.blockhash = self.text(meta.blockhash)
            meta.parent_blockhash = self.text(meta.parent_blockhash)
            if meta.HasField("block_time"):
                meta.block_time.timestamp += self.seconds
            if meta.HasField("block_height"):
                meta.block_height.block_height += self.slots
        else:
            update.slot.slot = moved.slot
            if update.slot.HasField("parent"):
                update.slot.parent += self.slots
        moved.rest = update.SerializeToString()
        return moved

    def signature(self, original: bytes) -> bytes:
        """64 bytes that stand for a signature in this pass."""
        return hashlib.blake2b(original, digest_size=64, salt=self._salt()).digest()

    def text(self, original: str) -> str:
        """What stands for a block hash in this pass."""
        if not original:
            return original
        return hashlib.blake2b(original.encode(), digest_size=22, salt=self._salt()).hexdigest()

    def _salt(self) -> bytes:
        return self.number.to_bytes(8, "big")


def shift_of(number: int, first_slot: int, last_slot: int) -> Shift:
    """The shift of a pass over slots `first_slot` to `last_slot` (both inclusive).

    Passes do not overlap in slots; their clocks move on by at least 400 ms a slot.
    """
    span = last_slot - first_slot + 1
    seconds = -(-span * SLOT_MS // 1000)
    return Shift(number=number, slots=number * span, seconds=number * seconds)
