"""Version 1 transactions made of real ones: the same calls and balances, in the new wire form."""

from __future__ import annotations

import struct

from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol

CONFIG = {
    "priority_fee": 9_000,
    "compute_unit_limit": 200_000,
    "loaded_accounts_data_size_limit": 65_536,
    "heap_size": 32_768,
}


def as_version_one(update: bytes) -> bytes:
    """A legacy transaction's update, as a node of today would send its version 1 twin."""
    read = pb.SubscribeUpdate.FromString(update)
    message = read.transaction.transaction.transaction.message
    if message.versioned:
        raise ValueError("only a legacy message has nothing that version 1 lacks")
    message.versioned = True
    for name, value in CONFIG.items():
        setattr(message.config, name, value)
    return read.SerializeToString()


def wire_of_version_one(transaction: sol.Transaction, *, first: int = 0x81) -> bytes:
    """The wire form, written from the SIMD's text; `first` is the byte with the version."""
    message = transaction.message
    header = message.header
    raw = bytes(
        (
            first,
            header.num_required_signatures,
            header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts,
        )
    )
    config = message.config
    mask, values = 0, b""
    for bits, name, form in (
        (0b11, "priority_fee", "<Q"),
        (0b100, "compute_unit_limit", "<I"),
        (0b1000, "loaded_accounts_data_size_limit", "<I"),
        (0b10000, "heap_size", "<I"),
    ):
        if config.HasField(name):
            mask |= bits
            values += struct.pack(form, getattr(config, name))
    raw += struct.pack("<I", mask) + message.recent_blockhash
    raw += bytes((len(message.instructions), len(message.account_keys)))
    raw += b"".join(message.account_keys) + values
    for one in message.instructions:
        raw += struct.pack("<BBH", one.program_id_index, len(one.accounts), len(one.data))
    raw += b"".join(one.accounts + one.data for one in message.instructions)
    return raw + b"".join(transaction.signatures)
