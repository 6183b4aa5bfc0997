"""One update, ready to be matched and sent: read once, sent many times.

`filters` (field 1) and `created_at` (field 11) belong to the sending, so they
are cut out by wire offsets; everything else is sent byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from pw_common.wire.framing import varint
from pw_geyser import geyser_pb2, shallow_pb2

FILTERS_TAG = 0x0A
CREATED_AT_TAG = 0x5A
NS = 1_000_000_000

# The name that declares a discontinuity: a capture's start, a loop's pass.
DISCONTINUITY = "pw-discontinuity"


@dataclass(frozen=True)
class Facts:
    """What only account filters and the `failed` filter need: decoded on first use."""

    keys: frozenset[bytes]
    failed: bool


@dataclass
class Item:
    """An update without its `filters` and `created_at`.

    `kind` is `tx`, `slot`, `meta` or `other`. `status` is a slot update's status.
    """

    kind: str
    slot: int
    rest: bytes
    created_ns: int
    signature: bytes = b""
    is_vote: bool = False
    status: int = 0
    parent_slot: int = 0
    block_time_s: int = 0
    discontinuity: bool = False
    recorded: bool = False
    # A second sending that a fault plan asked for: no news for the side record.
    repeat: bool = False
    due_ns: int | None = None
    facts: Facts | None = field(default=None, repr=False)


def read_item(update: bytes) -> Item:
    """Read an update as captured. Undecodable bytes become an item of kind `other`."""
    try:
        shallow = shallow_pb2.Update.FromString(update)
        slot = geyser_pb2.SubscribeUpdateSlot.FromString(shallow.slot)
        rest = strip(update)
    except (DecodeError, ValueError):
        return Item(kind="other", slot=0, rest=update, created_ns=0)
    created_ns = shallow.created_at.seconds * NS + shallow.created_at.nanos
    declared = DISCONTINUITY in shallow.filters
    if shallow.HasField("transaction"):
        info = shallow.transaction.info
        return Item(
            "tx",
            shallow.transaction.slot,
            rest,
            created_ns,
            signature=info.signature,
            is_vote=info.is_vote,
            discontinuity=declared,
        )
    if shallow.HasField("block_meta"):
        meta = shallow.block_meta
        return Item(
            "meta",
            meta.slot,
            rest,
            created_ns,
            parent_slot=meta.parent_slot,
            block_time_s=meta.block_time.timestamp,
            discontinuity=declared,
        )
    if shallow.HasField("slot"):
        return Item(
            "slot",
            slot.slot,
            rest,
            created_ns,
            status=slot.status,
            parent_slot=slot.parent,
            discontinuity=declared,
        )
    return Item("other", 0, rest, created_ns, discontinuity=declared)


def facts_of(item: Item) -> Facts | None:
    """Every key of a transaction, loaded ones included, and whether it failed.

    None for a transaction whose inside cannot be decoded.
    """
    if item.facts is None:
        try:
            info = geyser_pb2.SubscribeUpdate.FromString(item.rest).transaction.transaction
        except DecodeError:
            return None
        keys = (
            *info.transaction.message.account_keys,
            *info.meta.loaded_writable_addresses,
            *info.meta.loaded_readonly_addresses,
        )
        item.facts = Facts(frozenset(keys), info.meta.HasField("err"))
    return item.facts


def to_wire(item: Item, names: tuple[str, ...], created_ns: int) -> bytes:
    """The update as sent to one subscriber: filter names, the untouched rest, the clock."""
    return names_field(names) + item.rest + created_field(created_ns)


def names_field(names: tuple[str, ...]) -> bytes:
    """Field 1 on the wire."""
    encoded = (name.encode() for name in names)
    return b"".join(bytes((FILTERS_TAG,)) + varint(len(name)) + name for name in encoded)


def created_field(created_ns: int) -> bytes:
    """Field 11 on the wire; nothing for an update that never had a clock."""
    if created_ns <= 0:
        return b""
    seconds, nanos = divmod(created_ns, NS)
    body = b"\x08" + varint(seconds) + (b"\x10" + varint(nanos) if nanos else b"")
    return bytes((CREATED_AT_TAG,)) + varint(len(body)) + body


def strip(update: bytes) -> bytes:
    """Everything but fields 1 and 11, in its order.

    Raises:
        ValueError: the bytes are not a sequence of protobuf fields.
    """
    kept = []
    at = 0
    end = len(update)
    while at < end:
        start = at
        tag, at = _varint(update, at)
        kind = tag & 7
        if kind == 2:
            length, at = _varint(update, at)
            at += length
        elif kind == 0:
            _, at = _varint(update, at)
        elif kind in {1, 5}:
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {start}")
        if at > end:
            raise ValueError(f"field at byte {start} is cut off")
        if tag not in {FILTERS_TAG, CREATED_AT_TAG}:
            kept.append(update[start:at])
    return b"".join(kept)


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number is cut off")
