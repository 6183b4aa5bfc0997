"""Blocks in the order of the chain: what goes on, what breaks, what is asked for again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pw_ingest.core.rpc.follow import (
    CONTRADICTIONS_MAX,
    SAMPLED,
    TOO_FAR,
    TRIES_MAX,
    WALK_MAX,
    Break,
    Follow,
    Following,
    Link,
    Whole,
)
from pw_ingest.core.sequencing.chain import Chain

IN_FLIGHT = 4


def link(slot: int, parent: int | None = None, *, height: int | None = None) -> Link:
    parent = slot - 1 if parent is None else parent
    return Link(slot, parent, f"hash {slot}", f"hash {parent}", height)


def follow(first: int = 10, *, resumes: bool = True) -> Follow:
    return Follow(first, resumes=resumes, window=2 * IN_FLIGHT)


def run(
    one: Follow, chain: dict[int, Link], *, lost: frozenset[int] = frozenset()
) -> list[Following]:
    """Everything that is asked for comes, but what is lost; returns what went on."""
    out: list[Following] = []
    for now_s in range(10_000):
        asked = one.to_ask(float(now_s), IN_FLIGHT)
        for slot in asked:
            if slot in chain and slot not in lost:
                one.got(Whole(chain[slot], []))
            else:
                one.failed(slot, f"no slot {slot}", float(now_s))
        taken = one.take(float(now_s))
        out += taken
        if not asked and not taken and one.next_try_s() is None:
            return out
    raise AssertionError("it never ends")


def slots(found: list[Following]) -> list[int]:
    return [one.link.slot for one in found if isinstance(one, Whole)]


def breaks(found: list[Following]) -> list[Break]:
    return [one for one in found if isinstance(one, Break)]


CHAIN = {slot: link(slot) for slot in range(10, 40)}


def test_blocks_go_on_in_their_order_whatever_order_they_come_in() -> None:
    one = follow()
    one.listed([10, 11, 12])
    assert one.to_ask(0.0, IN_FLIGHT) == [10, 11, 12]
    one.got(Whole(CHAIN[12], []))
    one.got(Whole(CHAIN[11], []))
    assert one.take(0.0) == []
    one.got(Whole(CHAIN[10], []))
    assert slots(one.take(0.0)) == [10, 11, 12]


def test_no_more_is_asked_for_than_may_be_in_flight_or_held() -> None:
    one = follow()
    one.listed(range(10, 40))
    assert one.to_ask(0.0, IN_FLIGHT) == [10, 11, 12, 13]
    for slot in (11, 12, 13):
        one.got(Whole(CHAIN[slot], []))
    assert one.to_ask(0.0, IN_FLIGHT) == [14, 15, 16]
    for slot in (14, 15, 16):
        one.got(Whole(CHAIN[slot], []))
    assert one.to_ask(0.0, IN_FLIGHT) == [17]


def test_a_slot_that_the_chain_passes_over_is_no_break_though_it_was_listed() -> None:
    one = follow()
    chain = CHAIN | {21: link(21, 19)}
    one.listed(range(10, 30))
    found = run(one, chain, lost=frozenset({20}))
    assert breaks(found) == []
    assert slots(found) == [slot for slot in range(10, 30) if slot != 20]


def test_a_block_that_is_not_given_breaks_there_with_the_nodes_words() -> None:
    one = follow()
    one.listed(range(10, 30))
    found = run(one, CHAIN, lost=frozenset({20, 21}))
    assert breaks(found) == [Break("no slot 21")]
    assert found.index(Break("no slot 21")) == 10


def test_a_block_that_is_not_given_is_asked_for_again_with_growing_pauses() -> None:
    one = follow()
    one.listed([10])
    now_s, pauses = 0.0, []
    for _ in range(TRIES_MAX - 1):
        assert one.to_ask(now_s, IN_FLIGHT) == [10]
        one.failed(10, "not yet", now_s)
        again_s = one.next_try_s()
        assert again_s is not None
        assert one.to_ask(again_s - 0.01, IN_FLIGHT) == []
        pauses.append(again_s - now_s)
        now_s = again_s
    assert pauses == sorted(pauses)
    assert one.to_ask(now_s, IN_FLIGHT) == [10]
    one.failed(10, "not yet", now_s)
    assert one.next_try_s() is None


def test_a_limit_counts_as_no_try() -> None:
    one = follow()
    one.listed([10])
    for number in range(3 * TRIES_MAX):
        assert one.to_ask(float(number), IN_FLIGHT) == [10]
        one.limited(10, "slow down", float(number))
    one.to_ask(100.0, IN_FLIGHT)
    one.got(Whole(CHAIN[10], []))
    assert slots(one.take(100.0)) == [10]


def test_what_the_list_leaves_out_is_asked_for_by_its_childs_word() -> None:
    one = follow()
    one.listed([10, 11, 15])
    assert slots(run(one, CHAIN)) == [10, 11, 12, 13, 14, 15]


def test_a_list_that_leaves_out_too_much_is_a_break() -> None:
    one = follow()
    chain = {slot: link(slot) for slot in range(10, 100)}
    one.listed([10, 90, 91])
    found = run(one, chain)
    [found_break] = breaks(found)
    assert "does not list" in found_break.why
    assert slots(found) == [10, *range(90 - WALK_MAX, 92)]


def test_what_contradicts_the_block_before_is_a_break_that_doubts_that_block() -> None:
    for wrong in (
        link(20, 15),
        link(20)._replace(parent_blockhash="another"),
    ):
        one = follow()
        one.listed(range(10, 30))
        found = run(one, CHAIN | {20: wrong})
        [found_break] = breaks(found)
        assert not found_break.is_whole
        assert "contradicts itself at slot 20" in found_break.why
        assert 20 not in slots(found)
        assert slots(found)[-1] == 29


def test_a_contradiction_that_the_node_takes_back_is_none() -> None:
    one = follow()
    one.listed([10, 11])
    one.to_ask(0.0, IN_FLIGHT)
    one.got(Whole(CHAIN[10], []))
    one.got(Whole(link(11)._replace(parent_blockhash="another"), []))
    assert slots(one.take(0.0)) == [10]
    assert one.to_ask(10.0, IN_FLIGHT) == [11]
    one.got(Whole(CHAIN[11], []))
    assert slots(one.take(10.0)) == [11]
    assert CONTRADICTIONS_MAX == 2


def test_a_height_that_does_not_grow_by_one_is_a_contradiction() -> None:
    one = follow()
    chain = {slot: link(slot, height=slot) for slot in range(10, 30)}
    one.listed(range(10, 30))
    found = run(one, chain | {20: link(20, height=25)})
    assert [one.is_whole for one in breaks(found)] == [False]


def test_the_next_stream_must_go_on_with_the_same_blocks() -> None:
    before = follow()
    before.listed(range(10, 20))
    run(before, CHAIN)
    again = Follow(18, resumes=True, window=8, hashes=before.hashes)
    again.listed(range(18, 22))
    found = run(again, CHAIN | {18: link(18)._replace(parent_blockhash="another")})
    assert 18 not in slots(found)
    assert not breaks(found)[0].is_whole


def test_what_is_left_out_breaks_as_sampled_and_counts_as_not_seen() -> None:
    one = follow()
    chain = {slot: link(slot, height=slot) for slot in range(10, 60)}
    one.listed(range(10, 20))
    found = run(one, chain)
    one.listed(range(20, 60))
    assert one.leave_out(keep=2) == 38
    found += run(one, chain)
    assert breaks(found) == [Break(SAMPLED)]
    assert slots(found) == [*range(10, 20), 58, 59]
    assert one.share.permille == 1000 * 12 // 50
    assert one.share.left_out == 38


def test_what_was_asked_for_is_not_left_out() -> None:
    one = follow()
    one.listed(range(10, 40))
    asked = one.to_ask(0.0, IN_FLIGHT)
    one.leave_out(keep=1)
    for slot in asked:
        one.got(Whole(CHAIN[slot], []))
    assert slots(one.take(0.0)) == asked


def judged(found: list[Following]) -> tuple[int, set[int], set[int]]:
    """What the chain that makes gaps closes of it, what is missing, and what is there."""
    model = Chain()
    model.resume(9, is_break=False)
    closed = 9
    missing: set[int] = set()
    here: set[int] = set()
    for item in found:
        if isinstance(item, Break):
            if item.is_whole:
                model.skip()
            else:
                model.resume(model.closed_slot or 9, is_break=True)
            continue
        step = model.block(item.link.slot, item.link.parent_slot)
        here.add(item.link.slot)
        closed = max(closed, step.closed_slot or 0)
        if step.missing:
            missing |= set(range(step.missing.first_slot, step.missing.last_slot + 1))
    return closed, missing, here


def made(skipped: set[int]) -> dict[int, Link]:
    """A chain whose blocks name the ones before, skipped slots left out."""
    produced = [slot for slot in range(10, 60) if slot not in skipped]
    return {
        slot: link(slot, parent) for parent, slot in zip([9, *produced], produced, strict=False)
    }


SLOTS = st.sets(st.integers(11, 58))


@given(skipped=SLOTS, lost=SLOTS, unlisted=SLOTS, keep=st.none() | st.integers(0, 60))
def test_no_slot_that_did_not_come_is_ever_claimed_as_complete(
    skipped: set[int], lost: set[int], unlisted: set[int], keep: int | None
) -> None:
    chain = made(skipped)
    one = follow()
    one.listed(slot for slot in chain if slot not in unlisted)
    if keep is not None:
        one.leave_out(keep)
    closed, missing, here = judged(run(one, chain, lost=frozenset(lost)))
    for slot in range(10, closed + 1):
        assert slot in here or slot in missing or slot in skipped
    assert not missing & here


@given(skipped=SLOTS, wrong=SLOTS, by=st.integers(1, 5))
def test_a_block_that_contradicts_its_neighbours_is_never_claimed_as_complete(
    skipped: set[int], wrong: set[int], by: int
) -> None:
    chain = made(skipped)
    claimed = {
        slot: one._replace(parent_slot=max(0, one.parent_slot - by)) if slot in wrong else one
        for slot, one in chain.items()
    }
    one = follow()
    one.listed(chain)
    closed, missing, here = judged(run(one, claimed))
    for slot in range(10, closed + 1):
        assert slot in here or slot in missing or slot in skipped


def test_a_block_that_is_held_is_no_reason_to_look_again() -> None:
    one = follow()
    one.listed([10, 11])
    assert one.to_ask(0.0, IN_FLIGHT) == [10, 11]
    one.failed(11, "not yet", 0.0)
    assert one.next_try_s() is not None
    assert one.to_ask(1.0, IN_FLIGHT) == [11]
    one.got(Whole(CHAIN[11], []))
    # 10 is still under way: nothing is to be done before it comes.
    assert one.take(1.0) == []
    assert one.next_try_s() is None


def test_what_is_given_up_for_being_too_far_behind_counts_as_not_seen() -> None:
    one = follow(10)
    one.begin_later(19_000, TOO_FAR)
    one.listed([19_001])
    found = run(one, {19_001: link(19_001)})
    assert [one.why for one in breaks(found)] == [TOO_FAR]
    assert one.share.left_out == 18_991
    assert one.share.permille is not None
    assert one.share.permille < 10


def test_a_block_that_alone_is_limited_is_given_up_and_the_rest_goes_on() -> None:
    one = follow()
    one.listed([10, 11, 12])
    found: list[Following] = []
    for number in range(100):
        for slot in one.to_ask(float(number), IN_FLIGHT):
            if slot == 11:
                one.limited(11, "HTTP 429", float(number))
            else:
                one.got(Whole(CHAIN[slot], []))
        # Lists are answered all the time.
        one.answered()
        found += one.take(float(number))
    assert slots(found) == [10, 12]
    assert [one.why for one in breaks(found)] == ["HTTP 429"]
