"""A source that nothing is known of, and one that is known too well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.envelope import Identity
from pw_ingest.core.endpoints.opening import HELD_BYTES_MAX, HOLD_S, Opening
from pw_ingest.core.endpoints.plausible import Anchor, Refusal
from pw_ingest.core.endpoints.refusals import SAID_S, Refusals
from pw_ingest.core.endpoints.standing import (
    LEFT_FIRST_S,
    LEFT_MAX_S,
    STRIKES_MAX,
    STRIKES_S,
    Standing,
)
from pw_ingest.core.sequencing.identity import META, TX, Seen
from pw_ingest.core.sequencing.resume import TooLarge

NOW_MS = 1_795_000_000_000


def meta(slot: int, parent: int, time_s: int | None = None) -> Seen:
    return Seen(Identity(META, slot, b""), 0, False, parent, time_s)


def transaction(slot: int) -> Seen:
    return Seen(Identity(TX, slot, b""), 0, False, 0)


@given(st.permutations(range(6)), st.integers(1, 2))
def test_three_linked_blocks_outweigh_any_lie_that_stands_alone(
    order: list[int], lies: int
) -> None:
    opening = Opening()
    truth = [meta(100 + number, 99 + number, 1_700_000_000 + number) for number in range(3)]
    false = [meta(10**6 * number, 99, 1_700_000_000) for number in range(1, 1 + lies)]
    # Honest blocks come in order; lies stand anywhere between.
    at = set(order[:lies])
    for position in range(6):
        if position in at and false:
            opening.add(b"f", false.pop(), 0.0)
        elif truth:
            opening.add(b"t", truth.pop(0), 0.0)
    assert opening.is_due(0.0)
    assert opening.anchor(NOW_MS) == Anchor(102, 1_700_000_002_000)


def test_blocks_whose_times_do_not_grow_with_their_slots_are_no_chain() -> None:
    opening = Opening()
    for slot, time_s in ((1, 1_700_000_000), (2, 1_700_100_000), (3, 1_700_200_000)):
        opening.add(b"", meta(slot, slot - 1, time_s), 0.0)
    assert not opening.is_due(0.0)


def test_without_a_chain_the_middle_of_what_came_is_believed_after_a_while() -> None:
    opening = Opening()
    for slot in (10**9, 100, 101, 101, 102):
        opening.add(b"x", transaction(slot), 5.0)
    assert not opening.is_due(5.0 + HOLD_S / 2)
    assert opening.is_due(5.0 + HOLD_S)
    assert opening.anchor(NOW_MS) == Anchor(101, NOW_MS, stated=False)


def test_what_is_held_is_bounded_and_given_back_in_order() -> None:
    opening = Opening()
    for slot in range(33):
        opening.add(bytes(1024 * 1024), transaction(slot), 0.0)
    assert opening.is_due(0.0)
    assert HELD_BYTES_MAX == 32 * 1024 * 1024
    assert [one.seen.identity.slot for one in opening.release()] == list(range(33))
    assert opening.is_empty
    assert not opening.is_due(100.0)


def test_an_endpoint_is_a_liar_only_after_several_refusals_in_a_short_time() -> None:
    standing = Standing()
    for number in range(STRIKES_MAX * 3):
        standing.refused(number * STRIKES_S / 2)
    assert not standing.is_liar(STRIKES_MAX * 3 * STRIKES_S)
    for _ in range(STRIKES_MAX):
        standing.refused(10_000.0)
    assert standing.is_liar(10_000.0)


def test_an_endpoint_that_lies_again_is_left_for_longer_each_time_up_to_a_bound() -> None:
    standing = Standing()
    now_s, pauses = 1_000.0, []
    for _ in range(8):
        for _ in range(STRIKES_MAX):
            standing.refused(now_s)
        standing.leave(now_s)
        until_s = now_s
        while standing.is_left(until_s):
            until_s += 1.0
        pauses.append(until_s - now_s)
        now_s = until_s
    assert pauses[0] == LEFT_FIRST_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LEFT_MAX_S


def test_a_refusal_is_said_for_a_minute_and_counted_for_ever() -> None:
    refusals = Refusals()
    assert refusals.said(0.0) == ""
    assert refusals.note(Refusal("slot_ahead", "slot 9"), 5.0)
    assert not refusals.note(Refusal("slot_ahead", "slot 10"), 6.0)
    assert "slot 10" in refusals.said(6.0)
    assert refusals.said(6.1 + SAID_S) == ""
    assert refusals.total == 2


@pytest.mark.parametrize(
    ("ends", "blocked"),
    [
        ([(5, True), (5, True), (5, True)], True),
        ([(5, True), (5, True)], False),
        ([(5, True), (6, True), (7, True)], False),
        ([(5, True), (5, True), (5, False), (5, True)], False),
    ],
    ids=["nothing moves", "not yet", "it goes on", "another end between"],
)
def test_an_update_too_large_blocks_only_where_nothing_else_moves(
    ends: list[tuple[int, bool]], blocked: bool
) -> None:
    too_large = TooLarge()
    for at, large in ends:
        too_large.note(5, at, is_too_large=large)
    assert too_large.blocks == blocked
