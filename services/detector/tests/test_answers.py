"""Questions about a token are answered in JSON, whatever was asked."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.jetstream.bus import Bus
from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.messages import Swap
from pw_detection.detector import Detector
from pw_detector.answers import Answers
from pw_detector.core.apply_config import Change, apply

MINT = "M" * 43


def bought() -> Detector:
    detector = Detector()
    swap = Swap(
        signature="s", ordinal=0, slot=1, index=0, trader="alice", side="buy", mint=MINT,
        base_amount_raw=5, base_decimals=6, quote_mint=None, quote_amount_raw=None,
        quote_decimals=None,
    )  # fmt: skip
    detector.step(ClosedSlot(1, 1_700_000_000_000, True, (swap,)))
    return detector


def ask(detector: Detector, body: bytes) -> Any:
    return msgspec.json.decode(Answers(cast(Bus, None), detector).answer(body))


def test_facts_and_why_are_told_for_any_token() -> None:
    facts = ask(bought(), msgspec.json.encode({"mint": MINT}))["facts"]
    assert (facts["state"], facts["metrics"]["buy_count_5m"]) == ("WARM", 1)
    assert facts["unknown"]["buy_count_5m"] == "cold"
    why = ask(bought(), msgspec.json.encode({"mint": MINT, "what": "why"}))["why"]
    assert len(why) == 8
    assert {row["verdict"] for row in why} <= {"holds", "fails", "unknown"}
    unknown = ask(bought(), msgspec.json.encode({"mint": "Z" * 43}))["facts"]
    assert unknown["state"] == "COLD"


@given(st.binary(max_size=200))
def test_garbage_is_answered_with_an_error(body: bytes) -> None:
    assert "error" in ask(Detector(), body)


@pytest.mark.parametrize("key", ["triggers", "watchlists", "mutes"])
def test_a_configuration_that_cannot_be_read_is_refused_in_words(key: str) -> None:
    assert apply(Detector(), Change(key, 1, 0, b'{"entries": 7, "rules": 7}'))


def test_rules_that_name_what_is_not_there_are_refused() -> None:
    body = b'{"rules": [{"name": "a", "conditions": ["nothing > 1"]}]}'
    assert "unknown metric 'nothing'" in apply(Detector(), Change("triggers", 1, 0, body))
