"""Blocks over JSON-RPC as the updates that a Yellowstone source would have sent.

`getBlock` with base64 transactions: solana.com/docs/rpc/http/getblock. What RPC does not
tell (`created_at`, filters) is left out; nothing downstream depends on it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta
from solders.pubkey import Pubkey

from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol
from pw_rpc.core.wire import UnknownVersion, read_wire, unread_transaction

VOTE_PROGRAM: Final = bytes(Pubkey.from_string("Vote111111111111111111111111111111111111111"))

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

    amount: Annotated[str, Meta(pattern="^[0-9]{1,20}$")]
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


class Signatures(msgspec.Struct):
    """The signatures of a block's transactions, in their order."""

    signatures: list[Text]


class Unread(NamedTuple):
    """A transaction in a form that is not known; `place` is its index in the block.

    `signature` is empty where it is not known.
    """

    place: int
    what: str
    signature: bytes
    raw: bytes
    meta: StatusMeta


class Read(NamedTuple):
    """A block's updates in their order, its block_meta last, and what of it cannot be read."""

    updates: list[bytes]
    unread: list[Unread]


def read_block(slot: int, block: Block) -> Read:
    """The block's transactions in their order, then its block_meta.

    Raises:
        BadBlock: something in it cannot be what it says it is.
    """
    unread: list[Unread] = []
    try:
        return Read(list(_updates(slot, block, unread)), unread)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise BadBlock(f"{type(error).__name__}: {error}") from error


def updates_of(slot: int, block: Block) -> list[bytes]:
    """A block's updates, for those who need all of it.

    Raises:
        BadBlock: something in it cannot be read.
    """
    read = read_block(slot, block)
    if read.unread:
        raise BadBlock(f"transaction {read.unread[0].place} is of {read.unread[0].what}")
    return read.updates


def unread_update(slot: int, unread: Unread) -> bytes:
    """What a dead letter keeps: where the transaction stands, what it did, and its bytes."""
    update = pb.SubscribeUpdate()
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.index = unread.place
    info.signature = unread.signature
    info.transaction.MergeFromString(unread_transaction(unread.raw))
    _meta(info.meta, unread.meta)
    return update.SerializeToString()


def _updates(slot: int, block: Block, unread: list[Unread]) -> Iterator[bytes]:
    for index, entry in enumerate(block.transactions):
        text, encoding = entry.transaction
        if encoding != "base64":
            raise ValueError(f"transaction {index} is not in base64")
        raw = base64.b64decode(text, validate=True)
        try:
            transaction = read_wire(raw)
        except UnknownVersion as error:
            unread.append(Unread(index, str(error), error.signature, raw, entry.meta))
        else:
            if not entry.meta.failed:
                _check_kept(index, transaction.message, entry.meta)
            yield _transaction(slot, index, transaction, entry.meta).SerializeToString()
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


def _check_kept(index: int, message: sol.Message, meta: StatusMeta) -> None:
    """Whether a node kept what trades are read from; without it they would be nowhere, or wrong."""
    loaded = meta.loaded_addresses or LoadedAddresses()
    wanted = [
        sum(len(one.writable_indexes) for one in message.address_table_lookups),
        sum(len(one.readonly_indexes) for one in message.address_table_lookups),
    ]
    missing = [
        name
        for name, is_missing in (
            ("innerInstructions", meta.inner_instructions is None),
            ("preTokenBalances", meta.pre_token_balances is None),
            ("postTokenBalances", meta.post_token_balances is None),
            ("loadedAddresses", [len(loaded.writable), len(loaded.readonly)] != wanted),
        )
        if is_missing
    ]
    if missing:
        raise ValueError(
            f"transaction {index} came without its {', '.join(missing)}: does the node keep them "
            "(--enable-extended-tx-metadata-storage)?"
        )


def _transaction(
    slot: int, index: int, transaction: sol.Transaction, meta: StatusMeta
) -> pb.SubscribeUpdate:
    update = pb.SubscribeUpdate()
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.index = index
    info.signature = transaction.signatures[0]
    info.transaction.CopyFrom(transaction)
    keys = transaction.message.account_keys
    info.is_vote = any(
        keys[one.program_id_index] == VOTE_PROGRAM
        for one in transaction.message.instructions
        if one.program_id_index < len(keys)
    )
    _meta(info.meta, meta)
    return update


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
