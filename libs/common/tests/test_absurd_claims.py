"""What no chain can have, met by a reader that finds it stored: it says nothing, harms nothing."""

from __future__ import annotations

import pytest

from pw_common.ordering.event_time import sane_block_time_s
from pw_common.ordering.watermark import Watermark
from pw_common.wire.limits import BLOCK_TIME_S_MAX, SLOT_MAX
from pw_common.wire.messages import Batch, Counts


def batch(frontier_slot: int) -> Batch:
    return Batch(
        tx_stream_created="t", tx_seq=1, source="main", epoch=1, frontier_slot=frontier_slot,
        counts=Counts(),
    )  # fmt: skip


@pytest.mark.parametrize("slot", [SLOT_MAX + 1, 2**63, 2**64 - 2])
def test_a_frontier_beyond_any_chain_claims_nothing(slot: int) -> None:
    watermark = Watermark()
    watermark.advance(batch(100))
    assert watermark.advance(batch(slot)) == 100
    assert watermark.advance(batch(101)) == 101


@pytest.mark.parametrize("seconds", [2**62, -(2**62), -1, BLOCK_TIME_S_MAX + 1, 32_503_680_000])
def test_a_block_time_of_another_age_is_none(seconds: int) -> None:
    assert sane_block_time_s(seconds) is None


@pytest.mark.parametrize("seconds", [None, 0, 1_700_000_000, BLOCK_TIME_S_MAX])
def test_a_block_time_that_may_be_is_kept(seconds: int | None) -> None:
    assert sane_block_time_s(seconds) == seconds
