"""A loop's later passes: the same updates at other slots, times and signatures.

Pass 0 is the capture itself, untouched. In pass k every number that places an
update on the chain is moved by the same amount, and every signature and block
hash is replaced by a hash of (pass, original): the same one wherever it stands,
so parent chains and transactions stay consistent. Signatures no longer verify.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from pw_geyser import geyser_pb2, shallow_pb2
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
        return Item(
            kind=item.kind,
            slot=item.slot + self.slots,
            rest=self._rest(item),
            created_ns=item.created_ns + self.seconds * NS if item.created_ns else 0,
            signature=self.signature(item.signature) if item.kind == "tx" else b"",
            is_vote=item.is_vote,
            status=item.status,
            discontinuity=item.discontinuity,
            parent_slot=item.parent_slot + self.slots if item.parent_slot else 0,
            block_time_s=item.block_time_s + self.seconds if item.block_time_s else 0,
        )

    def _rest(self, item: Item) -> bytes:
        try:
            update = geyser_pb2.SubscribeUpdate.FromString(item.rest)
        except DecodeError:
            return self._outside(item)
        if item.kind == "tx":
            transaction = update.transaction
            transaction.slot += self.slots
            info = transaction.transaction
            info.signature = self.signature(info.signature)
            signatures = info.transaction.signatures
            for at, one in enumerate(signatures):
                signatures[at] = self.signature(one)
        elif item.kind == "meta":
            meta = update.block_meta
            meta.slot += self.slots
            meta.parent_slot += self.slots
            meta.blockhash = self.text(meta.blockhash)
            meta.parent_blockhash = self.text(meta.parent_blockhash)
            if meta.HasField("block_time"):
                meta.block_time.timestamp += self.seconds
            if meta.HasField("block_height"):
                meta.block_height.block_height += self.slots
        else:
            update.slot.slot += self.slots
            if update.slot.HasField("parent"):
                update.slot.parent += self.slots
        return update.SerializeToString()

    def _outside(self, item: Item) -> bytes:
        """Garbage within a readable shell: the shell moves, the garbage stays what it is."""
        update = shallow_pb2.Update.FromString(item.rest)
        if item.kind == "tx":
            update.transaction.slot += self.slots
            update.transaction.info.signature = self.signature(item.signature)
        else:
            update.block_meta.slot += self.slots
            update.block_meta.parent_slot += self.slots
            if update.block_meta.HasField("block_time"):
                update.block_meta.block_time.timestamp += self.seconds
        return update.SerializeToString()

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


def shift_of(
    number: int, first_slot: int, last_slot: int, first_s: int = 0, last_s: int = 0
) -> Shift:
    """The shift of a pass over slots `first_slot` to `last_slot` (both inclusive).

    Passes overlap neither in slots nor in time: clocks move on by 400 ms a slot, and by
    more where the clock of the first pass, `first_s` to `last_s` (unix seconds), went further.
    """
    span = last_slot - first_slot + 1
    seconds = max(-(-span * SLOT_MS // 1000), last_s - first_s + 1)
    return Shift(number=number, slots=number * span, seconds=number * seconds)
