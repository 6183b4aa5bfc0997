from __future__ import annotations

import random
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.envelope import Identity
from pw_ingest.core.sequencing.batcher import PREFIX_BYTES_MAX, Batcher, Cut
from pw_ingest.core.sequencing.frontier import Frontier
from pw_ingest.core.sequencing.resume import NOT_SUPPORTED, WINDOW_EXCEEDED, Plan, after_end
from pw_ingest.core.subscription.programs import (
    TOKEN_PROGRAM_IDS,
    BadPrograms,
    is_address,
    read_programs,
    subscription,
)

PACKAGED = read_programs(files("pw_ingest").joinpath("programs.yaml").read_text("utf-8"))


@given(st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=200))
def test_batches_hold_every_update_in_order_within_their_bounds(
    sizes: list[tuple[int, bool]],
) -> None:
    batcher = Batcher(updates_max=5, raw_bytes_max=1000)
    updates = [
        position.to_bytes(4, "big") + bytes(size) for position, (size, _) in enumerate(sizes)
    ]
    cuts: list[Cut] = []
    for update, (_, ends_slot) in zip(updates, sizes, strict=True):
        added = batcher.add(update, Identity("tx", 1, update[:4]), 0.0, ends_slot=ends_slot)
        cuts += added
        if ends_slot:
            assert added[-1].updates[-1] is update
    cuts += filter(None, [batcher.flush()])
    assert [update for cut in cuts for update in cut.updates] == updates
    for cut in cuts:
        assert 1 <= len(cut.updates) <= 5
        assert [identity.key for identity in cut.identities] == [u[:4] for u in cut.updates]
        raw_bytes = sum(len(update) + PREFIX_BYTES_MAX for update in cut.updates)
        assert raw_bytes <= 1000 or len(cut.updates) == 1


def test_a_partly_filled_batch_is_due_after_the_linger_of_its_first_update() -> None:
    batcher = Batcher(linger_s=0.025)
    batcher.add(b"a", Identity("tx", 1, b"a"), 1.0, ends_slot=False)
    batcher.add(b"b", Identity("tx", 1, b"b"), 1.02, ends_slot=False)
    assert batcher.due(1.02) is None
    cut = batcher.due(1.026)
    assert cut is not None
    assert cut.updates == [b"a", b"b"]
    assert batcher.due(9.0) is None


@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_frontier_is_the_newest_slot_whose_messages_are_all_stored(
    slots: int, luck: random.Random
) -> None:
    frontier = Frontier()
    through: dict[int, int] = {}
    for slot in range(1, slots + 1):
        for _ in range(luck.randint(0, 3)):
            frontier.sent()
        frontier.closed(slot)
        through[slot] = frontier.sent_last
    numbers = list(range(1, frontier.sent_last + 1))
    luck.shuffle(numbers)
    stored: set[int] = set()
    for number in numbers:
        frontier.stored(number)
        stored.add(number)
        true = [s for s, last in through.items() if set(range(1, last + 1)) <= stored]
        assert frontier.slot == max(true, default=0)


def test_the_packaged_programs_are_asked_for_without_votes_and_failures() -> None:
    request = subscription(mode="", programs=PACKAGED, commitment="confirmed")
    (transactions,) = request.transactions.values()
    assert len(transactions.account_include) == 16
    assert (transactions.vote, transactions.failed) == (False, False)
    assert transactions.HasField("vote")
    assert transactions.HasField("failed")
    assert len(request.slots) == len(request.blocks_meta) == 1


def test_a_source_with_few_accounts_a_filter_gets_several_filters() -> None:
    request = subscription(mode="", programs=PACKAGED, commitment="confirmed", accounts_max=10)
    asked = [list(one.account_include) for one in request.transactions.values()]
    assert sorted(len(ids) for ids in asked) == [6, 10]
    assert {key for ids in asked for key in ids} == {program.id for program in PACKAGED}


def test_all_restricts_nothing_and_all_non_vote_only_votes() -> None:
    everything = subscription(mode="all", programs=(), commitment="finalized")
    assert not everything.transactions["pw-tx-0"].HasField("vote")
    non_vote = subscription(mode="all-non-vote", programs=(), commitment="processed")
    assert not non_vote.transactions["pw-tx-0"].vote
    assert not non_vote.transactions["pw-tx-0"].HasField("failed")
    assert (everything.commitment, non_vote.commitment) == (2, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "missing or empty"),
        ("programs: []", "missing or empty"),
        ("programs: [7]", "entry 1"),
        ("programs: [{name: a, id: 0OIl}]", "not a base58 address"),
        ("programs: [", "not YAML"),
        (f"programs: [{{name: a, id: {TOKEN_PROGRAM_IDS[0]}, ids: b}}]", "'ids': no such field"),
        (f"program: 1\nprograms: [{{name: a, id: {TOKEN_PROGRAM_IDS[0]}}}]", "are: programs"),
    ],
)
def test_a_wrong_list_of_programs_is_named(text: str, why: str) -> None:
    with pytest.raises(BadPrograms, match=why):
        read_programs(text)


@given(st.text(max_size=50))
def test_any_text_is_an_address_or_not(text: str) -> None:
    assert is_address(text) in {True, False}
    assert is_address("1" * 32)


def plan(code: str, details: str = "", *, refusals: int = 1, first: int | None = None) -> Plan:
    return after_end(
        resume_from=50,
        refused_at=50,
        refusals=refusals,
        code=code,
        details=details,
        first_available=first,
    )


def test_a_refused_resume_goes_on_where_the_source_can() -> None:
    assert plan("OUT_OF_RANGE", first=80) == Plan(80, why=WINDOW_EXCEEDED)
    assert plan("OUT_OF_RANGE") == Plan(None, is_live=True, why=WINDOW_EXCEEDED)
    assert plan("INTERNAL", NOT_SUPPORTED) == Plan(None, is_live=True, why=NOT_SUPPORTED)
    assert plan("INTERNAL", refusals=2) == Plan(50)
    assert plan("INTERNAL", refusals=3).is_live


@pytest.mark.parametrize(
    ("resume_from", "refused_at"),
    [(130, 50), (50, 80)],
    ids=["more was stored while the source refused", "the source named a later slot"],
)
def test_after_a_refusal_the_later_of_what_is_needed_and_what_was_asked_is_asked_for(
    resume_from: int, refused_at: int
) -> None:
    following = after_end(
        resume_from=resume_from,
        refused_at=refused_at,
        refusals=1,
        code="UNAVAILABLE",
        details="",
        first_available=None,
    )
    assert following == Plan(max(resume_from, refused_at))


@pytest.mark.parametrize(
    "details", ["lagged to send an update", "lagged to receive geyser messages"]
)
def test_being_found_slow_before_the_first_update_never_costs_the_checkpoint(details: str) -> None:
    assert plan("INTERNAL", details, refusals=1000) == Plan(50)


def test_an_endpoint_that_is_away_never_costs_the_checkpoint() -> None:
    assert plan("UNAVAILABLE", refusals=1000) == Plan(50)
    assert plan("OK", refusals=1000) == Plan(50)
