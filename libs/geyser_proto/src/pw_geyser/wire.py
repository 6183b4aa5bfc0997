"""Version 1 transactions in their wire form (SIMD-0385), as the protocol's own messages.

Layout: version byte 0x81, three header bytes, a mask of what is configured (u32), the
blockhash, the counts of instructions and of addresses, the addresses, the configured values,
a header for each instruction (program, number of accounts, length of data as u16), then the
accounts and data of each, and the signatures at the end. Numbers are little-endian.

Source: docs.rs/solana-message, versions/v1; the SIMD's text.
"""

from __future__ import annotations

from typing import Final

from pw_geyser import solana_storage_pb2 as pb

VERSION_1: Final = 0x81
VERSIONED: Final = 0x80
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
# Both bits stand for the one 64 bit value.
PRIORITY_FEE_MASK: Final = 0b11
# Mask bit -> field, in the order in which the values stand.
SMALL_VALUES: Final = (
    (0b100, "compute_unit_limit"),
    (0b1000, "loaded_accounts_data_size_limit"),
    (0b10000, "heap_size"),
)
KNOWN_MASK: Final = 0b11111


class BadWire(ValueError):
    """Bytes that are no version 1 transaction; the message says why."""


def version_of(raw: bytes) -> int | None:
    """The version that a transaction's first byte states; None where it states none.

    Legacy and version 0 transactions begin with the number of their signatures instead.
    """
    return raw[0] & 0x7F if raw and raw[0] & VERSIONED else None


def read_version_1(raw: bytes) -> pb.Transaction:
    """Raises BadWire for anything but one whole version 1 transaction."""
    wire = _Wire(raw)
    if wire.number(1) != VERSION_1:
        raise BadWire(f"begins with {raw[:1].hex() or 'nothing'}, not 81")
    made = pb.Transaction()
    message = made.message
    message.versioned = True
    header = message.header
    header.num_required_signatures = wire.number(1)
    header.num_readonly_signed_accounts = wire.number(1)
    header.num_readonly_unsigned_accounts = wire.number(1)
    mask = wire.number(4)
    if mask & ~KNOWN_MASK or (mask & PRIORITY_FEE_MASK) not in (0, PRIORITY_FEE_MASK):
        raise BadWire(f"configures what is not known: mask {mask:#x}")
    message.recent_blockhash = wire.take(KEY_BYTES)
    instructions, addresses = wire.number(1), wire.number(1)
    message.account_keys.extend(wire.take(KEY_BYTES) for _ in range(addresses))
    message.config.SetInParent()
    if mask & PRIORITY_FEE_MASK:
        message.config.priority_fee = wire.number(8)
    for bit, field in SMALL_VALUES:
        if mask & bit:
            setattr(message.config, field, wire.number(4))
    headers = [(wire.number(1), wire.number(1), wire.number(2)) for _ in range(instructions)]
    for program, accounts, data in headers:
        message.instructions.add(
            program_id_index=program, accounts=wire.take(accounts), data=wire.take(data)
        )
    for _ in range(header.num_required_signatures):
        made.signatures.append(wire.take(SIGNATURE_BYTES))
    if wire.at != len(raw):
        raise BadWire(f"{len(raw) - wire.at} bytes behind its end")
    return made


class _Wire:
    """Bytes that are read from the front."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.raw):
            raise BadWire(f"ends {end - len(self.raw)} bytes too early")
        part = self.raw[self.at : end]
        self.at = end
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")
