"""Version 1 transactions: their wire form is read, and they are parsed like any other."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from pw_geyser import solana_storage_pb2 as pb
from pw_geyser.wire import BadWire, read_version_1, version_of
from pw_parser.core.parse import parse


def wire_of(transaction: pb.Transaction, mask: int, values: bytes) -> bytes:
    """The wire form, written by hand from the public layout."""
    message = transaction.message
    header = message.header
    raw = bytes(
        [
            0x81,
            header.num_required_signatures,
            header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts,
        ]
    )
    raw += struct.pack("<I", mask) + message.recent_blockhash
    raw += bytes([len(message.instructions), len(message.account_keys)])
    raw += b"".join(message.account_keys) + values
    for one in message.instructions:
        raw += struct.pack("<BBH", one.program_id_index, len(one.accounts), len(one.data))
    for one in message.instructions:
        raw += one.accounts + one.data
    return raw + b"".join(transaction.signatures)


@pytest.fixture
def plain(buy: Any) -> pb.Transaction:
    transaction = buy("alice").message().transaction.transaction.transaction
    transaction.message.recent_blockhash = bytes(range(32))
    made: pb.Transaction = transaction
    return made


CONFIGURED = struct.pack("<QIII", 9_000, 200_000, 65_536, 32_768)


def test_a_version_one_transaction_is_read_from_its_wire_form(plain: pb.Transaction) -> None:
    read = read_version_1(wire_of(plain, 0b11111, CONFIGURED))
    config = read.message.config
    assert (config.priority_fee, config.compute_unit_limit) == (9_000, 200_000)
    assert (config.loaded_accounts_data_size_limit, config.heap_size) == (65_536, 32_768)
    assert read.message.versioned
    read.message.versioned = False
    read.message.ClearField("config")
    assert read == plain


def test_what_is_not_configured_is_absent_and_the_message_still_version_one(
    plain: pb.Transaction,
) -> None:
    read = read_version_1(wire_of(plain, 0b100, CONFIGURED[8:12]))
    assert read.message.HasField("config")
    assert read.message.config.compute_unit_limit == 200_000
    assert not read.message.config.HasField("priority_fee")
    assert read_version_1(wire_of(plain, 0, b"")).message.HasField("config")


def test_a_version_one_trade_reads_like_any_other(buy: Any, plain: pb.Transaction) -> None:
    update = buy("alice").message()
    update.transaction.transaction.transaction.CopyFrom(
        read_version_1(wire_of(plain, 0b11111, CONFIGURED))
    )
    assert parse(update.SerializeToString()).events == parse(buy("alice").update()).events


def test_only_the_first_byte_tells_the_version() -> None:
    assert (version_of(b"\x81"), version_of(b"\x82")) == (1, 2)
    # Legacy and version 0 begin with the number of signatures.
    assert (version_of(b"\x01"), version_of(b"")) == (None, None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: b"\x82" + raw[1:],
        lambda raw: raw[:-1],
        lambda raw: raw + b"\x00",
        lambda raw: raw[:4] + struct.pack("<I", 1 << 9) + raw[8:],
        lambda raw: raw[:4] + struct.pack("<I", 0b1) + raw[8:],
    ],
)
def test_what_is_no_whole_version_one_transaction_is_refused(
    plain: pb.Transaction, spoil: Any
) -> None:
    with pytest.raises(BadWire):
        read_version_1(spoil(wire_of(plain, 0, b"")))
