"""A transaction's wire form, as a node gives it, as the message that a Yellowstone source sends."""

from __future__ import annotations

from typing import Final

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from pw_common.wire.framing import varint
from pw_geyser import solana_storage_pb2 as sol
from pw_geyser.wire import (
    KNOWN_MASK,
    SIGNATURE_BYTES,
    VERSION_1,
    VERSIONED,
    read_version_1,
    version_of,
)

# Where a dead letter keeps the bytes of a transaction that cannot be read: a field of
# `Transaction` that the protocol does not use, and that every reader of it passes over.
WIRE_FIELD: Final = 1000
MASK_AT: Final = slice(4, 8)
COMPACT_BYTES_MAX: Final = 3


class UnknownVersion(ValueError):
    """A transaction in a form that this release does not read."""

    def __init__(self, what: str, signature: bytes = b"") -> None:
        """`signature` is the first one, where its place is known."""
        super().__init__(what)
        self.signature = signature


def read_wire(raw: bytes) -> sol.Transaction:
    """Read a whole transaction.

    Raises:
        UnknownVersion: it states a version, or settings, that are not known.
        ValueError: it is not a transaction.
    """
    version = version_of(raw)
    if version == 1:
        # A later setting is a bit of the mask that stands behind the version and the header.
        mask = int.from_bytes(raw[MASK_AT], "little")
        if mask & ~KNOWN_MASK:
            raise UnknownVersion(f"version 1 with unknown settings (mask {mask:#x})")
        return read_version_1(raw)
    if version is not None:
        raise UnknownVersion(f"version {version}")
    _check_message_version(raw)
    parsed = VersionedTransaction.from_bytes(raw)
    made = sol.Transaction(signatures=[bytes(one) for one in parsed.signatures])
    message, out = parsed.message, made.message
    header = message.header
    out.header.num_required_signatures = header.num_required_signatures
    out.header.num_readonly_signed_accounts = header.num_readonly_signed_accounts
    out.header.num_readonly_unsigned_accounts = header.num_readonly_unsigned_accounts
    out.account_keys.extend(bytes(one) for one in message.account_keys)
    out.recent_blockhash = bytes(message.recent_blockhash)
    for instruction in message.instructions:
        out.instructions.add(
            program_id_index=instruction.program_id_index,
            accounts=bytes(instruction.accounts),
            data=bytes(instruction.data),
        )
    if isinstance(message, MessageV0):
        out.versioned = True
        for lookup in message.address_table_lookups:
            out.address_table_lookups.add(
                account_key=bytes(lookup.account_key),
                writable_indexes=bytes(lookup.writable_indexes),
                readonly_indexes=bytes(lookup.readonly_indexes),
            )
    return made


def unread_transaction(raw: bytes) -> bytes:
    """A `Transaction` that holds only the wire form of a transaction that cannot be read."""
    return varint(WIRE_FIELD << 3 | 2) + varint(len(raw)) + raw


def _check_message_version(raw: bytes) -> None:
    """A message may state its version behind the signatures, as version 0 does."""
    count = at = 0
    for at in range(min(COMPACT_BYTES_MAX, len(raw))):
        count |= (raw[at] & 0x7F) << 7 * at
        if raw[at] < VERSIONED:
            break
    begin = at + 1
    message_at = begin + count * SIGNATURE_BYTES
    first = raw[message_at : message_at + 1]
    if count and first and first[0] >= VERSION_1:
        signature = raw[begin : begin + SIGNATURE_BYTES]
        raise UnknownVersion(f"version {first[0] & 0x7F} behind its signatures", signature)
