"""One transaction by its signature, as the update that a Yellowstone source would have sent.

It is read by the one conversion of blocks, as a block with nothing else in it. Where it stood in
its block is not known: its index is 0.
"""

from __future__ import annotations

import base64

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature

from pw_common.documents.document import ready
from pw_common.ordering.event_time import sane_block_time_s
from pw_geyser import geyser_pb2 as pb
from pw_geyser import solana_storage_pb2 as sol
from pw_geyser.wire import SIGNATURE_BYTES, version_of
from pw_rpc.core.answers import Number
from pw_rpc.core.blocks import (
    BadBlock,
    Block,
    Entry,
    StatusMeta,
    Unread,
    read_block,
    unread_update,
)


class Single(msgspec.Struct, rename="camel"):
    """What getTransaction answers. `block_time` is None where it cannot be a time."""

    slot: Number
    transaction: tuple[str, str]
    meta: StatusMeta
    block_time: int | None = None

    def __post_init__(self) -> None:
        # Only the node says so: a number that is not a time would not fit.
        self.block_time = sane_block_time_s(self.block_time)


ready(Single)


def read_single(signature: str, found: Single) -> bytes:
    """The update of the transaction that was asked for.

    A transaction of an unknown version is kept as a dead letter keeps it.

    Raises:
        BadBlock: it is another transaction, or none, or its signatures are not of its message, or
            no reader of updates would take it.
    """
    try:
        update = _update_of(bytes(Signature.from_string(signature)), found)
    except BadBlock:
        raise
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise BadBlock(f"{type(error).__name__}: {error}") from error
    return update


def _update_of(asked: bytes, found: Single) -> bytes:
    block = Block(
        parent_slot=max(0, found.slot - 1),
        blockhash="",
        previous_blockhash="",
        transactions=[Entry(transaction=found.transaction, meta=found.meta)],
    )
    read = read_block(found.slot, block)
    if read.unread:
        return unread_update(found.slot, _as_asked(asked, read.unread[0]))
    update = read.updates[0]
    info = pb.SubscribeUpdate.FromString(update).transaction.transaction
    if info.signature != asked:
        raise BadBlock("it is another transaction")
    if not is_signed(base64.b64decode(found.transaction[0]), info.transaction):
        raise BadBlock("its signatures are not of its message")
    return update


def _as_asked(asked: bytes, unread: Unread) -> Unread:
    """A transaction that is not read, known by the asked signature from here on."""
    if unread.signature and unread.signature != asked:
        raise BadBlock("it is another transaction")
    # Where an unknown version keeps its signatures is not known; that it has them is.
    if asked not in unread.raw:
        raise BadBlock(f"it is of {unread.what}, and the asked signature does not stand in it")
    return unread._replace(signature=asked)


def is_signed(raw: bytes, transaction: sol.Transaction) -> bool:
    """Whether each signature of a wire form is its signer's, of this very message."""
    count = len(transaction.signatures)
    whole = count * SIGNATURE_BYTES
    # Version 1 ends with the signatures, the older ones begin with them and their number.
    message = raw[:-whole] if version_of(raw) == 1 else raw[whole + (1 if count < 0x80 else 2) :]
    keys = transaction.message.account_keys
    return 0 < count <= len(keys) and all(
        Signature.from_bytes(signature).verify(Pubkey.from_bytes(key), message)
        for signature, key in zip(transaction.signatures, keys, strict=False)
    )
