"""Blocks over JSON-RPC as the updates that a Yellowstone source would have sent.

`getBlock` with base64 transactions: solana.com/docs/rpc/http/getblock. What RPC does not
tell (`created_at`, filters) is left out; nothing downstream depends on it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from solders.pubkey import Pubkey

from pw_common.wire.limits import UPDATE_BYTES_MAX
from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol
from pw_rpc.core.answers import Block, Entry, LoadedAddresses, Parent, Signatures, StatusMeta
from pw_rpc.core.wire import UnknownVersion, read_wire, unread_transaction

VOTE_PROGRAM: Final = bytes(Pubkey.from_string("Vote111111111111111111111111111111111111111"))

__all__ = [
    "BadBlock",
    "Block",
    "Candidate",
    "Entry",
    "Parent",
    "Read",
    "Signatures",
    "StatusMeta",
    "Unread",
    "is_vote",
    "read_block",
    "unread_update",
    "updates_of",
]


class BadBlock(ValueError):
    """A block that is well-formed JSON and still cannot be one; says why."""


class Unread(NamedTuple):
    """A transaction in a form that is not known; `position` is its index in the block.

    `signature` is empty where it is not known.
    """

    position: int
    what: str
    signature: bytes
    raw: bytes
    meta: StatusMeta


class Candidate(NamedTuple):
    """A transaction whose message is read, and what it did: enough to say whether it is wanted."""

    message: sol.Message
    meta: StatusMeta
    is_vote: bool

    def keys(self) -> set[bytes]:
        """Every account that it names, those of lookup tables too."""
        loaded = self.meta.loaded_addresses or LoadedAddresses()
        named = [*loaded.writable, *loaded.readonly]
        return {*self.message.account_keys, *(bytes(Pubkey.from_string(one)) for one in named)}


class Read(NamedTuple):
    """A block's updates in their order, its block_meta last, and what of it cannot be read."""

    updates: list[bytes]
    unread: list[Unread]


def read_block(
    slot: int, block: Block, wanted: Callable[[Candidate], bool] = lambda _one: True
) -> Read:
    """The block's transactions in their order, then its block_meta.

    Args:
        slot: Where it was asked for: a block does not say it.
        block: What came.
        wanted: What a subscription's filter says of a transaction.

    Raises:
        BadBlock: something in it cannot be what it says it is.
    """
    unread: list[Unread] = []
    with _as_bad_block():
        return Read(list(_updates(slot, block, unread, wanted)), unread)


def updates_of(slot: int, block: Block) -> list[bytes]:
    """A block's updates, for those who need all of it.

    Raises:
        BadBlock: something in it cannot be read.
    """
    read = read_block(slot, block)
    if read.unread:
        raise BadBlock(f"transaction {read.unread[0].position} is of {read.unread[0].what}")
    return read.updates


def unread_update(slot: int, unread: Unread) -> bytes:
    """What a dead letter keeps: the transaction's position, what it did, and its bytes.

    Raises:
        BadBlock: what it did cannot be.
    """
    update = pb.SubscribeUpdate()
    with _as_bad_block():
        update.transaction.slot = slot
        info = update.transaction.transaction
        info.index = unread.position
        info.signature = unread.signature
        info.transaction.MergeFromString(unread_transaction(unread.raw))
        _meta(info.meta, unread.meta)
        return _bytes(update)


@contextmanager
def _as_bad_block() -> Iterator[None]:
    """Report numbers, keys and texts of a node that do not fit into an update as a bad block."""
    try:
        yield
    except BadBlock:
        raise
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise BadBlock(f"{type(error).__name__}: {error}") from error


def _bytes(update: pb.SubscribeUpdate) -> bytes:
    """Its wire form, which no reader of a capture or of a message would take were it larger."""
    body = update.SerializeToString()
    if len(body) > UPDATE_BYTES_MAX:
        raise BadBlock(f"an update of {len(body)} bytes; at most {UPDATE_BYTES_MAX} are taken")
    return body


def _updates(
    slot: int, block: Block, unread: list[Unread], wanted: Callable[[Candidate], bool]
) -> Iterator[bytes]:
    if block.parent_slot >= slot > 0:
        raise ValueError(f"its parent is of slot {block.parent_slot}")
    signatures: set[bytes] = set()
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
            signature = transaction.signatures[0]
            if signature in signatures:
                raise ValueError(f"transaction {index} is there twice")
            signatures.add(signature)
            if not entry.meta.failed:
                _check_kept(index, transaction.message, entry.meta)
            one = Candidate(transaction.message, entry.meta, is_vote(transaction.message))
            if wanted(one):
                yield _bytes(_transaction(slot, index, transaction, one))
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
    slot: int, index: int, transaction: sol.Transaction, candidate: Candidate
) -> pb.SubscribeUpdate:
    update = pb.SubscribeUpdate()
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.index = index
    info.signature = transaction.signatures[0]
    info.transaction.CopyFrom(transaction)
    info.is_vote = candidate.is_vote
    _meta(info.meta, candidate.meta)
    return update


def is_vote(message: sol.Message) -> bool:
    """Whether it calls the vote program."""
    keys = message.account_keys
    return any(
        keys[one.program_id_index] == VOTE_PROGRAM
        for one in message.instructions
        if one.program_id_index < len(keys)
    )


def _meta(out: sol.TransactionStatusMeta, meta: StatusMeta) -> None:
    if meta.failed:
        # Nothing reads which error it was, only that there was one.
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
            into.ui_token_amount.ui_amount = balance.ui_token_amount.ui_amount or 0.0
            into.ui_token_amount.ui_amount_string = balance.ui_token_amount.ui_amount_string
    loaded = meta.loaded_addresses or LoadedAddresses()
    for address in loaded.writable:
        out.loaded_writable_addresses.append(bytes(Pubkey.from_string(address)))
    for address in loaded.readonly:
        out.loaded_readonly_addresses.append(bytes(Pubkey.from_string(address)))
    if meta.compute_units_consumed is not None:
        out.compute_units_consumed = meta.compute_units_consumed
    if meta.cost_units is not None:
        out.cost_units = meta.cost_units
    returned = meta.return_data
    out.return_data_none = returned is None
    if returned is not None:
        out.return_data.program_id = bytes(Pubkey.from_string(returned.program_id))
        out.return_data.data = base64.b64decode(returned.data[0], validate=True)


BASE58_STEP: Final = 10
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(text: str) -> bytes:
    # Ten at a time: each step costs as much as the number is long by then.
    number = 0
    for at in range(0, len(text), BASE58_STEP):
        some = text[at : at + BASE58_STEP]
        low = 0
        for character in some:
            low = low * 58 + _ALPHABET.index(character)
        number = number * 58 ** len(some) + low
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
