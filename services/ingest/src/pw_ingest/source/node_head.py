"""Where a node is when a stream of it begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pw_ingest.core.sequencing.resume import OUT_OF_RANGE
from pw_ingest.source.any_source import StreamEnded
from pw_ingest.source.handing import NODE_ERRORS
from pw_rpc.node import NodeFailed, Rpc

# A node further behind what is stored has begun another history, or is lost.
BEHIND_SLOTS_MAX: Final = 32


async def first_available(node: Rpc) -> int | None:
    """The oldest slot that the node has, or None when it does not say."""
    try:
        return await node.first_available()
    except NODE_ERRORS:
        return None


async def newest(node: Rpc) -> int | None:
    """The newest slot of the node, or None when it does not say."""
    try:
        return await node.head()
    except NODE_ERRORS:
        return None


async def head_for(node: Rpc, from_slot: int | None, is_possible: Callable[[int], bool]) -> int:
    """The newest slot of a node from which a stream can begin at `from_slot`.

    Raises:
        StreamEnded: the node does not have what is asked for, or claims what cannot be.
        NotHad, BadAnswer, NodeFailed: it does not say.
    """
    if from_slot is not None:
        first = await first_available(node)
        if first is not None and first > from_slot:
            raise StreamEnded(OUT_OF_RANGE, f"the node keeps blocks from slot {first} on")
    head = await node.head()
    if not is_possible(head):
        raise StreamEnded("UNAVAILABLE", f"the node claims slot {head}, which cannot be")
    if from_slot is not None and head < from_slot - BEHIND_SLOTS_MAX:
        behind = f"the node is at slot {head}, {from_slot - head} before what is stored"
        raise StreamEnded("UNAVAILABLE", behind)
    return head


async def check_not_behind(node: Rpc, slot: int) -> None:
    """That a node which said where it is has not taken it back: its stream would wait for ever.

    Raises:
        NodeFailed: its newest slot is far below the slot that it named before.
        NotHad, BadAnswer: it does not say.
    """
    head = await node.head()
    if head < slot - BEHIND_SLOTS_MAX:
        raise NodeFailed(f"the node is at slot {head}, and spoke of slot {slot} before")
