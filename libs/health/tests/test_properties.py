"""What holds for any snapshot, and for any course of them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.heartbeat import LayoutDrift, MemoryHealth
from pw_health import (
    Beat,
    Channel,
    Condition,
    Course,
    Queue,
    Snapshot,
    conditions,
    mode_of,
)
from pw_health.course import CLEAR_MS, UNSEEN_MS
from pw_health.limits import LAG_MAX_MS, PENDING_MAX
from support.health_facts import NOW_MS, WELL, beat, source

T = TypeVar("T")
SERVICES = ("ingest", "parser", "detector", "notifier", "api", "history")
AMOUNTS = st.integers(0, 10**6)
AGES = st.sampled_from([0, 900, 4_999, 5_000, 5_001, 14_000])


@st.composite
def beats(draw: st.DrawFn) -> Beat:
    service = draw(st.sampled_from(SERVICES))
    has_source = service == "ingest" and draw(st.booleans())
    drift = LayoutDrift(
        venue=draw(st.sampled_from(["orca", "pump"])), first_slot=draw(AMOUNTS), signatures=("s",),
        unparsed=1, called=2, kind=draw(st.sampled_from(["changed", "new"])),
    )  # fmt: skip
    return beat(
        service,
        instance=f"{service}-{draw(st.integers(0, 3))}",
        age_ms=draw(AGES),
        ready=draw(st.booleans()),
        reason=draw(st.sampled_from(["", "waits", "17447 messages behind"])),
        drift=(drift,) if draw(st.booleans()) else (),
        memory=draw(st.none() | st.builds(
            MemoryHealth, resident_bytes=AMOUNTS, limit_bytes=st.just(10**6),
            cut_ms=st.integers(0, 1))),
        source=source(
            source=draw(st.sampled_from(["main", "second"])), connected=draw(st.booleans()),
            lag_ms=draw(AMOUNTS), waiting_for_broker=draw(st.booleans()),
            clock_ahead_ms=draw(AMOUNTS), refusing=draw(st.sampled_from(["", "lies"])),
        ) if has_source else None,
    )  # fmt: skip


QUEUES = st.builds(
    Queue, service=st.sampled_from(SERVICES), stream=st.sampled_from(["PW_TX", "PW_SWAP"]),
    pending=AMOUNTS, lag_ms=AMOUNTS,
)  # fmt: skip
CHANNELS = st.builds(
    Channel, name=st.sampled_from("abc"), waiting=AMOUNTS, lag_ms=AMOUNTS,
    trouble=st.sampled_from(["", "answered 403"]),
)  # fmt: skip
SNAPSHOTS = st.builds(
    Snapshot, at_ms=st.just(NOW_MS), beats=st.lists(beats(), max_size=8).map(tuple),
    queues=st.lists(QUEUES, max_size=3).map(tuple),
    channels=st.lists(CHANNELS, max_size=3).map(tuple),
    missing=st.lists(st.sampled_from(["PW_TX", "KV_pw_instances"]), max_size=2).map(tuple),
    checkpoints=st.lists(st.sampled_from(["main", "old"]), max_size=2).map(tuple),
    tx_bytes=AMOUNTS, tx_bytes_max=st.just(10**6),
    tx_last_ms=st.none() | st.integers(NOW_MS - 60_000, NOW_MS),
)  # fmt: skip


def shuffled(of: tuple[T, ...], order: random.Random) -> tuple[T, ...]:
    return tuple(order.sample(of, len(of)))


@given(SNAPSHOTS, st.randoms(use_true_random=False))
def test_the_same_facts_in_another_order_are_the_same_conditions(
    snapshot: Snapshot, order: random.Random
) -> None:
    mixed = replace(
        snapshot,
        beats=shuffled(snapshot.beats, order),
        queues=shuffled(snapshot.queues, order),
        channels=shuffled(snapshot.channels, order),
        missing=shuffled(snapshot.missing, order),
        checkpoints=shuffled(snapshot.checkpoints, order),
    )
    found = conditions(snapshot)
    assert conditions(mixed) == found
    assert len({one.name for one in found}) == len(found)


@given(SNAPSHOTS, st.sampled_from(SERVICES), st.integers(0, 10**7), st.integers(0, 10**6))
def test_a_service_behind_by_more_than_the_stated_lag_is_never_running(
    snapshot: Snapshot, service: str, lag_ms: int, pending: int
) -> None:
    late = Queue(service=service, stream="PW_SWAP", pending=pending, lag_ms=lag_ms)
    found = conditions(replace(snapshot, queues=(*snapshot.queues, late)))
    if lag_ms > LAG_MAX_MS or pending > PENDING_MAX:
        assert mode_of(found) != "running"
        assert f"{service}_behind" in {one.name for one in found}


@given(st.integers(0, 10**7), st.integers(0, 10**6))
def test_within_the_stated_lag_a_system_that_is_well_is_running(lag_ms: int, pending: int) -> None:
    late = Queue(service="detector", stream="PW_SWAP", pending=pending, lag_ms=lag_ms)
    found = conditions(replace(WELL, queues=(late,)))
    assert bool(found) == (lag_ms > LAG_MAX_MS or pending > PENDING_MAX)


@given(SNAPSHOTS)
def test_every_condition_says_why_and_what_to_do_and_began_before_now(snapshot: Snapshot) -> None:
    for one in conditions(snapshot):
        assert one.why.endswith((".", "acknowledge orca", "acknowledge pump"))
        assert one.what_to_do
        assert one.since_ms <= snapshot.at_ms
        assert one.severity != "critical" or one.mode != "running"


NAMES = ("a", "b", "c")
LOOKS = st.lists(
    st.tuples(
        # Mostly once a second; sometimes nobody looks for long, or the clock is set back.
        st.sampled_from([1_000] * 8 + [0, 300, 5_001, 60_000, -3_000]),
        st.sets(st.sampled_from(NAMES)) | st.just(set()) | st.just(set()),
    ),
    max_size=120,
)


def condition(name: str, at_ms: int) -> Condition:
    return Condition(
        name=name, severity="critical", since_ms=at_ms, why="a.", what_to_do="!", mode="blind"
    )


@given(LOOKS)
def test_the_all_clear_never_comes_while_a_condition_holds_or_within_ten_seconds_after(
    looks: list[tuple[int, set[str]]],
) -> None:
    course, at_ms = Course(), NOW_MS
    said: set[str] = set()
    # How long was looked on, without a break, and nothing found.
    quiet_ms: int | None = None
    for step_ms, names in looks:
        at_ms += step_ms
        news = course.look([condition(name, at_ms) for name in names], at_ms)
        if names:
            quiet_ms = None
        elif quiet_ms is None or not 0 <= step_ms <= UNSEEN_MS:
            quiet_ms = 0
        else:
            quiet_ms += step_ms
        said |= {one.name for one in news.begun}
        assert {one.name for one in news.begun} <= names
        if news.clear:
            assert not names
            assert quiet_ms is not None
            assert quiet_ms >= CLEAR_MS
            assert {one.name for one in news.clear} == said
            said.clear()
        # And it does come.
        assert not (said and quiet_ms is not None and quiet_ms >= CLEAR_MS)
        assert course.is_clear == (not said)


@given(LOOKS)
def test_a_condition_is_said_once_while_it_lasts(looks: list[tuple[int, set[str]]]) -> None:
    course, at_ms, begun = Course(), NOW_MS, 0
    for step_ms, _ in looks:
        at_ms += step_ms
        begun += len(course.look([condition("a", at_ms)], at_ms).begun)
    assert begun <= 1


@given(LOOKS)
def test_beside_a_warning_that_lasts_every_end_of_what_is_critical_is_said(
    looks: list[tuple[int, set[str]]],
) -> None:
    lasting = replace(condition("plan", NOW_MS), severity="warning", mode="running")
    course, at_ms = Course(), NOW_MS
    said: set[str] = set()
    safe_ms: int | None = None
    for step_ms, names in looks:
        at_ms += step_ms
        news = course.look([lasting, *(condition(name, at_ms) for name in names)], at_ms)
        if names:
            safe_ms = None
        elif safe_ms is None or not 0 <= step_ms <= UNSEEN_MS:
            safe_ms = 0
        else:
            safe_ms += step_ms
        said |= {one.name for one in news.begun} - {"plan"}
        if news.clear:
            assert safe_ms is not None
            assert safe_ms >= CLEAR_MS
            assert {one.name for one in news.clear} == said
            said.clear()
        assert not (said and safe_ms is not None and safe_ms >= CLEAR_MS)
        assert course.sees == (not said)
