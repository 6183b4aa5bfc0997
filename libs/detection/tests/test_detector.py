"""From slots to alerts: fired once, grown, ended; the same after any restart."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import ClosedSlot
from pw_common.text.base58 import is_address
from pw_common.wire.alerts import Alert, alert_digest, decode_alert
from pw_common.wire.messages import encode
from pw_detection.detector import Detector
from pw_detection.rules.lists import (
    BadList,
    Mute,
    Mutes,
    Watched,
    WatchLists,
    read_csv,
    shipped_mutes,
)
from pw_detection.rules.rules import Rule, shipped_rules

stream: Any = importlib.import_module("support.cut_stream")
NOW_MS = 1_700_000_000_000
HORIZON_MS = 125 * 60_000

LOUD = (
    Rule(name="busy", conditions=("buy_count_5m >= 4",), cooldown_s=600, escalate_factor=1.5),
    Rule(name="few", conditions=("buy_volume_sol_5m >= 3", "unique_buyers_5m <= 3"), cooldown_s=60),
    Rule(name="hour", conditions=("buy_count_1h >= 30",), severity="info", cooldown_s=3_600),
)


def run(detector: Detector, slots: list[ClosedSlot]) -> list[Alert]:
    return [alert for slot in slots for alert in detector.step(slot)]


def buys(number: int, at_ms: int, count: int, *, mint: str = "mint") -> ClosedSlot:
    swaps = tuple(stream.swap(number * 100 + n, number, mint=mint) for n in range(count))
    return ClosedSlot(number, at_ms, number == 1, swaps)


def long_flow(seed: int, slots: int = 500) -> list[ClosedSlot]:
    return list(stream.closed_slots(stream.cut(stream.flow(seed, slots, slot_seconds=30.0), seed)))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1_000), st.integers(1, 499))
def test_a_restart_anywhere_gives_the_alerts_that_no_restart_gives(seed: int, at: int) -> None:
    slots = long_flow(seed)
    at = min(at, len(slots) - 1)
    straight = Detector(LOUD)
    before = run(straight, slots[:at])
    stored = [decode_alert(encode(alert)) for alert in before]
    after = run(straight, slots[at:])
    restarted = Detector(LOUD)
    restarted.restore(stored)
    since_ms = slots[at - 1].event_time_ms - HORIZON_MS
    again = [slot for slot in slots[:at] if slot.event_time_ms >= since_ms]
    for number, slot in enumerate(again):
        restarted.fold(replace(slot, reset=number == 0))
    assert run(restarted, slots[at:]) == after


def test_the_flow_used_here_opens_escalates_and_closes() -> None:
    kinds = [alert.kind for seed in range(4) for alert in run(Detector(LOUD), long_flow(seed))]
    assert {"opened", "escalated", "closed"} <= set(kinds)


def test_ids_never_repeat_and_each_alert_is_its_own_words() -> None:
    alerts = run(Detector(LOUD), long_flow(1))
    assert len({alert.id for alert in alerts}) == len(alerts)
    assert alert_digest(alerts) == alert_digest(reversed(alerts))
    assert [decode_alert(encode(alert)) for alert in alerts] == alerts


def test_an_episode_fires_once_then_when_it_grows_then_when_it_ends() -> None:
    detector = Detector((LOUD[0],))
    (opened,) = run(detector, [buys(1, NOW_MS, 4)])
    assert (opened.kind, opened.n, opened.severity) == ("opened", 0, "warning")
    assert opened.metrics["buy_count_5m"] == 4
    assert opened.conditions[0].text == "buy_count_5m >= 4"
    assert run(detector, [buys(2, NOW_MS + 400, 1)]) == []
    (grown,) = run(detector, [buys(3, NOW_MS + 800, 1)])
    assert (grown.kind, grown.n, grown.severity) == ("escalated", 1, "critical")
    (ended,) = run(detector, [ClosedSlot(4, NOW_MS + 400_000, False)])
    assert (ended.kind, ended.n, ended.episode) == ("closed", 2, opened.episode)


def test_within_its_cooldown_a_rule_does_not_open_again_and_after_it_does() -> None:
    detector = Detector((LOUD[0],))
    run(detector, [buys(1, NOW_MS, 4), ClosedSlot(2, NOW_MS + 400_000, False)])
    assert run(detector, [buys(3, NOW_MS + 500_000, 5)]) == []
    assert detector.why("mint")[0]["blocked"] == ["cooling down for 100 s more, of 600 s"]
    (again,) = run(detector, [buys(4, NOW_MS + 700_000, 5)])
    assert again.kind == "opened"


def test_a_rule_that_is_off_never_fires() -> None:
    off = Rule(name="off", enabled=False, conditions=("buy_count_5m >= 1",))
    detector = Detector((off,))
    assert run(detector, [buys(1, NOW_MS, 9)]) == []
    assert detector.why("mint")[0]["blocked"] == ["disabled"]


def test_hot_expires_and_a_token_that_was_cold_fires_again() -> None:
    detector = Detector((LOUD[0],))
    run(detector, [buys(1, NOW_MS, 4)])
    assert detector.state("mint") == "HOT"
    run(detector, [ClosedSlot(2, NOW_MS + 1_800_000, False)])
    assert detector.state("mint") == "HOT"
    run(detector, [ClosedSlot(3, NOW_MS + 3_700_000, False)])
    assert detector.state("mint") == "COLD"
    assert [alert.kind for alert in run(detector, [buys(4, NOW_MS + 4_000_000, 4)])] == ["opened"]
    assert detector.state("mint") == "HOT"


def test_new_rules_hold_from_their_slot_and_close_what_they_remove() -> None:
    detector = Detector((LOUD[0],))
    run(detector, [buys(1, NOW_MS, 4)])
    detector.set_rules(7, (LOUD[2],), from_slot=3)
    assert run(detector, [buys(2, NOW_MS + 400, 1)]) == []
    assert detector.revision == 0
    (closed,) = run(detector, [buys(3, NOW_MS + 800, 1)])
    assert (closed.kind, closed.trigger) == ("closed", "busy")
    assert "removed or turned off" in closed.detail
    assert detector.revision == 7


def test_an_edited_rule_fires_no_old_episode_again_after_a_restart() -> None:
    detector = Detector((LOUD[0],))
    alerts = run(detector, [buys(1, NOW_MS, 4)])
    edited = Rule(name="busy", conditions=("buy_count_5m >= 3",), cooldown_s=600)
    restarted = Detector((edited,))
    restarted.restore(alerts)
    restarted.fold(buys(1, NOW_MS, 4))
    assert run(restarted, [buys(2, NOW_MS + 400, 1)]) == []


def test_muted_tokens_never_fire_until_their_snooze_ends() -> None:
    detector = Detector((LOUD[0],))
    mute = Mute(address="mint", of="token", reason="known", until_ms=NOW_MS + 1_000)
    detector.set_mutes(Mutes(entries=(mute,)), from_slot=0)
    assert run(detector, [buys(1, NOW_MS, 9)]) == []
    assert "muted: known" in detector.why("mint")[0]["blocked"]
    assert [a.kind for a in run(detector, [buys(2, NOW_MS + 2_000, 1)])] == ["opened"]


def test_watched_wallets_are_counted_and_labelled() -> None:
    rule = Rule(name="friends", conditions=("watched_buyers_5m >= 1",))
    detector = Detector((rule,))
    watched = WatchLists(entries=(Watched(address="alice", label="a friend"),))
    detector.set_watchlists(watched, from_slot=0)
    (alert,) = run(detector, [buys(1, NOW_MS, 1)])
    assert alert.top_buyers[0].labels == ("a friend",)


def test_a_discontinuity_ends_every_episode() -> None:
    detector = Detector((LOUD[0],))
    run(detector, [buys(1, NOW_MS, 4)])
    (closed,) = run(detector, [ClosedSlot(1, NOW_MS, True)])
    assert (closed.kind, closed.detail) == ("closed", "the stream was interrupted")


def test_projections_hold_hot_tokens_and_the_most_bought() -> None:
    detector = Detector((LOUD[0],))
    run(detector, [buys(1, NOW_MS, 4, mint="hot"), buys(2, NOW_MS, 1, mint="warm")])
    assert [one["mint"] for one in detector.hot()] == ["hot"]
    assert [one["state"] for one in detector.tokens(500)] == ["HOT", "WARM"]


def test_a_list_is_read_from_csv_and_every_bad_line_is_named() -> None:
    good = "address,label\n" + "A" * 43 + ", a label\n\n"
    assert read_csv(good) == (Watched(address="A" * 43, label="a label"),)
    with pytest.raises(BadList) as caught:
        read_csv(f"x\n{'A' * 43}\n{'A' * 43}\n{'B' * 43},{'l' * 99}")
    assert len(caught.value.errors) == 3
    assert caught.value.errors[0].startswith("line 1:")


def test_infrastructure_is_muted_with_a_reason_each() -> None:
    shipped = shipped_mutes().entries
    assert len(shipped) >= 8
    assert all(one.reason and is_address(one.address) for one in shipped)
    assert Detector().market.muted_wallets == {one.address for one in shipped}


class OneByOne(dict[str, Any]):
    """A map that may be asked for one key at a time and never walked."""

    def _refuse(self) -> Any:
        raise AssertionError("evaluating one token looked at all of them")

    __iter__ = keys = values = items = _refuse


def test_evaluating_a_token_looks_at_no_other_token() -> None:
    detector = Detector((LOUD[0],))
    run(detector, [buys(n, NOW_MS + n, 1, mint=f"mint{n}") for n in range(1, 50)])
    detector.market.tokens = OneByOne(detector.market.tokens)
    assert [a.mint for a in run(detector, [buys(60, NOW_MS + 100, 4, mint="mint7")])] == ["mint7"]


def test_every_shipped_rule_can_fire() -> None:
    rules = [msgspec.structs.replace(rule, enabled=True) for rule in shipped_rules()]
    detector = Detector(rules)
    detector.step(ClosedSlot(1, NOW_MS - 3 * 3_600_000, True))
    number, slots = 0, []

    def bought(mint: str, wallets: int, count: int, sol: float, over_ms: int) -> None:
        nonlocal number
        for n in range(count):
            number += 1
            trade = stream.swap(
                number, 0, mint=mint, trader=f"{mint}{n % wallets}", quote=int(sol * 10**9)
            )
            slots.append((NOW_MS + n * over_ms // count, trade))

    bought("few", 4, 30, 1.0, 60_000)
    bought("small", 25, 80, 0.2, 200_000)
    bought("slow", 8, 80, 0.8, 3_300_000)
    sold = stream.swap(9_999, 0, mint="slow", buy=False, trader="slow0")
    slots.append((NOW_MS + 3_200_000, sold))
    slots.sort(key=lambda one: one[0])
    closed = [
        ClosedSlot(at + 2, time_ms, False, (trade,)) for at, (time_ms, trade) in enumerate(slots)
    ]
    fired = {alert.trigger for alert in run(detector, closed) if alert.kind == "opened"}
    assert fired == {rule.name for rule in rules}
