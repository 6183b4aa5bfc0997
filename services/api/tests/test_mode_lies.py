"""What status says of a source that claims what cannot be."""

from __future__ import annotations

from dataclasses import replace

from pw_api.core.mode import Facts, SourceFacts, decide

HONEST = SourceFacts("main", connected=True, lag_s=0.5)
WELL = Facts(ingests=1, parsers=1, sources=(HONEST,))


def test_a_claim_that_was_refused_is_said_with_the_endpoint_that_made_it() -> None:
    lied = replace(HONEST, refusing="http://far:1 claims what cannot be: slot 9 (3 refused)")
    verdict = decide(replace(WELL, sources=(lied,)))
    assert verdict.mode == "running"
    assert verdict.why == ("Source main: http://far:1 claims what cannot be: slot 9 (3 refused).",)


def test_a_live_sources_clock_that_is_ahead_is_said() -> None:
    ahead = replace(HONEST, lag_s=0.0, clock_ahead_s=42.0)
    said = decide(replace(WELL, sources=(ahead,))).why
    assert said == ("Source main's clock is 42 s ahead of this machine's.",)
    assert decide(replace(WELL, sources=(replace(ahead, is_live=False),))).why == ()
    assert decide(replace(WELL, sources=(replace(ahead, clock_ahead_s=1.0),))).why == ()


def test_a_live_source_that_is_days_behind_is_behind_and_a_recording_is_not() -> None:
    days = replace(HONEST, lag_s=40 * 24 * 3600.0)
    assert decide(replace(WELL, sources=(days,))).mode == "catching_up"
    assert decide(replace(WELL, sources=(replace(days, is_live=False),))).mode == "running"
