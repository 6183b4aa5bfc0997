"""What names the followed addresses, from pages of a node's lists; and the blocks made of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pw_common.wire.coverage import (
    PROGRAMS,
    SUCCESSFUL,
    base,
    followed,
    is_known,
    narrowest,
    sees_every_venue,
    transfer_coverage,
)
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.rpc.follow import Break
from pw_ingest.core.rpc.followed import PAGES_MAX, Block, Found, Span, blocks, concerns
from pw_rpc.core.answers import NAMED_MAX, Named


def named(slots: list[int]) -> list[Named]:
    """One transaction for each of these slots, the newest first."""
    count = len(slots)
    return [Named(f"s{count - at}", slot) for at, slot in enumerate(sorted(slots, reverse=True))]


def collect(every: list[Named], span: Span, *, page: int = NAMED_MAX) -> Found:
    """As a source asks: page after page, until nothing more is wanted."""
    found = Found(span, with_failed=False)
    at, pages = 0, 0
    while True:
        pages += 1
        some = every[at : at + page]
        before = found.page("who", some, pages)
        if not before:
            return found
        at = 1 + next(i for i, one in enumerate(every) if one.signature == before)


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(0, 60), st.integers(0, 60))
def test_exactly_what_lies_in_the_span_is_taken(slots: list[int], after: int, until: int) -> None:
    every = named(slots)
    found = collect(every, Span(after, until)).by_slot()
    wanted: dict[int, list[str]] = {}
    for one in reversed(every):
        if after < one.slot <= until:
            wanted.setdefault(one.slot, []).append(one.signature)
    assert found == wanted
    assert list(found) == sorted(found)


def test_a_node_with_shorter_pages_is_asked_for_all_of_them() -> None:
    every = named(list(range(1, 20)))
    assert len(collect(every, Span(4, 30), page=3).by_slot()) == 15


def test_a_list_of_many_pages_is_taken_whole() -> None:
    every = named([1 + at // 3 for at in range(3 * NAMED_MAX)])
    found = collect(every, Span(0, 10_000))
    assert sum(map(len, found.by_slot().values())) == 3 * NAMED_MAX
    assert (found.why, found.floor_slot) == ("", 0)


def test_more_than_is_followed_is_left_out_from_the_oldest_and_said() -> None:
    count = (PAGES_MAX + 2) * NAMED_MAX
    every = named([1 + at // 2 for at in range(count)])
    found = collect(every, Span(0, count))
    taken = found.by_slot()
    assert "more transactions name who" in found.why
    # Of every slot that is taken, all is there.
    assert min(taken) == found.floor_slot + 1
    assert all(len(one) == 2 for one in taken.values())


def test_failed_transactions_are_taken_where_they_are_asked_for() -> None:
    every = [Named("bad", 7, err=b'{"InstructionError":[0,"Custom"]}'), Named("good", 6)]  # type: ignore[arg-type]
    for with_failed, wanted in ((False, {6: ["good"]}), (True, {6: ["good"], 7: ["bad"]})):
        found = Found(Span(0, 9), with_failed=with_failed)
        assert found.page("who", every, 1) == "good"
        assert found.by_slot() == wanted


def metas(out: list[list[bytes | Break]]) -> list[tuple[int, int, int]]:
    found = []
    for some in out:
        for one in some:
            if isinstance(one, bytes) and one.startswith(b"tx"):
                continue
            if isinstance(one, Break):
                found.append((-1, -1, -1))
                continue
            meta = pb.SubscribeUpdate.FromString(one).block_meta
            found.append((meta.slot, meta.parent_slot, meta.block_time.timestamp))
    return found


def test_each_blocks_parent_is_the_one_listed_before_it() -> None:
    of = {12: Block([b"tx"], 1_700_000_000)}
    out = list(blocks([10, 12, 13], 8, of))
    assert metas(out) == [(10, 8, 0), (12, 10, 1_700_000_000), (13, 12, 0)]
    assert out[1][0] == b"tx"


def test_a_slot_of_which_something_is_lost_has_no_block_and_the_next_one_names_it() -> None:
    of = {12: Block([b"tx"], None, "the node does not have it")}
    out = list(blocks([10, 12, 13], 8, of))
    assert metas(out) == [(10, 8, 0), (-1, -1, -1), (13, 12, 0)]
    assert out[1] == [Break("the node does not have it")]


def test_a_filter_of_addresses_is_named_by_them_and_claims_least() -> None:
    name = followed(["b", "a", "b"])
    assert name == followed(["a", "b"]) != followed(["a"])
    assert (base(name), is_known(name)) == ("followed", True)
    assert narrowest([SUCCESSFUL, name, PROGRAMS]) == name
    assert not sees_every_venue(name)
    assert transfer_coverage(name) == "none"


def transaction(*keys: bytes, loaded: bytes = b"", failed: bool = False) -> bytes:
    update = pb.SubscribeUpdate()
    info = update.transaction.transaction
    info.transaction.signatures.append(bytes(64))
    info.transaction.message.account_keys.extend(keys)
    if loaded:
        info.meta.loaded_readonly_addresses.append(loaded)
    if failed:
        info.meta.err.err = b"\x01"
    return update.SerializeToString()


def test_what_a_list_names_must_name_the_address_and_have_done_what_the_list_says() -> None:
    who, other = bytes(range(32)), bytes(range(1, 33))
    addresses = [str(Pubkey(who))]
    assert not concerns(transaction(other, who), addresses, with_failed=False)
    assert not concerns(transaction(other, loaded=who), addresses, with_failed=False)
    assert "names none" in concerns(transaction(other), addresses, with_failed=False)
    failed = transaction(who, failed=True)
    assert "it failed" in concerns(failed, addresses, with_failed=False)
    assert not concerns(failed, addresses, with_failed=True)
