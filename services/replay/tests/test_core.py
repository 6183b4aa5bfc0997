"""The pure parts of the replay server: what an update is, who wants it, when, and at which slot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.signature import Signature

from pw_geyser import geyser_pb2 as pb
from pw_geyser import shallow_pb2
from pw_replay.core.faults import BadPlan, parse_plan
from pw_replay.core.filters import BadFilter, compile_filter, is_ping_only
from pw_replay.core.items import NS, Item, read_item, to_wire
from pw_replay.core.pace import BadRate, Schedule, parse_rate
from pw_replay.core.shift import shift_of
from pw_replay.core.window import NotAvailable, Window
from pw_replay.market import generate

KEYS = [bytes([number]) * 32 for number in range(6)]


def transaction(
    keys: list[int], loaded: list[int], *, vote: bool = False, failed: bool = False, slot: int = 5
) -> pb.SubscribeUpdate:
    update = pb.SubscribeUpdate(filters=["old"])
    update.created_at.seconds = 9
    update.transaction.slot = slot
    info = update.transaction.transaction
    info.signature = b"s" * 64
    info.is_vote = vote
    info.transaction.signatures.append(b"s" * 64)
    info.transaction.message.account_keys.extend(KEYS[key] for key in keys)
    info.meta.loaded_writable_addresses.extend(KEYS[key] for key in loaded)
    if failed:
        info.meta.err.err = b"\x01"
    return update


def address(key: int) -> str:
    return str(Pubkey(KEYS[key]))


def request(**fields: object) -> pb.SubscribeRequest:
    one = pb.SubscribeRequest()
    one.transactions["all"].CopyFrom(pb.SubscribeRequestFilterTransactions(**fields))  # type: ignore[arg-type]
    return one


some_keys = st.lists(st.integers(0, 5), max_size=3)
maybe = st.sampled_from([None, True, False])


@given(some_keys, some_keys, some_keys, some_keys, some_keys, maybe, maybe, st.booleans())
def test_a_filter_wants_exactly_what_its_rules_say(
    keys: list[int],
    loaded: list[int],
    include: list[int],
    exclude: list[int],
    required: list[int],
    vote: bool | None,
    failed: bool | None,
    is_vote: bool,
) -> None:
    item = read_item(transaction(keys, loaded, vote=is_vote).SerializeToString())
    wanted = compile_filter(
        request(
            vote=vote,
            failed=failed,
            account_include=[address(k) for k in include],
            account_exclude=[address(k) for k in exclude],
            account_required=[address(k) for k in required],
        )
    )
    touched = {*keys, *loaded}
    expected = (
        (vote is None or vote == is_vote)
        and failed is not True
        and (not include or bool(touched & set(include)))
        and not touched & set(exclude)
        and set(required) <= touched
    )
    assert bool(wanted.names(item)) == expected


def test_several_filters_give_all_their_names_and_failures_are_seen() -> None:
    one = pb.SubscribeRequest()
    one.transactions["failed"].failed = True
    one.transactions["good"].failed = False
    one.transactions["any"].SetInParent()
    item = read_item(transaction([0], [], failed=True).SerializeToString())
    assert compile_filter(one).names(item) == ("any", "failed")


def test_a_filter_out_of_bounds_is_refused_with_its_name() -> None:
    with pytest.raises(BadFilter, match="'all': 'x' in account_include is not an address"):
        compile_filter(request(account_include=["x"]))
    with pytest.raises(BadFilter, match="'x' is not a signature"):
        compile_filter(request(signature="x"))
    with pytest.raises(BadFilter, match="1001 in account_include, at most 1000"):
        compile_filter(request(account_include=[address(0)] * 1001))
    long = pb.SubscribeRequest()
    long.slots["n" * 129].SetInParent()
    with pytest.raises(BadFilter, match="129 characters, max 128"):
        compile_filter(long)


def test_slot_filters_know_commitment_and_interslot_updates() -> None:
    one = pb.SubscribeRequest(commitment=pb.CommitmentLevel.CONFIRMED)
    one.slots["mine"].filter_by_commitment = True
    one.slots["every"].interslot_updates = True
    wanted = compile_filter(one)
    names = {status: wanted.names(Item("slot", 1, b"", 0, status=status)) for status in range(7)}
    assert names[1] == ("every", "mine")
    assert names[0] == names[2] == names[3] == ("every",)


def test_a_ping_alone_is_no_new_filter() -> None:
    assert is_ping_only(pb.SubscribeRequest(ping=pb.SubscribeRequestPing(id=1)))
    with_filter = request()
    with_filter.ping.id = 1
    assert not is_ping_only(with_filter)
    assert not is_ping_only(pb.SubscribeRequest())


@given(st.lists(st.text(max_size=8), max_size=3), st.integers(1, 2**40), some_keys)
def test_only_filters_and_clock_change_on_the_wire(
    names: list[str], created_ns: int, keys: list[int]
) -> None:
    original = transaction(keys, [])
    sent = pb.SubscribeUpdate.FromString(
        to_wire(read_item(original.SerializeToString()), tuple(names), created_ns)
    )
    assert list(sent.filters) == names
    assert sent.created_at.seconds * NS + sent.created_at.nanos == created_ns
    for one in (original, sent):
        one.ClearField("filters")
        one.ClearField("created_at")
    assert sent == original


@given(st.binary(max_size=200))
def test_noise_is_an_item_of_its_own_kind_and_never_an_error(noise: bytes) -> None:
    item = read_item(noise)
    assert item.kind in {"tx", "slot", "meta", "other"}
    shift_of(1, 5, 9).apply(item)


def test_pass_0_is_the_capture_and_later_passes_are_consistent() -> None:
    updates = [read_item(one) for one in generate(seed=2, minutes=0.02, tps=100.0)]
    slots = [one.slot for one in updates]
    none, one, two = (shift_of(number, min(slots), max(slots)) for number in range(3))
    assert [none.apply(item) for item in updates] == updates
    passes = [[shift.apply(item) for item in updates] for shift in (none, one, two)]
    signatures = [item.signature for items in passes for item in items if item.kind == "tx"]
    assert len(set(signatures)) == len(signatures)
    chain = [item for items in passes for item in items if item.kind == "meta"]
    assert [item.slot for item in chain] == sorted({item.slot for item in chain})
    clocks = [item.block_time_s for item in chain]
    assert clocks == sorted(clocks)
    for items in passes[1:]:
        parents = {m.slot: m.parent_slot for m in items if m.kind == "meta"}
        inside = [slot for slot in parents.values() if slot >= min(parents)]
        assert set(inside) <= set(parents)
        for item in items:
            update = pb.SubscribeUpdate.FromString(item.rest)
            if item.kind == "tx":
                info = update.transaction.transaction
                assert info.signature == info.transaction.signatures[0] == item.signature
                assert update.transaction.slot == item.slot


def test_block_hashes_stay_linked_in_a_shifted_pass() -> None:
    updates = [read_item(one) for one in generate(seed=2, minutes=0.02, tps=20.0)]
    slots = [one.slot for one in updates]
    shift = shift_of(3, min(slots), max(slots))
    metas = [
        pb.SubscribeUpdate.FromString(shift.apply(item).rest).block_meta
        for item in updates
        if item.kind == "meta"
    ]
    for before, after in zip(metas, metas[1:], strict=False):
        assert after.parent_blockhash == before.blockhash
        assert after.parent_slot == before.slot


def tx_at(created_ns: int) -> Item:
    return Item("tx", 1, b"", created_ns)


def test_recorded_pace_keeps_distances_and_shortens_pauses() -> None:
    schedule = Schedule(parse_rate("recorded"))
    at = [NS, 2 * NS, 100 * NS, 100 * NS - 5, 101 * NS]
    assert [schedule.due_ns(tx_at(one)) for one in at] == [0, NS, 3 * NS, 3 * NS, 4 * NS + 5]
    faster = Schedule(parse_rate("10x"))
    assert [faster.due_ns(tx_at(one)) for one in at[:2]] == [0, NS // 10]


def test_a_fixed_rate_counts_transactions_and_max_never_waits() -> None:
    schedule = Schedule(parse_rate("4"))
    kinds = ["tx", "meta", "tx", "tx"]
    due = [schedule.due_ns(Item(kind, 1, b"", 0)) for kind in kinds]
    assert due == [0, NS // 4, NS // 4, NS // 2]
    assert schedule.stamps
    assert Schedule(parse_rate("max")).due_ns(tx_at(NS)) is None


@pytest.mark.parametrize("text", ["", "fast", "0", "-3", "0x", "nan", "inf"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRate, match="allowed"):
        parse_rate(text)


def test_a_signature_filter_wants_that_transaction_only() -> None:
    item = read_item(transaction([0], []).SerializeToString())
    assert compile_filter(request(signature=str(Signature(b"s" * 64)))).names(item)
    assert not compile_filter(request(signature=str(Signature(b"t" * 64)))).names(item)


def broken_inside() -> bytes:
    """A transaction whose slot and signature can be read, and nothing below."""
    update = shallow_pb2.Update()
    update.transaction.slot = 5
    update.transaction.info.signature = b"s" * 64
    update.transaction.info.transaction = b"\xff\xff"
    return update.SerializeToString()


def test_garbage_inside_a_transaction_is_sent_to_whoever_does_not_look_inside() -> None:
    item = read_item(broken_inside())
    assert item.kind == "tx"
    assert compile_filter(request()).names(item) == ("all",)
    assert not compile_filter(request(account_include=[address(0)])).names(item)
    assert not compile_filter(request(failed=False)).names(item)
    moved = shift_of(1, 5, 9).apply(item)
    again = shallow_pb2.Update.FromString(moved.rest)
    assert again.transaction.slot == moved.slot == 10
    assert again.transaction.info.signature == moved.signature != b"s" * 64
    assert again.transaction.info.transaction == b"\xff\xff"


def test_a_slot_update_that_is_garbage_is_no_slot_update() -> None:
    assert read_item(b"\x1a\x01\xff").kind == "other"


@given(some_keys, some_keys, st.booleans(), st.integers(1, 5))
def test_a_shifted_transaction_differs_in_slot_and_signatures_only(
    keys: list[int], loaded: list[int], failed: bool, number: int
) -> None:
    original = transaction(keys, loaded, failed=failed)
    original.transaction.transaction.transaction.signatures.append(b"u" * 64)
    item = read_item(original.SerializeToString())
    moved = pb.SubscribeUpdate.FromString(shift_of(number, 5, 9).apply(item).rest)
    info = moved.transaction.transaction
    assert len({info.signature, *info.transaction.signatures, b"s" * 64, b"u" * 64}) == 4
    assert info.signature == info.transaction.signatures[0]
    moved.transaction.slot = original.transaction.slot
    info.signature = b"s" * 64
    info.transaction.signatures[:] = [b"s" * 64, b"u" * 64]
    assert moved == pb.SubscribeUpdate.FromString(item.rest)


def test_passes_over_captures_of_different_years_do_not_overlap_in_time() -> None:
    shift = shift_of(1, 100, 200, first_s=1_000_000, last_s=2_000_000)
    assert 1_000_000 + shift.seconds > 2_000_000
    assert shift_of(1, 0, 9).seconds == 4


def test_what_was_played_before_a_boundary_can_be_had_after_it() -> None:
    window = Window(slots_max=3)
    for slot in (10, 11):
        window.add(Item("tx", slot, b"", 0))
    window.add(Item("tx", 7, b"", 0, discontinuity=True))
    assert [item.slot for item in window.since(11)] == [11, 7]
    for slot in (8, 9):
        window.add(Item("tx", slot, b"", 0))
    assert [item.slot for item in window.since(8)] == [8, 9]
    assert window.first_available == 7


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 30))
def test_the_window_leaves_no_gap_or_says_so(steps: list[int], slots_max: int, wanted: int) -> None:
    window = Window(slots_max)
    played = [Item("tx", slot, b"", 0) for slot in steps]
    for item in played:
        window.add(item)
    try:
        found = window.since(wanted)
    except NotAvailable:
        return
    given = {id(item) for item in found}
    assert all(id(item) in given for item in played if item.slot >= wanted)


def test_the_window_is_bounded_by_bytes_too() -> None:
    window = Window(slots_max=100, bytes_max=10)
    for slot in range(1, 9):
        window.add(Item("tx", slot, b"four", 0))
    assert window.first_available == 7


def test_the_window_gives_everything_since_a_slot_or_says_what_it_has() -> None:
    window = Window(slots_max=3)
    for slot in range(10, 20):
        window.add(Item("tx", slot, b"", 0))
        window.add(Item("meta", slot, b"", 0))
    assert window.first_available == 17
    assert [(i.kind, i.slot) for i in window.since(19)] == [("tx", 19), ("meta", 19)]
    with pytest.raises(
        NotAvailable, match="broadcast from 16 is not available, last available: 17"
    ):
        window.since(16)


def test_a_fault_plan_is_read_or_refused() -> None:
    plan = parse_plan("drop_after=5, skip_slots=7-9,duplicate_every=2")
    assert (plan.drop_after, plan.duplicate_every) == (5, 2)
    assert [plan.skips(slot) for slot in (6, 7, 9, 10)] == [False, True, True, False]
    for bad in ("drop_after=x", "explode=1", "skip_slots=7"):
        with pytest.raises(BadPlan, match="allowed"):
            parse_plan(bad)
