"""Each way of not being well has one name, one mode and one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replace_of

from pw_common.wire.coverage import followed
from pw_common.wire.heartbeat import LayoutDrift, MemoryHealth
from pw_common.wire.limits import PARSER_REPLICAS_MAX
from pw_health import Beat, Channel, Mode, Queue, Snapshot, conditions, mode_of
from pw_health.limits import CONDITIONS_MAX
from pw_health.sources import merged
from support.health_facts import (
    DETECTOR,
    INGEST,
    NOW_MS,
    PARSER,
    WELL,
    beat,
    ingest,
    source,
    with_beats,
    with_queue,
)

CHANGED = LayoutDrift(venue="orca", first_slot=7, signatures=("b",), unparsed=2, called=9)
NEW = LayoutDrift(
    venue="orca", first_slot=5, signatures=("a",), unparsed=1, called=9, kind="new", tags=("x",)
)
NOTIFIER = beat("notifier")
AWAY = source(source="second", connected=False)
SECOND = beat("ingest", instance="ingest-2", source=AWAY)
WAITS = Channel(name="hook", waiting=3, lag_ms=61_000)


def replace_beat(one: Beat, **more: Any) -> Beat:
    return replace(one, said=replace_of(one.said, **more))


def holding(resident: int, cut_ms: int = 0) -> Snapshot:
    memory = MemoryHealth(resident_bytes=resident, limit_bytes=1_000, cut_ms=cut_ms)
    return with_beats(INGEST, PARSER, beat("detector", memory=memory))


CASES: list[tuple[Snapshot, str, Mode, str]] = [
    (with_beats(PARSER, DETECTOR), "no_ingest", "blind", "No ingest is running."),
    (with_beats(INGEST, DETECTOR), "no_parser", "blind", "No parser is running."),
    (with_beats(INGEST, PARSER), "no_detector", "blind", "No detector is running."),
    (
        with_beats(INGEST, PARSER, beat("detector", age_ms=5_001)),
        "no_detector", "blind", "No detector answers: detector-1 has said nothing for 5 s.",
    ),
    (with_beats(beat("ingest"), PARSER, DETECTOR), "no_source", "blind", "No source is connected."),
    (
        with_beats(ingest(connected=False, detail="refused"), PARSER, DETECTOR),
        "source_main", "blind", "Source main is away (refused).",
    ),
    (
        with_beats(*WELL.beats, SECOND),
        "source_second", "catching_up", "Source second is away.",
    ),
    (
        with_beats(INGEST, PARSER, beat("detector", expects=("main", "second"))),
        "source_second", "catching_up", "No ingest reports source second.",
    ),
    (replace(WELL, missing=("PW_TX",)), "missing_PW_TX", "blind", "PW_TX does not exist"),
    (replace(WELL, tx_last_ms=NOW_MS - 31_000), "nothing_new", "blind", "arrived for 31 s."),
    (replace(WELL, tx_bytes=80), "backpressure", "backpressure", "PW_TX is at 80 % of its limit."),
    (
        replace(with_beats(ingest(waiting_for_broker=True), PARSER, DETECTOR),
                tx_last_ms=NOW_MS - 99_000),
        "backpressure", "backpressure", "Ingest waits for the broker to take what main sends.",
    ),
    (with_queue("parser", "PW_TX", lag_ms=5_100), "parser_behind", "catching_up", "for 5.1 s."),
    (with_queue("parser", "PW_TX", pending=1_001), "parser_behind", "catching_up", "1001 messages"),
    (
        with_queue("detector", "PW_SWAP", lag_ms=45_000, pending=9),
        "detector_behind", "catching_up", "The detector is 45.0 s behind: 9 messages of PW_SWAP",
    ),
    (with_queue("history", "PW_SWAP", lag_ms=5_001), "history_behind", "catching_up", "history is"),
    (
        with_beats(INGEST, PARSER, beat("detector", ready=False, reason="17447 messages behind")),
        "detector_behind", "catching_up", "not up to date: 17447 messages behind.",
    ),
    (
        with_beats(INGEST, DETECTOR, beat("parser", ready=False, reason="waits")),
        "not_ready_parser", "catching_up", "The parser is not ready: waits.",
    ),
    (
        with_beats(*WELL.beats, beat("provision", ready=False, reason="PW_TX differs")),
        "not_ready_provision", "running", "PW_TX differs.",
    ),
    (
        with_beats(ingest(lag_ms=7_500), PARSER, DETECTOR),
        "source_main", "catching_up", "Source main is 7.5 s behind.",
    ),
    (
        replace(with_beats(*WELL.beats, NOTIFIER), channels=(WAITS,)),
        "channel_hook", "catching_up", "3 alerts wait for channel hook, the oldest for 61.0 s.",
    ),
    (
        replace(with_beats(*WELL.beats, NOTIFIER),
                channels=(replace(WAITS, lag_ms=0, trouble="holds 3 alerts: answered 403"),)),
        "channel_hook", "catching_up", "Channel hook holds 3 alerts: answered 403.",
    ),
    (replace(WELL, channels=(WAITS,)), "no_notifier", "catching_up", "alerts wait for hook."),
    (
        with_beats(*WELL.beats, beat("parser", instance="parser-2", age_ms=7_000)),
        "silent_parser", "running", "parser-2 has said nothing for 7 s.",
    ),
    (
        with_beats(INGEST, PARSER, beat("detector", at_ms=NOW_MS - 12_000)),
        "skew_detector", "running", "detector-1 is 12 s behind the broker's.",
    ),
    (
        with_beats(ingest(refusing="http://far:1 claims slot 9"), PARSER, DETECTOR),
        "refused_main", "running", "Source main: http://far:1 claims slot 9.",
    ),
    (
        with_beats(ingest(narrowed="http://far:1 sees only programs"), PARSER, DETECTOR),
        "narrow_main", "running", "Source main: http://far:1 sees only programs.",
    ),
    (
        with_beats(ingest(sampled="only 27 % of the blocks are seen"), PARSER, DETECTOR),
        "sampled_main", "running", "Source main: only 27 % of the blocks are seen.",
    ),
    (
        with_beats(ingest(filter="programs"), PARSER, DETECTOR),
        "unseen_main", "running", "is asked for listed programs alone",
    ),
    (
        with_beats(ingest(clock_ahead_ms=42_000), PARSER, DETECTOR),
        "clock_main", "running", "Source main's clock is 42 s ahead of this machine's.",
    ),
    (holding(800), "detector_memory", "running", "The detector holds 80 % of its memory limit."),
    (holding(10, cut_ms=1), "detector_cut", "running", "what it dropped are unknown"),
    (
        with_beats(INGEST, DETECTOR, beat("parser", drift=(CHANGED,))),
        "layout_orca", "running", "orca has changed: since slot 7, 2 of 9",
    ),
    (
        with_beats(INGEST, DETECTOR, beat("parser", drift=(NEW,))),
        "layout_new_orca", "running", "something new since slot 5",
    ),
    (
        with_beats(INGEST, PARSER, beat("detector", reason="the rules cannot be used")),
        "trouble_detector", "running", "detector: the rules cannot be used.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("snapshot", "name", "mode", "why"),
    CASES,
    ids=[f"{n}-{case[1]}" for n, case in enumerate(CASES)],
)
def test_each_trouble_has_its_name_mode_and_sentence(
    snapshot: Snapshot, name: str, mode: Mode, why: str
) -> None:
    (only,) = conditions(snapshot)
    assert (only.name, only.mode, mode_of([only])) == (name, mode, mode)
    assert why in only.why
    assert only.what_to_do
    assert only.since_ms <= NOW_MS


def test_all_well_is_running_and_needs_no_reason() -> None:
    assert conditions(WELL) == ()
    assert mode_of(()) == "running"


@pytest.mark.parametrize(
    "snapshot",
    [
        with_beats(ingest(lag_ms=10**10, clock_ahead_ms=10**6, kind="recorded"), PARSER, DETECTOR),
        replace(with_queue("parser", "PW_TX", lag_ms=5_000, pending=1_000), tx_bytes=79),
        replace(WELL, tx_last_ms=NOW_MS - 30_000),
        replace(WELL, tx_bytes_max=-1),
        replace(
            with_beats(replace_beat(INGEST, started_at_ms=NOW_MS - 20_000), PARSER, DETECTOR),
            tx_last_ms=None,
        ),
        replace(WELL, checkpoints=("given-up",)),
        with_beats(*WELL.beats, beat("parser", instance="parser-2", age_ms=5_000)),
        replace(with_beats(*WELL.beats, NOTIFIER), channels=(replace(WAITS, lag_ms=60_000),)),
        holding(799),
    ],
    ids=[
        "a recording", "just below", "quiet for a while", "no limit", "just started",
        "a source that was given up", "a late heartbeat", "a channel that is asked to wait",
        "memory",
    ],
)  # fmt: skip
def test_what_is_only_near_to_trouble_is_none(snapshot: Snapshot) -> None:
    assert conditions(snapshot) == ()


def test_the_worst_names_the_mode_and_comes_first() -> None:
    found = conditions(
        replace(
            with_beats(INGEST, beat("detector", reason="odd")),
            tx_bytes=99,
            queues=(Queue(service="parser", stream="PW_TX", lag_ms=60_000),),
        )
    )
    assert mode_of(found) == "blind"
    assert [one.name for one in found] == [
        "no_parser", "backpressure", "parser_behind", "trouble_detector",
    ]  # fmt: skip


def test_a_critical_condition_is_never_running() -> None:
    found = [one for case in CASES for one in conditions(case[0])]
    assert all(one.mode != "running" for one in found if one.severity == "critical")


def test_a_process_that_was_started_since_takes_the_place_of_a_silent_one() -> None:
    dead = beat("parser", instance="dead", age_ms=9_000)
    fresh = beat("parser", instance="fresh", started_at_ms=NOW_MS - 8_000)
    assert conditions(with_beats(INGEST, DETECTOR, dead, fresh)) == ()
    both = (dead, beat("parser", instance="dead-too", age_ms=9_000))
    (only,) = conditions(with_beats(INGEST, DETECTOR, *both, fresh))
    assert only.why == "dead has said nothing for 9 s, nor 1 others."


def test_a_clock_that_is_ahead_does_not_keep_a_dead_process_alive() -> None:
    ahead = beat("detector", age_ms=20_000, at_ms=NOW_MS + 60_000)
    assert [one.name for one in conditions(with_beats(INGEST, PARSER, ahead))] == ["no_detector"]


def test_what_is_missing_began_when_the_broker_last_heard_of_it() -> None:
    (only,) = conditions(with_beats(INGEST, PARSER, beat("detector", age_ms=9_000)))
    assert only.since_ms == NOW_MS - 9_000


def test_parsers_that_are_all_busy_are_named_when_the_queue_grows() -> None:
    fleet = [beat("parser", instance=f"parser-{n}") for n in range(PARSER_REPLICAS_MAX)]
    found = conditions(replace(with_queue("parser", "PW_TX", pending=2_000),
                               beats=(INGEST, DETECTOR, *fleet)))  # fmt: skip
    assert [one.name for one in found] == ["parsers_at_limit", "parser_behind"]


def test_what_a_venue_adds_is_told_from_what_it_changed_whichever_parser_saw_it() -> None:
    found = merged([NEW, CHANGED, replace_of(NEW, first_slot=6, signatures=("c",), tags=("y",))])
    assert [(one.kind, one.unparsed, one.signatures, one.tags) for one in found] == [
        ("new", 2, ("a", "c"), ("x", "y")),
        ("changed", 2, ("b",), ()),
    ]


def test_more_conditions_than_anybody_reads_are_cut_and_counted() -> None:
    many = replace(WELL, missing=tuple(f"S{n}" for n in range(CONDITIONS_MAX + 5)))
    found = conditions(many)
    assert len(found) == CONDITIONS_MAX
    assert (found[-1].why, found[-1].mode) == ("6 more conditions are left out.", "blind")


def test_what_follows_addresses_is_late_by_design() -> None:
    def found(lag_ms: int, seen_by: str) -> list[str]:
        beats = (ingest(lag_ms=lag_ms, filter=seen_by), PARSER, DETECTOR)
        return [each.name for each in conditions(with_beats(*beats))]

    assert "source_main" not in found(8_000, followed(["a"]))
    assert "source_main" in found(21_000, followed(["a"]))
    assert "source_main" in found(8_000, "successful")
