from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_of

from pw_api.core.mode import Facts, Mode, SourceFacts, decide, merged
from pw_common.messages import LayoutDrift

WELL = Facts(
    ingests=1,
    parsers=2,
    sources=(SourceFacts("main", connected=True, lag_s=0.1),),
    tx_bytes=10,
    tx_bytes_max=100,
    parser_pending=3,
    parser_lag_s=0.2,
    tx_age_s=0.1,
)
AWAY = SourceFacts("main", connected=False, detail="UNAVAILABLE")
WAITING = SourceFacts("main", connected=True, waiting_for_broker=True)
BEHIND = SourceFacts("main", connected=True, lag_s=7.5)
RECORDING = SourceFacts("main", connected=True, lag_s=30 * 24 * 3600.0, is_live=False)

CASES: list[tuple[str, Facts, Mode, str]] = [
    ("no ingest", replace(WELL, ingests=0, sources=()), "blind", "No ingest is running."),
    ("no parser", replace(WELL, parsers=0), "blind", "No parser is running."),
    ("no source", replace(WELL, sources=()), "blind", "No source is connected."),
    ("source away", replace(WELL, sources=(AWAY,)), "blind", "(main: UNAVAILABLE)"),
    ("silence", replace(WELL, tx_age_s=31.0), "blind", "Nothing new arrived for 31 s."),
    ("no stream", replace(WELL, missing=("PW_TX",)), "blind", "PW_TX does not exist"),
    ("nearly full", replace(WELL, tx_bytes=80), "backpressure", "PW_TX is at 80 % of its limit."),
    ("ingest waits", replace(WELL, sources=(WAITING,)), "backpressure", "Ingest waits"),
    (
        "old data while ingest waits",
        replace(WELL, sources=(WAITING,), tx_age_s=99.0),
        "backpressure",
        "Ingest waits",
    ),
    ("lag", replace(WELL, parser_lag_s=5.1), "catching_up", "waits for 5.1 s"),
    ("pending", replace(WELL, parser_pending=1001), "catching_up", "1001 messages"),
    ("source behind", replace(WELL, sources=(BEHIND,)), "catching_up", "7.5 s behind"),
]


@pytest.mark.parametrize(
    ("facts", "mode", "reason"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_trouble_has_its_mode_and_its_sentence(facts: Facts, mode: Mode, reason: str) -> None:
    verdict = decide(facts)
    assert verdict.mode == mode
    assert len(verdict.why) == 1
    assert reason in verdict.why[0]


def test_all_well_is_running_and_needs_no_reason() -> None:
    assert decide(WELL).mode == "running"
    assert decide(WELL).why == ()


@pytest.mark.parametrize(
    "facts",
    [
        replace(WELL, sources=(RECORDING,)),
        replace(WELL, sources=(WELL.sources[0], AWAY)),
        replace(WELL, tx_bytes=79, parser_lag_s=5.0, parser_pending=1000, tx_age_s=30.0),
        replace(WELL, tx_bytes_max=-1),
        replace(WELL, tx_age_s=None),
    ],
    ids=["a recording", "one of two sources", "just below", "no limit", "age unknown"],
)
def test_what_is_only_near_to_trouble_is_running(facts: Facts) -> None:
    assert decide(facts).mode == "running"


def test_the_worst_names_the_mode_and_every_reason_is_given() -> None:
    verdict = decide(replace(WELL, parsers=0, tx_bytes=99, parser_lag_s=60.0))
    assert verdict.mode == "blind"
    assert len(verdict.why) == 3


def test_without_a_detector_no_alert_would_come() -> None:
    verdict = decide(replace(WELL, detectors=0))
    assert (verdict.mode, verdict.why) == ("blind", ("No detector is running.",))


def test_what_a_venue_adds_is_told_from_what_it_changed_whichever_parser_saw_it() -> None:
    new = LayoutDrift(
        venue="orca", first_slot=5, signatures=("a",), unparsed=1, called=9, kind="new", tags=("x",)
    )
    changed = LayoutDrift(venue="orca", first_slot=7, signatures=("b",), unparsed=2, called=9)
    found = merged([new, changed, replace_of(new, first_slot=6, signatures=("c",), tags=("y",))])
    assert [(one.kind, one.unparsed, one.signatures, one.tags) for one in found] == [
        ("new", 2, ("a", "c"), ("x", "y")),
        ("changed", 2, ("b",), ()),
    ]
    first, second = decide(replace(WELL, drift=found)).why
    assert "something new" in first
    assert "has changed" in second
