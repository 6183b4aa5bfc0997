"""Which endpoint is waited for, and for how long."""

from __future__ import annotations

from pw_common.wire.envelope import Identity
from pw_ingest.core.endpoints.merge import AHEAD_MAX, BEHIND_MAX, Merge
from pw_ingest.core.sequencing.identity import META, Seen


def at(merge: Merge, endpoint: int, slot: int) -> None:
    merge.admits(endpoint, Seen(Identity(META, slot, b""), 0, False, slot - 1), 0)


def two(first_slot: int, second_slot: int) -> Merge:
    merge = Merge(2)
    for endpoint, slot in enumerate((first_slot, second_slot)):
        merge.opened(endpoint, is_live=True)
        at(merge, endpoint, slot)
    return merge


def test_the_slowest_open_endpoint_is_waited_for() -> None:
    merge = two(1_000, 1_012)
    assert merge.behind_slot() == 1_000
    merge.closed(0)
    assert merge.behind_slot() == 1_012
    merge.closed(1)
    assert merge.behind_slot() is None


def test_an_endpoint_that_stands_still_is_waited_for_within_a_bound() -> None:
    assert two(1_000, 1_000 + BEHIND_MAX).behind_slot() == 1_000
    assert two(1_000, 1_001 + BEHIND_MAX).behind_slot() == 1_001 + BEHIND_MAX


def test_an_endpoint_on_another_chain_is_not_waited_for_and_makes_nobody_slow() -> None:
    assert two(1_000, 1_001 + AHEAD_MAX).behind_slot() == 1_000


def header(merge: Merge, endpoint: int, blockhash: bytes) -> bool:
    return merge.admits(endpoint, Seen(Identity(META, 1_001, blockhash), 0, False, 1_000), 0)


def test_a_block_that_two_endpoints_send_is_taken_once() -> None:
    merge = two(1_000, 1_000)
    at(merge, 0, 1_000)
    at(merge, 1, 1_000)
    assert [header(merge, endpoint, b"hash") for endpoint in (0, 1, 0)] == [True, False, False]


def test_of_two_blocks_of_one_slot_the_first_is_taken() -> None:
    merge = two(1_000, 1_000)
    at(merge, 0, 1_000)
    at(merge, 1, 1_000)
    assert [header(merge, 0, b"one"), header(merge, 1, b"another")] == [True, False]
    assert merge.views[1].copies == 2
