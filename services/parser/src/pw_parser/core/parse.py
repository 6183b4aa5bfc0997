"""One update in, its events out: pure, and `Malformed` is all that may leave it."""

from __future__ import annotations

from typing import Final

from pw_common.ordering.event_time import sane_block_time_s
from pw_common.wire.limits import SLOT_MAX, TX_INDEX_MAX
from pw_common.wire.messages import SlotEvent
from pw_geyser import geyser_pb2
from pw_parser.core.decode.programs import BUILT_IN, Programs
from pw_parser.core.decode.transaction import Malformed, info_of, message_of, view_of
from pw_parser.core.successful import Parsed, parsed_of

__all__ = ["Malformed", "Parsed", "parse"]


_SLOT: Final = Parsed("slot")
# What moves no token is read no further.
_VOTE: Final = Parsed("transaction", vote=True)
_FAILED_VOTE: Final = Parsed("transaction", failed=True, vote=True)
_FAILED: Final = Parsed("transaction", failed=True)


def parse(update: bytes, programs: Programs = BUILT_IN) -> Parsed:
    """Read a `geyser.SubscribeUpdate` as received, with the names of a table of programs.

    Raises:
        Malformed: undecodable, of an unknown kind, or contradicting itself.
    """
    message = message_of(update)
    kind = message.WhichOneof("update_oneof")
    if kind == "transaction":
        return _transaction(message.transaction, programs)
    if kind == "slot":
        return _SLOT
    if kind == "block_meta":
        if message.block_meta.slot > SLOT_MAX:
            raise _beyond(message.block_meta.slot)
        return Parsed("block_meta", (_slot_event(message.block_meta),))
    raise Malformed(f"unknown kind of update: {kind or 'none of those subscribed to'}")


def _beyond(slot: int) -> Malformed:
    return Malformed(f"slot {slot} is beyond any chain")


def _transaction(update: geyser_pb2.SubscribeUpdateTransaction, programs: Programs) -> Parsed:
    if update.slot > SLOT_MAX:
        raise _beyond(update.slot)
    info = info_of(update)
    if info.index > TX_INDEX_MAX:
        raise Malformed(f"place {info.index} is beyond any block")
    failed = info.meta.HasField("err")
    if info.is_vote:
        return _FAILED_VOTE if failed else _VOTE
    if failed:
        return _FAILED
    return parsed_of(view_of(info, update.slot), programs)


def _slot_event(meta: geyser_pb2.SubscribeUpdateBlockMeta) -> SlotEvent:
    block_time_s = meta.block_time.timestamp if meta.HasField("block_time") else None
    return SlotEvent(
        slot=meta.slot,
        parent=meta.parent_slot,
        block_time_s=sane_block_time_s(block_time_s),
    )
