"""Slots and times that cannot be, which an older ingest may have stored."""

from __future__ import annotations

from typing import Any

import pytest

from pw_common.wire.limits import SLOT_MAX, TX_INDEX_MAX
from pw_common.wire.messages import SlotEvent
from pw_geyser import geyser_pb2 as pb
from pw_parser.core.parse import Malformed, parse


def meta(slot: int, time_s: int) -> bytes:
    update = pb.SubscribeUpdate()
    update.block_meta.slot = slot
    update.block_meta.parent_slot = 1
    update.block_meta.block_time.timestamp = time_s
    return update.SerializeToString()


@pytest.mark.parametrize("slot", [SLOT_MAX + 1, 2**63, 2**64 - 2])
def test_a_slot_beyond_any_chain_is_malformed(slot: int) -> None:
    update = pb.SubscribeUpdate()
    update.transaction.slot = slot
    for body in (meta(slot, 5), update.SerializeToString()):
        with pytest.raises(Malformed, match="beyond any chain"):
            parse(body)


def test_a_place_beyond_any_block_is_malformed(buy: Any) -> None:
    update = pb.SubscribeUpdate.FromString(buy("alice", "bob").update())
    update.transaction.transaction.index = TX_INDEX_MAX
    assert parse(update.SerializeToString()).events
    update.transaction.transaction.index = TX_INDEX_MAX + 1
    with pytest.raises(Malformed, match="beyond any block"):
        parse(update.SerializeToString())


@pytest.mark.parametrize(
    ("time_s", "kept"), [(1_700_000_000, 1_700_000_000), (2**62, None), (-(2**62), None)]
)
def test_a_block_time_that_is_no_time_is_not_passed_on(time_s: int, kept: int | None) -> None:
    assert parse(meta(7, time_s)).events == (SlotEvent(slot=7, parent=1, block_time_s=kept),)
