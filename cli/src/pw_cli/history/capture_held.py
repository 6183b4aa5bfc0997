"""What earlier runs left in a capture that is not whole: read back and judged, not remembered.

Blocks must follow one another here as they must when they are fetched. Where they do not, a run
left something out, and its reason went with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError

from pw_cli.history.capture_part import Part
from pw_cli.history.history_chain import MissingSlots, Tip
from pw_common.wire.captures import BadCapture
from pw_geyser import geyser_pb2 as pb

LEFT_OUT: Final = "an earlier run left it out"


@dataclass
class Held:
    """Blocks that are there: how many updates, the newest one, and what is missing before it."""

    updates: int = 0
    unread: int = 0
    tip: Tip | None = None
    left_out: list[MissingSlots] = field(default_factory=list)


def updates_of(part: Part) -> Iterator[pb.SubscribeUpdate]:
    """What is there, in its order. Raises BadCapture."""
    for update in part.updates():
        try:
            yield pb.SubscribeUpdate.FromString(update)
        except DecodeError as error:
            raise BadCapture(f"{part.path}: {error}; remove it first") from error


def blocks_held(updates: Iterable[pb.SubscribeUpdate], first_slot: int, name: object) -> Held:
    """The blocks of a span that begins at `first_slot`.

    Raises:
        BadCapture: a block contradicts the one before it; `name` says where.
    """
    held = Held()
    for update in updates:
        held.updates += 1
        held.unread += is_unread(update)
        if update.HasField("block_meta"):
            _follow(held, update.block_meta, first_slot, name)
    return held


def is_unread(update: pb.SubscribeUpdate) -> bool:
    """Whether it holds a transaction only as its bytes, of a form that is not read."""
    info = update.transaction.transaction
    return update.HasField("transaction") and not info.transaction.signatures


def _follow(held: Held, meta: pb.SubscribeUpdateBlockMeta, first_slot: int, name: object) -> None:
    tip, parent_slot = held.tip, meta.parent_slot
    known_slot = first_slot - 1 if tip is None else tip.slot
    if tip is not None and (
        meta.slot <= tip.slot
        or parent_slot < tip.slot
        or (parent_slot == tip.slot and meta.parent_blockhash != tip.blockhash)
    ):
        raise BadCapture(
            f"{name}: the block of slot {meta.slot} contradicts that of slot {tip.slot} before it; "
            "remove it first"
        )
    if parent_slot > known_slot:
        held.left_out.append(MissingSlots(known_slot + 1, parent_slot, LEFT_OUT))
    held.tip = Tip(meta.slot, meta.blockhash)
