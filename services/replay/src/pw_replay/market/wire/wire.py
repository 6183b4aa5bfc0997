"""Protobuf bytes of the generated updates, written piece by piece.

A generated transaction repeats most of its bytes (mint and owner strings,
program logs), so the pieces are encoded once and joined. Packed numbers go
through the generated classes, because upb is faster at them than Python.
Field numbers are those of the public Yellowstone protocol.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence

from pw_geyser import geyser_pb2, solana_storage_pb2

_SMALL = 1 << 14


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_VARINTS = tuple(_varint(value) for value in range(_SMALL))
_DOUBLE = struct.Struct("<d").pack
_KEYS_TAG = {"account": b"\x12\x20", "loaded_writable": b"\x62\x20", "loaded_readonly": b"\x6a\x20"}


def varint(value: int) -> bytes:
    """A non-negative integer as a protobuf varint."""
    return _VARINTS[value] if value < _SMALL else _varint(value)


def field(tag: bytes, payload: bytes) -> bytes:
    """A length-delimited field: its tag byte, the length, the payload."""
    return tag + varint(len(payload)) + payload


def keys(kind: str, values: Sequence[bytes]) -> bytes:
    """A repeated field of 32-byte keys; `kind` is account, loaded_writable or loaded_readonly."""
    if not values:
        return b""
    tag = _KEYS_TAG[kind]
    return tag + tag.join(values)


@functools.lru_cache(maxsize=4096)
def log(line: str) -> bytes:
    """One constant `log_messages` entry, encoded once."""
    return field(b"\x32", line.encode())


def fresh_log(line: str) -> bytes:
    """One `log_messages` entry that will not come again."""
    return field(b"\x32", line.encode())


@functools.lru_cache(maxsize=256)
def logs(text: str) -> bytes:
    """Several constant log lines, one per line of `text`."""
    return b"".join(log(line) for line in text.splitlines())


def instruction(
    program: int, accounts: bytes, data: bytes, stack_height: int | None = None
) -> bytes:
    """The body of a (Compiled or Inner) instruction."""
    body = (
        (b"\x08" + varint(program) if program else b"")
        + (field(b"\x12", accounts) if accounts else b"")
        + (field(b"\x1a", data) if data else b"")
    )
    return body if stack_height is None else body + b"\x20" + varint(stack_height)


def token_balance(index: int, head: bytes, tail: bytes, decimals: int, amount: int) -> bytes:
    """The body of a TokenBalance; `head` is its mint field, `tail` its owner and program."""
    digits = str(amount).encode()
    whole, rest = divmod(amount, 10**decimals)
    shown = f"{whole}.{rest:0{decimals}d}".rstrip("0").encode() if rest else str(whole).encode()
    ui_amount = (
        (b"\x09" + _DOUBLE(amount / 10**decimals) if amount else b"")
        + b"\x10"
        + varint(decimals)
        + field(b"\x1a", digits)
        + field(b"\x22", shown)
    )
    return b"\x08" + varint(index) + head + field(b"\x1a", ui_amount) + tail


def scalars(
    fee: int, pre_balances: Sequence[int], post_balances: Sequence[int], compute_units: int
) -> bytes:
    """The numeric fields of a TransactionStatusMeta, in lamports and compute units."""
    return solana_storage_pb2.TransactionStatusMeta(
        fee=fee,
        pre_balances=pre_balances,
        post_balances=post_balances,
        compute_units_consumed=compute_units,
    ).SerializeToString()


def header(signers: int, readonly_signers: int, readonly_others: int) -> bytes:
    """The message header field."""
    body = (
        b"\x08"
        + varint(signers)
        + (b"\x10" + varint(readonly_signers) if readonly_signers else b"")
        + (b"\x18" + varint(readonly_others) if readonly_others else b"")
    )
    return field(b"\x0a", body)


def _created_at(created_at_ns: int) -> bytes:
    seconds, nanos = divmod(created_at_ns, 1_000_000_000)
    body = b"\x08" + _varint(seconds) + (b"\x10" + _varint(nanos) if nanos else b"")
    return field(b"\x5a", body)


def transaction_update(
    slot: int,
    index: int,
    signatures: Sequence[bytes],
    message: bytes,
    meta: bytes,
    *,
    is_vote: bool,
    created_at_ns: int,
) -> bytes:
    """A SubscribeUpdate that carries one transaction."""
    transaction = b"".join(field(b"\x0a", one) for one in signatures) + field(b"\x12", message)
    info = (
        field(b"\x0a", signatures[0])
        + (b"\x10\x01" if is_vote else b"")
        + field(b"\x1a", transaction)
        + field(b"\x22", meta)
        + (b"\x28" + varint(index) if index else b"")
    )
    body = field(b"\x0a", info) + b"\x10" + varint(slot)
    return b"\x0a\x06client" + field(b"\x22", body) + _created_at(created_at_ns)


def block_meta_update(
    *,
    slot: int,
    blockhash: str,
    parent_slot: int,
    parent_blockhash: str,
    block_time_s: int,
    block_height: int,
    transactions: int,
    created_at_ns: int,
) -> bytes:
    """A SubscribeUpdate that carries a block's facts."""
    update = geyser_pb2.SubscribeUpdate(filters=["client"])
    meta = update.block_meta
    meta.slot = slot
    meta.blockhash = blockhash
    meta.parent_slot = parent_slot
    meta.parent_blockhash = parent_blockhash
    meta.block_time.timestamp = block_time_s
    meta.block_height.block_height = block_height
    meta.executed_transaction_count = transactions
    meta.entries_count = 64 + transactions // 2
    update.created_at.seconds, update.created_at.nanos = divmod(created_at_ns, 1_000_000_000)
    return bytes(update.SerializeToString())


def slot_update(*, slot: int, parent: int, created_at_ns: int) -> bytes:
    """A SubscribeUpdate that says a slot is confirmed."""
    update = geyser_pb2.SubscribeUpdate(filters=["client"])
    update.slot.slot = slot
    update.slot.parent = parent
    update.slot.status = geyser_pb2.SLOT_CONFIRMED
    update.created_at.seconds, update.created_at.nanos = divmod(created_at_ns, 1_000_000_000)
    return bytes(update.SerializeToString())
