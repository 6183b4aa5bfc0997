"""What is derived again begins and ends with the slots of a session, whatever was filled in."""

from __future__ import annotations

from dataclasses import replace

from pw_cli.audit.rederive import Rederived
from pw_common.ordering.closed_slot import ClosedSlot
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from support import cut_stream

ANY = Rule(name="any", conditions=("buy_count_5m >= 1",))
NOW_MS = cut_stream.BEGIN_S * 1_000


def bought(slot: int, at_ms: int) -> ClosedSlot:
    return ClosedSlot(slot, at_ms, slot == 1, (cut_stream.swap(slot, slot),))


def test_what_lies_before_the_session_neither_begins_nor_ends_what_is_derived() -> None:
    found, detector = Rederived(), Detector((ANY,))
    # A history that is over has slots of any number.
    before = replace(bought(900, NOW_MS - 3_600_000), amends=True, is_before_session=True)
    assert found.fold(detector, [before]) == 0
    assert (found.first_ms, found.alerts) == (0, {})
    assert found.fold(detector, [before, bought(1, NOW_MS), bought(2, NOW_MS + 400), before]) == 2
    assert found.first_ms == NOW_MS
    assert {alert.slot for alert in found.alerts.values()} == {1, 2}
