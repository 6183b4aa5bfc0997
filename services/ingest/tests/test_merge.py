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
