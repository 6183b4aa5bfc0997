"""What status says where an endpoint shows less than was asked for."""

from __future__ import annotations

from pw_api.core.mode import Facts, SourceFacts, decide


def test_less_than_was_asked_for_is_said_while_everything_runs() -> None:
    narrowed = "http://far:1 sees only programs, not successful: INVALID_ARGUMENT: no"
    source = SourceFacts("main", connected=True, lag_s=0.1, narrowed=narrowed)
    verdict = decide(Facts(ingests=1, parsers=1, sources=(source,)))
    assert verdict.mode == "running"
    assert verdict.why == (f"Source main: {narrowed}.",)
