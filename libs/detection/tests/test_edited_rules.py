"""A rule that is edited: the episodes that it ends are told at once, and the others go on."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.alerts import (
    ENDED_MAX,
    Alert,
    alert_digest,
    decode_alert,
    ended_of,
    of_detector,
)
from pw_common.wire.messages import Swap, encode
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule

stream: Any = importlib.import_module("support.cut_stream")
NOW_MS = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
BUSY = Rule(name="busy", conditions=("buy_count_5m >= 4",), cooldown_s=600)
LARGE = Rule(
    name="large", conditions=("buy_volume_sol_5m >= 1",), severity="critical", cooldown_s=600
)
OFF = Rule(name="busy", enabled=False, conditions=BUSY.conditions)
STRICTER = Rule(name="busy", conditions=("buy_count_5m >= 6",), cooldown_s=600)


def slot_of(slot: int, time_ms: int, counts: dict[str, int]) -> ClosedSlot:
    """A slot in which each token is bought so often."""
    swaps: list[Swap] = []
    for mint, count in counts.items():
        for n in range(count):
            swaps.append(stream.swap(len(swaps), slot, trader=f"trader{n}", mint=mint))
    return ClosedSlot(slot, time_ms, slot == 1, tuple(swaps))


def run(detector: Detector, slots: Iterable[ClosedSlot]) -> list[Alert]:
    return [alert for slot in slots for alert in detector.step(slot)]


def opened(*rules: Rule, counts: dict[str, int]) -> tuple[Detector, list[Alert]]:
    detector = Detector(rules)
    return detector, run(detector, [slot_of(1, NOW_MS, counts)])


def many(count: int, buys: int = 4) -> dict[str, int]:
    return {f"mint{n:03}": buys for n in range(count)}


@pytest.mark.parametrize("after", [(), (OFF,), (STRICTER,)])
def test_an_edit_that_ends_many_episodes_is_one_summary(after: Sequence[Rule]) -> None:
    detector, alerts = opened(BUSY, counts=many(69))
    assert len(alerts) == 69
    detector.set_rules(7, after, from_slot=2)
    (summary,) = run(detector, [slot_of(2, NOW_MS + 400, {})])
    assert (summary.kind, summary.trigger, summary.mint) == ("closed", "busy", "")
    assert "69 episodes ended" in summary.title
    assert "and 64 more" in summary.detail
    assert {one.episode for one in ended_of(summary)} == {alert.episode for alert in alerts}
    assert {one.mint for one in ended_of(summary)} == set(many(69))
    assert summary.severity == "warning"
    assert not detector.episodes.open
    # Nothing of it is said a second time when the minute turns.
    assert run(detector, [slot_of(3, NOW_MS + 60_000, {})]) == []


def test_episodes_for_which_the_edited_rule_still_holds_go_on() -> None:
    counts = {"weak1": 4, "weak2": 5, "strong": 6}
    detector, _ = opened(BUSY, counts=counts)
    detector.set_rules(7, (STRICTER,), from_slot=2)
    (summary,) = run(detector, [slot_of(2, NOW_MS + 400, {})])
    assert sorted(one.mint for one in ended_of(summary)) == ["weak1", "weak2"]
    assert [mint for mint, _ in detector.episodes.open] == ["strong"]


def test_an_edit_of_words_alone_ends_nothing() -> None:
    detector, _ = opened(BUSY, counts=many(3))
    reworded = Rule(
        name="busy",
        conditions=BUSY.conditions,
        cooldown_s=60,
        severity="info",
        description="other words",
    )
    detector.set_rules(7, (reworded,), from_slot=2)
    assert run(detector, [slot_of(2, NOW_MS + 400, {})]) == []
    assert len(detector.episodes.open) == 3


def test_a_single_episode_is_ended_with_an_alert_of_its_token() -> None:
    detector, _ = opened(BUSY, counts=many(1))
    detector.set_rules(7, (), from_slot=2)
    (closed,) = run(detector, [slot_of(2, NOW_MS + 400, {})])
    assert (closed.kind, closed.mint, closed.n) == ("closed", "mint000", 1)
    assert "removed or turned off" in closed.detail


def test_each_rule_has_its_own_summary_with_its_gravest_severity() -> None:
    detector, alerts = opened(BUSY, LARGE, counts=many(3))
    assert len(alerts) == 6
    detector.set_rules(7, (), from_slot=2)
    summaries = run(detector, [slot_of(2, NOW_MS + 400, {})])
    assert [(one.trigger, one.severity) for one in summaries] == [
        ("busy", "warning"),
        ("large", "critical"),
    ]
    assert len({one.id for one in summaries}) == 2


def test_more_than_one_message_holds_are_told_in_few_messages() -> None:
    count = ENDED_MAX + 3
    detector, _ = opened(BUSY, counts=many(count))
    detector.set_rules(7, (), from_slot=2)
    summaries = run(detector, [slot_of(2, NOW_MS + 400, {})])
    assert [len(ended_of(one)) for one in summaries] == [ENDED_MAX, 3]
    assert len({one.id for one in summaries}) == 2
    assert all(len(encode(one)) < 32 * 1024 for one in summaries)


def test_a_restart_after_a_summary_knows_which_episodes_are_open() -> None:
    slots = [slot_of(1, NOW_MS, {"weak1": 4, "weak2": 5, "strong": 6})]
    slots.append(slot_of(2, NOW_MS + 400, {}))
    straight = Detector((BUSY,))
    straight.set_rules(7, (STRICTER,), from_slot=2)
    stored = [decode_alert(encode(one)) for one in run(straight, slots)]
    later = [slot_of(3, NOW_MS + 800, {"weak1": 4}), slot_of(4, NOW_MS + 400_000, {})]
    expected = run(straight, later)
    restarted = Detector((BUSY,))
    restarted.restore(stored, until_slot=2)
    restarted.set_rules(7, (STRICTER,), from_slot=2)
    for slot in slots:
        restarted.fold(slot)
    assert run(restarted, later) == expected
    assert [one.kind for one in expected] == ["closed"]


def test_rules_that_held_before_a_restart_are_no_edit_of_the_shipped_ones() -> None:
    _, alerts = opened(BUSY, counts=many(3))
    restarted = Detector()
    restarted.restore(alerts, until_slot=1)
    restarted.set_rules(7, (BUSY,), from_slot=1)
    # What was folded before is trimmed: the first slot is a new one.
    assert run(restarted, [slot_of(2, NOW_MS + 400, many(3))]) == []
    assert len(restarted.episodes.open) == 3


def test_a_summary_is_of_the_detector_and_in_the_digest() -> None:
    detector, alerts = opened(BUSY, counts=many(3))
    detector.set_rules(7, (), from_slot=2)
    (summary,) = run(detector, [slot_of(2, NOW_MS + 400, {})])
    assert of_detector(summary)
    assert alert_digest([*alerts, summary]) != alert_digest(alerts)
