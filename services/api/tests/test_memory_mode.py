"""The status page says what nears its memory limit, in a sentence, while all goes on."""

from __future__ import annotations

from dataclasses import replace

from pw_api.core.mode import Facts, SourceFacts, decide
from pw_common.messages import MemoryHealth

WELL = Facts(ingests=1, parsers=1, sources=(SourceFacts("main", connected=True, lag_s=0.1),))


def why(resident: int, cut_ms: int = 0) -> tuple[str, tuple[str, ...]]:
    held = MemoryHealth(resident_bytes=resident, limit_bytes=1_000, cut_ms=cut_ms)
    verdict = decide(replace(WELL, memory=(("detector", held),)))
    return verdict.mode, verdict.why


def test_memory_is_named_from_four_fifths_on() -> None:
    assert why(799) == ("running", ())
    assert why(800) == ("running", ("The detector holds 80 % of its memory limit.",))


def test_a_cut_is_named_whatever_is_resident() -> None:
    mode, (sentence,) = why(10, cut_ms=1)
    assert mode == "running"
    assert "metrics over what it dropped are unknown" in sentence
