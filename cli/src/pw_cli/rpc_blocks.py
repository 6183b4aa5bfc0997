"""Blocks over JSON-RPC as the updates that a Yellowstone source would have sent.

`getBlock` with base64 transactions: solana.com/docs/rpc/http/getblock. What RPC does not
tell (`created_at`, filters) is left out; nothing downstream depends on it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from solders.message import MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol

VOTE_PROGRAM: Final = str(Pubkey.from_string("Vote111111111111111111111111111111111111111"))

# Turning base58 into bytes takes the square of its length.
Base58 = Annotated[str, Meta(max_length=32_768)]
Text = Annotated[str, Meta(max_length=128)]
Number = Annotated[int, Meta(ge=0)]


class BadBlock(ValueError):
    """A block that is well-formed JSON and still cannot be one; says why."""


class Instruction(msgspec.Struct, rename="camel"):
    """A call that a transaction made while it ran."""

    program_id_index: Number
    accounts: list[Number]
    data: Base58
    stack_height: Number | None = None


class InnerInstructions(msgspec.Struct):
    """The calls of one of a transaction's instructions."""

    index: Number
    instructions: list[Instruction]


class TokenAmount(msgspec.Struct):
    """An amount in the token's smallest unit."""

    amount: Text
    decimals: Number


class TokenBalance(msgspec.Struct, rename="camel"):
    """What a token account held."""

    account_index: Number
    mint: Text
    ui_token_amount: TokenAmount
    owner: Text | None = None
    program_id: Text | None = None


class LoadedAddresses(msgspec.Struct):
    """Addresses that a transaction took from lookup tables."""

    writable: list[Text] = []
    readonly: list[Text] = []


class StatusMeta(msgspec.Struct, rename="camel"):
    """What a transaction did."""

    fee: Number
    pre_balances: list[Number]
    post_balances: list[Number]
    err: msgspec.Raw = msgspec.Raw(b"null")
    inner_instructions: list[InnerInstructions] | None = None
    log_messages: list[str] | None = None
    pre_token_balances: list[TokenBalance] | None = None
    post_token_balances: list[TokenBalance] | None = None
    loaded_addresses: LoadedAddresses | None = None
    compute_units_consumed: Number | None = None

    @property
    def failed(self) -> bool:
        """Whether the transaction changed nothing but its fee."""
        return bytes(self.err) != b"null"


class Entry(msgspec.Struct):
    """A transaction in base64, and what it did."""

    transaction: tuple[str, str]
    meta: StatusMeta


class Parent(msgspec.Struct, rename="camel"):
    """A block's place in the chain."""

    parent_slot: Number
    blockhash: Text
    previous_blockhash: Text
    block_height: Number | None = None


class Block(Parent, rename="camel", kw_only=True):
    """A whole block."""

    transactions: list[Entry]
    block_time: int | None = None


def updates_of(slot: int, block: Block) -> list[bytes]:
    """The block's transactions in their order, then its block_meta.

    Raises:
        BadBlock: something in it cannot be what it says it is.
    """
    try:
        return list(_updates(slot, block))
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise BadBlock(f"{type(error).__name__}: {error}") from error


def _updates(slot: int, block: Block) -> Iterator[bytes]:
    for index, entry in enumerate(block.transactions):
        yield _transaction(slot, index, entry).SerializeToString()
    update = pb.SubscribeUpdate()
    meta = update.block_meta
    meta.slot, meta.parent_slot = slot, block.parent_slot
    meta.blockhash = block.blockhash
    meta.parent_blockhash = block.previous_blockhash
    if block.block_time is not None:
        meta.block_time.timestamp = block.block_time
    if block.block_height is not None:
        meta.block_height.block_height = block.block_height
    meta.executed_transaction_count = len(block.transactions)
    yield update.SerializeToString()


def _transaction(slot: int, index: int, entry: Entry) -> pb.SubscribeUpdate:
    text, encoding = entry.transaction
    if entry.meta.inner_instructions is None and not entry.meta.failed:
        # Most trades are calls of calls. Without these they would be nowhere, or read wrong.
        raise ValueError(
            f"transaction {index} has no innerInstructions: the node does not keep them "
            "(--enable-extended-tx-metadata-storage)"
        )
    if encoding != "base64":
        raise ValueError(f"transaction {index} is not in base64")
    parsed = VersionedTransaction.from_bytes(base64.b64decode(text, validate=True))
    update = pb.SubscribeUpdate()
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.index = index
    info.signature = bytes(parsed.signatures[0])
    info.transaction.signatures.extend(bytes(one) for one in parsed.signatures)
    _message(info.transaction.message, parsed.message)
    keys = parsed.message.account_keys
    info.is_vote = any(
        str(keys[one.program_id_index]) == VOTE_PROGRAM
        for one in parsed.message.instructions
        if one.program_id_index < len(keys)
    )
    _meta(info.meta, entry.meta)
    return update


def _message(out: sol.Message, message: Any) -> None:
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
    # Version 1 has no lookup tables; its budget settings are read by nothing of ours.
    out.versioned = isinstance(message, MessageV0 | MessageV1)
    if isinstance(message, MessageV0):
        for lookup in message.address_table_lookups:
            out.address_table_lookups.add(
                account_key=bytes(lookup.account_key),
                writable_indexes=bytes(lookup.writable_indexes),
                readonly_indexes=bytes(lookup.readonly_indexes),
            )


def _meta(out: sol.TransactionStatusMeta, meta: StatusMeta) -> None:
    if meta.failed:
        # Which error is not read anywhere; that there is one is.
        out.err.err = b"\x01"
    out.fee = meta.fee
    out.pre_balances.extend(meta.pre_balances)
    out.post_balances.extend(meta.post_balances)
    for group in meta.inner_instructions or ():
        inner = out.inner_instructions.add(index=group.index)
        for one in group.instructions:
            added = inner.instructions.add(
                program_id_index=one.program_id_index,
                accounts=bytes(one.accounts),
                data=_base58(one.data),
            )
            if one.stack_height is not None:
                added.stack_height = one.stack_height
    out.inner_instructions_none = meta.inner_instructions is None
    out.log_messages.extend(meta.log_messages or ())
    out.log_messages_none = meta.log_messages is None
    for held, found in (
        (meta.pre_token_balances, out.pre_token_balances),
        (meta.post_token_balances, out.post_token_balances),
    ):
        for balance in held or ():
            into = found.add(
                account_index=balance.account_index,
                mint=balance.mint,
                owner=balance.owner or "",
                program_id=balance.program_id or "",
            )
            into.ui_token_amount.decimals = balance.ui_token_amount.decimals
            into.ui_token_amount.amount = balance.ui_token_amount.amount
    loaded = meta.loaded_addresses or LoadedAddresses()
    for address in loaded.writable:
        out.loaded_writable_addresses.append(bytes(Pubkey.from_string(address)))
    for address in loaded.readonly:
        out.loaded_readonly_addresses.append(bytes(Pubkey.from_string(address)))
    if meta.compute_units_consumed is not None:
        out.compute_units_consumed = meta.compute_units_consumed


_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
