"""What an update is, read without decoding what ingest does not need.

Anything that cannot be read is of kind `other` and still goes to PW_TX: the
parser makes the dead letter, so that nothing disappears here.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError

from pw_common.wire.envelope import Identity
from pw_geyser import geyser_pb2, shallow_pb2

TX: Final = "tx"
SLOT: Final = "slot"
META: Final = "meta"
OTHER: Final = "other"
# A server's ping, or its answer to ours: never published.
PING: Final = "ping"

# A source puts this among an update's filters where its history does not continue.
DISCONTINUITY: Final = "pw-discontinuity"

SIGNATURE_BYTES: Final = 64
# Base58 of 32 bytes; what claims to be a hash and is longer is kept as a digest.
BLOCKHASH_BYTES_MAX: Final = 44


class Seen(NamedTuple):
    """An update's facts. `created_ns` is the source's clock (0: not stated), `block_time_s` that
    of a block_meta (None: not stated); both as claimed.
    """

    identity: Identity
    created_ns: int
    is_discontinuity: bool
    parent_slot: int
    block_time_s: int | None = None


def read_update(update: bytes) -> Seen:
    """Read an update's identity; never fails."""
    try:
        shallow = shallow_pb2.Update.FromString(update)
    except DecodeError:
        return Seen(_by_content(update), 0, False, 0)
    created = shallow.created_at
    created_ns = created.seconds * 1_000_000_000 + created.nanos
    is_discontinuity = DISCONTINUITY in shallow.filters
    if shallow.HasField("transaction"):
        transaction = shallow.transaction
        signature = transaction.info.signature
        # Without a whole signature two different transactions would look like one.
        if len(signature) == SIGNATURE_BYTES:
            identity = Identity(TX, transaction.slot, signature)
        else:
            identity = _by_content(update)
        return Seen(identity, created_ns, is_discontinuity, 0)
    if shallow.HasField("block_meta"):
        meta = shallow.block_meta
        block_time_s = meta.block_time.timestamp if meta.HasField("block_time") else None
        # Slot numbers begin again on another chain: the hash alone tells two blocks apart.
        identity = Identity(META, meta.slot, _bounded(meta.blockhash))
        return Seen(identity, created_ns, is_discontinuity, meta.parent_slot, block_time_s)
    if shallow.HasField("slot"):
        return Seen(_slot_identity(update, shallow.slot), created_ns, is_discontinuity, 0)
    if shallow.HasField("ping") or shallow.HasField("pong"):
        return Seen(Identity(PING, 0, b""), created_ns, False, 0)
    return Seen(_by_content(update), created_ns, is_discontinuity, 0)


def _bounded(blockhash: bytes) -> bytes:
    if len(blockhash) <= BLOCKHASH_BYTES_MAX:
        return blockhash
    return hashlib.blake2b(blockhash, digest_size=16).digest()


def _slot_identity(update: bytes, body: bytes) -> Identity:
    """Two chains may share it: nothing is read from a slot's status, so that none is missed."""
    try:
        slot = geyser_pb2.SubscribeUpdateSlot.FromString(body)
    except DecodeError:
        return _by_content(update)
    status = int(slot.status)
    if not 0 <= status <= 255:
        return _by_content(update)
    return Identity(SLOT, slot.slot, bytes([status]))


def _by_content(update: bytes) -> Identity:
    return Identity(OTHER, 0, hashlib.blake2b(update, digest_size=16).digest())
