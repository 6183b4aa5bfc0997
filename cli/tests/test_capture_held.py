"""What earlier runs left of a span is a chain, or it is said where it is none."""

from __future__ import annotations

import pytest

from pw_cli.history.capture_held import LEFT_OUT, blocks_held
from pw_cli.history.history_chain import MissingSlots, Tip
from pw_common.wire.captures import BadCapture
from pw_geyser import geyser_pb2 as pb


def block(slot: int, parent: int, *, before: str = "") -> pb.SubscribeUpdate:
    update = pb.SubscribeUpdate()
    meta = update.block_meta
    meta.slot, meta.blockhash = slot, f"hash of {slot}"
    meta.parent_slot, meta.parent_blockhash = parent, before or f"hash of {parent}"
    return update


def test_blocks_that_follow_one_another_lack_nothing() -> None:
    # Slot 12 was skipped.
    held = blocks_held([block(10, 9), block(11, 10), block(13, 11)], 10, "x")
    assert held.tip == Tip(13, "hash of 13")
    assert (held.updates, held.left_out) == (3, [])


def test_what_is_missing_is_named_as_far_as_nothing_is_shown() -> None:
    held = blocks_held([block(12, 11), block(13, 12), block(19, 18), block(20, 19)], 10, "x")
    assert held.left_out == [MissingSlots(10, 11, LEFT_OUT), MissingSlots(14, 18, LEFT_OUT)]
    assert [missing.name for missing in held.left_out] == ["slots 10 to 11", "slots 14 to 18"]
    assert [missing.slots for missing in held.left_out] == [2, 5]


@pytest.mark.parametrize(
    "after",
    [block(12, 11, before="other"), block(12, 10), block(11, 10), block(5, 4)],
    ids=["another hash", "another block", "the same again", "an older one"],
)
def test_a_block_that_contradicts_the_one_before_it_is_refused(after: pb.SubscribeUpdate) -> None:
    with pytest.raises(BadCapture, match=r"x: the block of slot .* contradicts that of slot 11"):
        blocks_held([block(10, 9), block(11, 10), after], 10, "x")


def test_a_transaction_that_is_not_read_is_counted() -> None:
    unread = pb.SubscribeUpdate()
    unread.transaction.transaction.signature = bytes(64)
    read = pb.SubscribeUpdate()
    read.transaction.transaction.transaction.signatures.append(bytes(64))
    held = blocks_held([unread, read, block(10, 9)], 10, "x")
    assert (held.updates, held.unread) == (3, 1)
