"""Whoever answers what, an endpoint that has what is needed is asked, and nothing is skipped."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pw_ingest.core.endpoints.standby import SILENT_MAX
from pw_ingest.core.endpoints.succession import (
    DENIED,
    AskWindows,
    End,
    Facts,
    Kind,
    Next,
    Succession,
    Wait,
)
from pw_ingest.core.sequencing.resume import OUT_OF_RANGE, PASSING, REFUSALS_MAX, Plan

CODES = ["OK", "UNAVAILABLE", "INTERNAL", "UNIMPLEMENTED", OUT_OF_RANGE, *sorted(DENIED)]
# How an endpoint answers a stream: a code, and whether an update came before.
ANSWERS = st.tuples(st.sampled_from(CODES), st.integers(0, 3).map(lambda n: n == 0))
NEEDED = 1_000


@dataclass
class Line:
    """Stream after stream as the shell does it, and what a naive reader notes of it."""

    succession: Succession
    endpoint: int = 0
    plan: Plan = field(default_factory=lambda: Plan(NEEDED))
    needed: int = NEEDED
    standing: frozenset[int] = frozenset()
    # Since anything came or the session broke: who said that it cannot give it, and who was away.
    refused: set[int] = field(default_factory=set)
    away: dict[int, int] = field(default_factory=dict)
    in_a_row: int = 0
    denied: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)
    gave_up: bool = False

    def turn(self, code: str, *, received: bool, window: int | None, endpoints: int) -> Kind | None:
        endpoint = self.endpoint
        self.asked.append(endpoint)
        end = End(endpoint, self.plan.from_slot, received, code, "", self.needed)
        self.note(end)
        waits = self.succession.ended(end)
        assert self.succession.denied == self.denied
        if waits is Wait.GIVE_UP:
            assert len(self.denied) == endpoints
            self.gave_up = True
            return None
        assert len(self.denied) < endpoints
        assert (waits is Wait.NONE) == (code in DENIED)
        if received:
            self.needed += 1
        first = window if self.succession.wants_window(end) else None
        following = self.succession.next(end, Facts(self.needed, self.standing), first)
        if isinstance(following, AskWindows):
            assert endpoint not in following.others
            windows = dict.fromkeys(following.others, window)
            following = self.succession.least_lost(following, windows)
        self.check(end, following, endpoints)
        self.endpoint, self.plan = following.endpoint, following.plan
        return following.kind

    def note(self, end: End) -> None:
        if end.code in DENIED:
            self.denied.add(end.endpoint)
        else:
            self.denied.discard(end.endpoint)
        if not end.is_refusal:
            self.in_a_row = 0
        elif end.code in PASSING:
            self.away[end.endpoint] = self.away.get(end.endpoint, 0) + 1
        else:
            self.in_a_row += 1
        if end.received:
            self.refused.clear()
            self.away.clear()
        if end.is_refusal and (
            end.code == OUT_OF_RANGE or (end.code not in PASSING and self.in_a_row >= REFUSALS_MAX)
        ):
            self.refused.add(end.endpoint)

    def check(self, end: End, following: Next, endpoints: int) -> None:
        away = {one for one, times in self.away.items() if times >= SILENT_MAX}
        is_complete = len(self.refused | away | self.denied) == endpoints
        plan = following.plan
        if following.kind is Kind.BREAKS:
            assert end.endpoint in self.refused
            assert is_complete
            assert plan.why
            assert plan.is_live or (plan.from_slot or 0) >= self.needed
            self.refused.clear()
            self.away.clear()
            self.in_a_row = 0
            return
        assert following.kind is Kind.GOES_ON
        assert not plan.why
        assert not plan.is_live
        # Nothing that is needed is skipped: it is asked for what is needed, or again for the
        # later slot at which the session was broken.
        assert plan.from_slot in {self.needed, max(self.needed, end.asked_slot or 0)}
        if following.endpoint != end.endpoint:
            assert plan.from_slot == self.needed
        assert following.endpoint == self.succession.active
        assert following.endpoint not in self.denied


@given(
    st.integers(1, 4),
    st.lists(st.tuples(ANSWERS, st.none() | st.integers(900, 1_100)), max_size=60),
    st.frozensets(st.integers(0, 3)),
)
@settings(max_examples=200)
def test_a_session_breaks_only_when_every_endpoint_was_asked_and_nothing_else_is_skipped(
    endpoints: int,
    answers: list[tuple[tuple[str, bool], int | None]],
    standing: frozenset[int],
) -> None:
    line = Line(Succession(endpoints, races=False), standing=standing)
    for (code, received), window in answers:
        line.turn(code, received=received, window=window, endpoints=endpoints)
        if line.gave_up:
            return


@given(st.integers(2, 4), st.data())
@settings(max_examples=100)
def test_an_endpoint_that_refuses_does_not_keep_another_from_being_asked(
    endpoints: int, data: st.DataObject
) -> None:
    good = data.draw(st.integers(0, endpoints - 1))
    line = Line(Succession(endpoints, races=False), standing=frozenset(range(endpoints)))
    for _ in range(8 * endpoints):
        if line.endpoint == good:
            kind = line.turn("OK", received=True, window=None, endpoints=endpoints)
        else:
            code = data.draw(st.sampled_from(CODES))
            kind = line.turn(code, received=False, window=1_050, endpoints=endpoints)
        assert not line.gave_up
        # It has all of it, and was asked before anything was given up.
        assert kind is not Kind.BREAKS
    gaps = [at for at, one in enumerate(line.asked) if one == good]
    assert gaps[0] < endpoints
    assert all(after - before <= endpoints for before, after in zip(gaps, gaps[1:], strict=False))


@given(st.lists(st.tuples(st.integers(0, 2), ANSWERS, st.booleans()), max_size=60))
@settings(max_examples=100)
def test_in_a_race_each_endpoint_follows_itself_and_breaks_nothing_that_others_carry(
    ends: list[tuple[int, tuple[str, bool], bool]],
) -> None:
    succession = Succession(3, races=True)
    for endpoint, (code, received), is_carried in ends:
        end = End(endpoint, NEEDED, received, code, "", NEEDED)
        waits = succession.ended(end)
        if waits is Wait.GIVE_UP:
            assert len(succession.denied) == 3
            return
        assert (waits is Wait.RARELY) == (code in DENIED)
        facts = Facts(NEEDED, frozenset(range(3)), is_carried=is_carried)
        following = succession.next(end, facts, None)
        assert isinstance(following, Next)
        assert following.endpoint == endpoint
        assert (following.kind is Kind.JOINS) == is_carried
        assert bool(following.plan.why) == (following.kind is Kind.BREAKS)
        assert succession.active == 0


def test_of_all_that_have_too_little_the_one_with_most_is_taken() -> None:
    succession = Succession(3, races=False)
    endpoint, windows = 0, [1_060, 1_020, 1_040]
    following: Next | AskWindows | None = None
    for _ in range(3):
        end = End(endpoint, NEEDED, False, OUT_OF_RANGE, "", NEEDED)
        succession.ended(end)
        facts = Facts(NEEDED, frozenset(range(3)))
        following = succession.next(end, facts, windows[endpoint])
        endpoint = following.endpoint
    assert isinstance(following, AskWindows)
    assert following.others == (0, 1)
    found = succession.least_lost(following, dict(enumerate(windows)))
    assert found == Next(Kind.BREAKS, 1, Plan(1_020, why="replay window exceeded"))
    assert succession.active == 1


def test_an_update_that_is_too_large_breaks_after_three_streams_at_one_place() -> None:
    succession = Succession(1, races=False)
    facts = Facts(NEEDED, frozenset({0}))
    kinds = []
    for _ in range(4):
        end = End(0, NEEDED, True, "RESOURCE_EXHAUSTED", "", 1_005, is_too_large=True)
        succession.ended(end)
        following = succession.next(end, facts, None)
        if isinstance(following, AskWindows):
            following = succession.least_lost(following, {})
        kinds.append(following.kind)
    assert kinds == [Kind.GOES_ON, Kind.GOES_ON, Kind.BREAKS, Kind.BREAKS]


def test_a_slow_machine_that_is_cut_again_and_again_is_no_refusal_to_resume() -> None:
    succession = Succession(1, races=False)
    facts = Facts(resume_from=NEEDED, standing=frozenset({0}), is_carried=False)
    for _ in range(10):
        end = End(0, NEEDED, False, "INTERNAL", "lagged to send an update", 0)
        following = succession.next(end, facts, None)
        assert isinstance(following, Next)
        assert (following.kind, following.plan.from_slot) == (Kind.GOES_ON, NEEDED)
