"""Empty answers fill the sequences of what was sent again, and change nothing else."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from pw_common.ordering.assembly import Assembly
from pw_common.wire.messages import Batch

stream: Any = importlib.import_module("support.cut_stream")


def named(batches: Iterable[Batch]) -> list[Batch]:
    return [msgspec.structs.replace(one, tx_id=f"tx:{one.tx_seq}") for one in batches]


def shifted(batches: list[Batch], by: int) -> list[Batch]:
    return [msgspec.structs.replace(one, tx_seq=one.tx_seq + by) for one in batches]


@pytest.mark.parametrize("seed", range(8))
def test_what_is_sent_again_leaves_no_gap_and_closes_the_same_slots(seed: int) -> None:
    rng = random.Random(seed)
    batches = named(stream.cut(stream.flow(seed, 120), seed))
    at = rng.randrange(10, len(batches) - 1)
    count = rng.randrange(1, 9)
    again = [stream.empty(one, one.tx_seq + count) for one in batches[at - count : at]]
    arrived = batches[:at] + again + shifted(batches[at:], count)
    # Parsers answer out of order, and a redelivery may be answered once more.
    arrived = sorted(arrived + again, key=lambda one: one.tx_seq + rng.randrange(5))
    assembly = Assembly(sources=("main",))
    found = [closed for one in arrived for closed in assembly.add(one)]
    assert found == stream.closed_slots(batches)
    assert (assembly.held, assembly.late, assembly.reused) == (0, 0, 0)
    assert assembly.next.tx_seq == len(batches) + count + 1


@pytest.mark.parametrize("seed", range(8))
def test_a_restored_queue_that_is_sent_more_than_it_lacks_closes_the_same_slots(seed: int) -> None:
    rng = random.Random(seed)
    batches = named(stream.cut(stream.flow(seed, 120), seed))
    at = rng.randrange(20, len(batches) - 1)
    # The copy of PW_TX ends before that of PW_SWAP, and ingest begins further back.
    queued, begins = at - rng.randrange(1, 9), at - rng.randrange(10, 19)
    shift = queued - begins
    again = [stream.empty(one, one.tx_seq + shift) for one in batches[begins:at]]
    arrived = batches[:at] + again + shifted(batches[at:], shift)
    assembly = Assembly(sources=("main",))
    found = [closed for one in arrived for closed in assembly.add(one)]
    assert found == stream.closed_slots(batches)
    assert (assembly.held, assembly.late, assembly.reused > 0) == (0, 0, True)
