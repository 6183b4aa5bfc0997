"""What is sent about the system's own health, and when the all-clear comes."""

from __future__ import annotations

from typing import Any

import msgspec

from pw_common.wire.alerts import Alert
from pw_common.wire.heartbeat import Heartbeat, Rate, SourceHealth, Trouble
from pw_health import Beat, Channel, Snapshot
from pw_health.condition import LASTS_MS
from pw_health.course import CLEAR_MS
from pw_notifier.core.condition_alerts import GROWN_MS, ConditionAlerts, Facts

NOW_MS = 1_700_000_000_000
SOURCE = SourceHealth(source="main", endpoint="e", connected=True)
LATE = {"pw_detector_late_total": Rate(total=4, per_s_1s=0, per_s_60s=0)}


def beat(service: str, **more: Any) -> Heartbeat:
    fields: dict[str, Any] = {
        "service": service, "instance": service, "version": "1", "pid": 1, "started_at_ms": 0,
        "at_ms": NOW_MS, "http_url": "", "ready": True,
    }  # fmt: skip
    return Heartbeat(**(fields | more))


INGEST, PARSER, DETECTOR = beat("ingest", source=SOURCE), beat("parser"), beat("detector")
WELL = (INGEST, PARSER, DETECTOR)


class Looking:
    """Looks once a second at processes that beat all the time."""

    def __init__(self) -> None:
        self.condition_alerts = ConditionAlerts()
        self.at_ms = NOW_MS

    def once(
        self, *beats: Heartbeat, channels: tuple[Channel, ...] = (), **more: int
    ) -> list[Alert]:
        fresh = tuple(
            Beat(said=beat(one.service, at_ms=self.at_ms, source=one.source, rates=one.rates,
                           ready=one.ready, reason=one.reason, troubles=one.troubles),
                 stored_ms=self.at_ms)
            for one in beats
        )  # fmt: skip
        snapshot = Snapshot(at_ms=self.at_ms, beats=fresh, channels=channels, tx_last_ms=self.at_ms)
        self.at_ms += 1_000
        return self.condition_alerts.look(Facts(snapshot, **more))

    def for_s(self, seconds: int, *beats: Heartbeat, **more: Any) -> list[Alert]:
        return [alert for _ in range(seconds) for alert in self.once(*beats, **more)]


def test_calm_is_silence() -> None:
    looking = Looking()
    assert looking.for_s(60, *WELL) == []
    assert looking.condition_alerts.is_clear


def test_it_is_said_once_when_it_lasts_and_once_when_it_is_over() -> None:
    looking = Looking()
    assert looking.for_s(LASTS_MS // 1_000, PARSER, DETECTOR) == []
    (blind,) = looking.for_s(60, PARSER, DETECTOR)
    assert (blind.kind, blind.trigger, blind.mint) == ("blind", "no_ingest", "")
    assert (blind.title, blind.severity) == ("You are blind: no ingest", "critical")
    assert blind.detail.startswith("No ingest is running.")
    assert "Start it" in blind.detail
    assert not looking.condition_alerts.is_clear
    assert looking.for_s(CLEAR_MS // 1_000, *WELL) == []
    (over,) = looking.for_s(60, *WELL)
    assert (over.kind, over.episode, over.n) == ("sighted", blind.episode, 1)
    assert (over.title, over.severity) == ("You see again: no ingest", "info")
    assert looking.condition_alerts.is_clear


def test_nobody_sees_again_while_the_detector_works_off_what_came_meanwhile() -> None:
    looking = Looking()
    (first,) = looking.for_s(10, INGEST, PARSER)
    behind = beat("detector", ready=False, reason="17447 messages behind")
    (second,) = looking.for_s(60, INGEST, PARSER, behind)
    assert (first.trigger, second.trigger) == ("no_detector", "detector_behind")
    assert "17447 messages behind" in second.detail
    alerts = looking.for_s(60, *WELL)
    assert [one.kind for one in alerts] == ["sighted"]
    assert {one.episode for one in (first, second, *alerts)} == {first.episode}
    assert [one.n for one in (first, second, *alerts)] == [0, 1, 2]
    assert "no detector, detector behind" in alerts[0].detail


def test_two_spells_are_two_episodes() -> None:
    looking = Looking()
    first = looking.for_s(10, PARSER, DETECTOR) + looking.for_s(20, *WELL)
    second = looking.for_s(10, PARSER, DETECTOR) + looking.for_s(20, *WELL)
    assert len({one.id for one in (*first, *second)}) == 4
    assert [one.n for one in second] == [0, 1]


def test_a_warning_is_not_called_blindness() -> None:
    looking = Looking()
    lies = replace_source(refusing="http://far:1 claims slot 9")
    (said,) = looking.for_s(10, beat("ingest", source=lies), PARSER, DETECTOR)
    assert (said.title, said.severity) == ("See to this: refused main", "warning")
    assert said.detail.startswith("Source main: http://far:1 claims slot 9.")
    (over,) = looking.for_s(20, *WELL)
    assert over.title == "All is well again: refused main"


def test_a_channel_at_fault_is_said_by_its_name_and_nobody_is_called_blind_for_it() -> None:
    looking = Looking()
    what = "holds 3 alerts: answered 403"
    trouble = Trouble(what=what, channel="hook", failing=True)
    beats = (*WELL, beat("notifier", reason=f"channel hook {what}", troubles=(trouble,)))
    held = (Channel(name="hook", waiting=3, trouble="holds 3 alerts: answered 403"),)
    (said,) = looking.for_s(600, *beats, channels=held)
    assert said.trigger == "channel_hook"
    assert said.title == "Alerts are not delivered: channel hook"
    assert said.detail.startswith("Channel hook holds 3 alerts: answered 403.")
    (over,) = looking.for_s(20, *WELL, beat("notifier"))
    assert over.title == "Alerts are delivered again: channel hook"


def test_the_all_clear_is_about_no_channel_where_there_was_more() -> None:
    looking = Looking()
    held = (Channel(name="hook", waiting=3, trouble="answered 403"),)
    notifier = beat("notifier")
    looking.for_s(10, *WELL, notifier, channels=held)
    looking.for_s(10, INGEST, PARSER, notifier)
    (over,) = looking.for_s(20, *WELL, notifier)
    assert (over.trigger, over.title) == ("all_clear", "You see again: no detector")


def test_gaps_dead_letters_and_late_events_are_each_said_when_they_grow() -> None:
    looking = Looking()
    assert looking.once(*WELL, gaps=3, dead_letters=5) == []
    more = (INGEST, PARSER, beat("detector", rates=LATE))
    found = looking.once(*more, gaps=5, dead_letters=6)
    assert [one.trigger for one in found] == ["gap", "dead_letter", "late"]
    assert found[0].detail.startswith("2 gap(s)")
    assert looking.for_s(60, *more, gaps=5, dead_letters=6) == []


def test_what_grows_all_the_time_is_said_once_a_minute_with_all_that_came() -> None:
    looking = Looking()
    found = [one for n in range(180) for one in looking.once(*WELL, dead_letters=n)]
    assert [one.detail.split()[0] for one in found] == ["1", "60", "60"]
    assert len(found) == 180_000 // GROWN_MS


def test_what_grows_holds_up_the_all_clear() -> None:
    looking = Looking()
    looking.for_s(10, INGEST, PARSER, dead_letters=0)
    kinds = [one.kind for n in range(60) for one in looking.once(*WELL, dead_letters=n)]
    assert "sighted" not in kinds
    assert [one.kind for one in looking.for_s(20, *WELL, dead_letters=59)][-1] == "sighted"


def test_a_stream_that_is_away_for_a_while_has_not_grown_when_it_is_back() -> None:
    looking = Looking()
    looking.once(*WELL, dead_letters=5, gaps=5)
    looking.once(*WELL)
    assert looking.once(*WELL, dead_letters=5, gaps=5) == []


def test_a_notifier_that_starts_again_says_nothing_twice_and_gives_the_all_clear() -> None:
    looking = Looking()
    stored = [*looking.for_s(10, PARSER, DETECTOR), *looking.for_s(10, PARSER)]
    stored += looking.for_s(10, PARSER, gaps=1) + looking.for_s(3, PARSER, gaps=2)
    assert [one.trigger for one in stored] == ["no_ingest", "no_detector", "gap"]
    again = Looking()
    # An hour later, with what another version and the detector stored.
    again.at_ms = looking.at_ms + 3_600_000
    token = msgspec.structs.replace(stored[0], mint="M" * 43, kind="opened", episode="x")
    again.condition_alerts.resume([*stored, token], again.at_ms)
    assert not again.condition_alerts.is_clear
    assert again.for_s(60, PARSER) == []
    (over,) = again.for_s(20, *WELL)
    assert (over.kind, over.episode, over.n) == ("sighted", stored[0].episode, 2)
    calm = Looking()
    calm.condition_alerts.resume([*stored, over], calm.at_ms)
    assert calm.condition_alerts.is_clear


def replace_source(**more: Any) -> SourceHealth:
    fields: dict[str, Any] = {"source": "main", "endpoint": "e", "connected": True}
    return SourceHealth(**(fields | more))
