from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pw_ingest.core.sequencing.chain import OLD_RUN_MAX, Chain, Missing


def closings(chain: Chain, blocks: list[tuple[int, int]]) -> tuple[list[int], list[Missing]]:
    steps = [chain.block(slot, parent) for slot, parent in blocks]
    closed = [step.closed_slot for step in steps if step.closed_slot is not None]
    return closed, [step.missing for step in steps if step.missing is not None]


def test_a_slot_is_closed_by_its_child() -> None:
    assert closings(Chain(), [(10, 9), (11, 10), (13, 11)]) == ([10, 11], [])


def test_a_missing_parent_is_a_gap_after_patience_and_not_before() -> None:
    chain = Chain(patience=3)
    assert closings(chain, [(10, 9), (15, 14), (16, 15)]) == ([], [])
    assert closings(chain, [(17, 16)]) == ([16], [Missing(11, 14)])


def test_a_late_block_within_patience_is_no_gap() -> None:
    assert closings(Chain(patience=3), [(10, 9), (12, 11), (13, 12), (11, 10)]) == ([12], [])


def test_a_parent_that_a_slower_endpoint_has_not_passed_is_late_and_not_missing() -> None:
    chain = Chain(patience=3)
    chain.block(10, 9)
    steps = [chain.block(slot, slot - 1, behind_slot=12) for slot in range(15, 40)]
    assert not any(step.missing for step in steps)
    steps = [chain.block(slot, slot - 1, behind_slot=slot) for slot in range(11, 15)]
    assert not any(step.missing for step in steps)
    assert chain.closed_slot == 38


def test_a_parent_that_the_slowest_endpoint_has_passed_is_missing() -> None:
    chain = Chain(patience=3)
    chain.block(10, 9)
    for slot in range(15, 20):
        assert chain.block(slot, slot - 1, behind_slot=14) == (None, None, False)
    assert chain.block(20, 19, behind_slot=15).missing == Missing(11, 14)


def test_a_block_that_is_its_own_ancestor_says_nothing() -> None:
    assert closings(Chain(), [(10, 10), (11, 12), (10, 9), (11, 10)]) == ([10], [])


def test_of_two_blocks_of_one_slot_the_first_counts() -> None:
    one, two = Chain(patience=3), Chain(patience=3)
    blocks = [(10, 9), (15, 14), (16, 15)]
    assert closings(one, [*blocks, (17, 16)]) == ([16], [Missing(11, 14)])
    # Whether its parent is known or not, what comes second neither mends nor breaks anything.
    others = [(15, 10), (16, 12), (10, 8)]
    assert closings(two, [*blocks, *others, (17, 16)]) == ([16], [Missing(11, 14)])


def test_a_long_run_of_old_blocks_is_another_history() -> None:
    chain = Chain()
    chain.block(10_000, 9_999)
    steps = [chain.block(slot, slot - 1) for slot in range(1, OLD_RUN_MAX + 1)]
    assert [step.went_back for step in steps] == [False] * (OLD_RUN_MAX - 1) + [True]


def test_a_long_run_of_old_blocks_is_another_history_only_beyond_what_was_asked_for() -> None:
    chain = Chain()
    chain.resume(10_000, asked_slot=9_001)
    steps = [chain.block(slot, slot - 1) for slot in range(9_001, 10_001)]
    assert not any(step.went_back for step in steps)
    assert chain.block(10_001, 10_000).closed_slot is None
    # The blocks asked for again have arrived; from here the usual limit on old blocks applies.
    steps = [chain.block(slot, slot - 1) for slot in range(1, OLD_RUN_MAX + 1)]
    assert [step.went_back for step in steps] == [False] * (OLD_RUN_MAX - 1) + [True]


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[tuple[int, int]], set[int]]:
    """A chain with skipped slots; and which of its blocks we never get (not the first)."""
    slots = sorted(draw(st.sets(st.integers(1, 120), min_size=2, max_size=40)))
    blocks = list(zip(slots, [0, *slots], strict=False))
    lost = draw(st.sets(st.sampled_from(slots[1:])))
    return blocks, lost


@given(chains(), st.randoms(use_true_random=False))
def test_gaps_are_exactly_the_breaks_of_the_parent_chain(
    history: tuple[list[tuple[int, int]], set[int]], luck: object
) -> None:
    blocks, lost = history
    received = [block for block in blocks if block[0] not in lost]
    chain = Chain(patience=1)
    _, missing = closings(chain, [*received, *received])
    # The oracle: a received block whose parent was lost ends a gap that began after
    # the newest block received before it.
    expected = [
        Missing(before[0] + 1, parent)
        for before, (_, parent) in itertools.pairwise(received)
        if parent in lost
    ]
    assert missing == expected


@given(chains(), st.data())
def test_disorder_within_patience_makes_no_gap_and_closes_the_same(
    history: tuple[list[tuple[int, int]], set[int]], data: st.DataObject
) -> None:
    blocks, _ = history
    head, rest = blocks[0], blocks[1:]
    shuffled = []
    while rest:
        window = rest[:4]
        chosen = data.draw(st.sampled_from(window))
        rest.remove(chosen)
        shuffled.append(chosen)
        shuffled += data.draw(st.lists(st.sampled_from(shuffled), max_size=1))
    chain = Chain(patience=64)
    _, missing = closings(chain, [head, *shuffled])
    assert missing == []
    assert chain.closed_slot == blocks[-2][0]
