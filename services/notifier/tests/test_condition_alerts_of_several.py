"""What is sent where several things are wrong, for long or one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from pw_common.documents.channels import Channel as Configured
from pw_common.documents.channels import Kind
from pw_common.jetstream.overview import Overview
from pw_common.wire.alerts import Alert
from pw_common.wire.heartbeat import Heartbeat, SourceHealth, Trouble
from pw_health import Channel, Snapshot, conditions, mode_of
from pw_health.limits import SLOW_MS
from pw_health.reading import snapshot_of
from pw_notifier.core.condition_alerts import ALL_CLEAR, CRITICAL_OVER, ConditionAlerts, Facts
from pw_notifier.core.policy import fate_of

NOW_MS = 1_700_000_000_000
SOURCE: dict[str, Any] = {"source": "main", "endpoint": "e", "connected": True}
NARROW = SourceHealth(**SOURCE, narrowed="its plan forbids all programs")
PATH = ("ingest", "parser", "detector", "notifier")
MOVED = Trouble(what="sends to chat -100, which its group became: set this chat_id", channel="tg")


def beats(
    at_ms: int, *, away: str = "", source: SourceHealth | None = None,
    troubles: tuple[Trouble, ...] = (),
) -> Iterable[Heartbeat]:  # fmt: skip
    for service in PATH:
        if service != away:
            yield Heartbeat(
                service=service, instance=service, version="1", pid=1, started_at_ms=0,
                at_ms=at_ms, http_url="", ready=True,
                source=(source or SourceHealth(**SOURCE)) if service == "ingest" else None,
                troubles=troubles if service == "notifier" else (),
                reason="; ".join(one.what for one in troubles) if service == "notifier" else "",
            )  # fmt: skip


def seen(at_ms: int, *, took_ms: int = 0, **more: Any) -> Snapshot:
    """A snapshot as the broker's answers give it to API and notifier alike."""
    view = Overview(at_ms, broker_ms=at_ms, took_ms=took_ms, heartbeats=list(beats(at_ms, **more)))
    view.stored_ms = {one.instance: at_ms for one in view.heartbeats}
    return replace(snapshot_of(view), tx_last_ms=at_ms)


class Looking:
    def __init__(self) -> None:
        self.condition_alerts = ConditionAlerts()
        self.at_ms = NOW_MS

    def for_s(self, seconds: int, *, step_ms: int = 1_000, **more: Any) -> list[Alert]:
        found = []
        for _ in range(seconds * 1_000 // step_ms):
            found += self.condition_alerts.look(Facts(seen(self.at_ms, **more)))
            self.at_ms += step_ms
        return found


def titles(found: list[Alert]) -> list[str]:
    return [one.title for one in found]


def failing(*names: str) -> tuple[Trouble, ...]:
    return tuple(Trouble(what="holds 3 alerts", channel=name, failing=True) for name in names)


def hook(name: str) -> Configured:
    kind: Kind = "console"
    return Configured(name=name, kind=kind)


def test_a_group_that_moved_is_no_news_and_hides_neither_an_outage_nor_its_end() -> None:
    looking = Looking()
    assert looking.for_s(20, troubles=(MOVED,)) == []
    found = looking.for_s(20, troubles=(MOVED,), away="parser")
    found += looking.for_s(20, troubles=(MOVED,))
    assert titles(found) == ["You are blind: no parser", "You see again: no parser"]
    assert looking.condition_alerts.sees
    ((name, severity),) = {
        (one.name, one.severity) for one in conditions(seen(0, troubles=(MOVED,)))
    }
    assert (name, severity) == ("channel_tg", "info")


def test_beside_a_plan_that_stays_narrow_every_outage_and_every_end_is_said() -> None:
    looking = Looking()
    assert titles(looking.for_s(60, source=NARROW)) == ["See to this: narrow main"]
    first = looking.for_s(30, source=NARROW, away="parser")
    assert not looking.condition_alerts.sees
    over = looking.for_s(60, source=NARROW)
    assert looking.condition_alerts.sees
    assert titles(first + over) == ["You are blind: no parser", "You see again: no parser"]
    assert over[0].trigger == CRITICAL_OVER
    assert over[0].detail.endswith("Still to be seen to: narrow main.")
    second = looking.for_s(10, source=NARROW, away="parser")
    assert titles(second) == ["You are blind: no parser"]
    assert len({one.id for one in first + over + second}) == 3


def test_a_notifier_that_starts_again_knows_which_warnings_were_left() -> None:
    looking = Looking()
    stored = looking.for_s(10, source=NARROW) + looking.for_s(20, source=NARROW, away="parser")
    stored += looking.for_s(20, source=NARROW)
    again = Looking()
    again.at_ms = looking.at_ms + 60_000
    again.condition_alerts.resume(stored, again.at_ms)
    assert again.for_s(20, source=NARROW) == []
    assert again.condition_alerts.sees
    (over,) = again.for_s(20)
    assert over.title == "All is well again: narrow main"
    assert over.id not in {one.id for one in stored}


def test_the_all_clear_for_several_channels_is_sent_to_each_of_them() -> None:
    looking = Looking()
    begun = looking.for_s(20, troubles=failing("a", "b"))
    assert [one.trigger for one in begun] == ["channel_a", "channel_b"]
    (over,) = looking.for_s(20)
    assert over.trigger == ALL_CLEAR
    for name in ("a", "b"):
        assert fate_of(hook(name), over, NOW_MS, NOW_MS) == "send"
        assert [fate_of(hook(name), one, NOW_MS, NOW_MS) for one in begun].count("send") == 1


def test_the_all_clear_for_one_channel_is_not_sent_to_itself() -> None:
    looking = Looking()
    looking.for_s(20, troubles=failing("a"))
    (over,) = looking.for_s(20)
    assert fate_of(hook("a"), over, NOW_MS, NOW_MS) == "unwanted"
    assert fate_of(hook("b"), over, NOW_MS, NOW_MS) == "send"


def test_what_the_notifier_says_of_a_channel_is_one_condition_for_all_who_look() -> None:
    snapshot = seen(NOW_MS, troubles=(*failing("a"), Trouble(what="lists cannot be read")))
    found = {one.name: one for one in conditions(snapshot)}
    assert set(found) == {"channel_a", "trouble_notifier"}
    assert (found["channel_a"].severity, mode_of(found.values())) == ("critical", "catching_up")
    assert found["channel_a"].why == "Channel a holds 3 alerts."
    assert found["trouble_notifier"].why == "notifier: lists cannot be read."


def test_of_two_notifiers_the_one_that_says_the_channel_fails_is_believed() -> None:
    view = Overview(NOW_MS, broker_ms=NOW_MS, heartbeats=list(beats(NOW_MS, troubles=failing("a"))))
    other = next(one for one in beats(NOW_MS) if one.service == "notifier")
    note = Trouble(what="answered 500", channel="a")
    view.heartbeats.append(msgspec.structs.replace(other, instance="n2", troubles=(note,)))
    view.stored_ms = {one.instance: NOW_MS for one in view.heartbeats}
    assert snapshot_of(view).channels == (Channel(name="a", trouble="holds 3 alerts"),)
    # One that is silent says nothing.
    view.stored_ms["notifier"] = NOW_MS - 60_000
    assert snapshot_of(view).channels == (Channel(name="a", note="answered 500"),)


def test_a_look_that_is_too_slow_is_said_and_holds_up_the_dead_mans_switch_at_once() -> None:
    looking = Looking()
    looking.for_s(10)
    assert looking.condition_alerts.sees
    found = looking.for_s(6, step_ms=6_000, took_ms=SLOW_MS + 1)
    assert found == []
    assert not looking.condition_alerts.sees
    (said,) = looking.for_s(12, step_ms=6_000, took_ms=SLOW_MS + 1)
    assert said.title == "You are blind: slow broker"
    (over,) = looking.for_s(20)
    assert over.title == "You see again: slow broker"
    assert looking.condition_alerts.sees


def test_a_slow_look_hides_no_outage() -> None:
    looking = Looking()
    found = looking.for_s(60, step_ms=6_000, took_ms=5_000, away="parser")
    assert sorted(titles(found)) == ["You are blind: no parser", "You are blind: slow broker"]
