"""What is critical is said, and its end too, whatever else lasts and however slowly one looks."""

from __future__ import annotations

from typing import Any

from pw_health import Condition, Course, News
from pw_health.course import CLEAR_MS, RETURNED_MS, UNSEEN_MS
from support.health_facts import NOW_MS


def one(name: str, severity: str = "critical", **more: Any) -> Condition:
    mode = "blind" if severity == "critical" else "running"
    fields: dict[str, Any] = {"severity": severity, "mode": mode, "since_ms": NOW_MS} | more
    return Condition(name=name, why=f"{name}.", what_to_do="!", **fields)


NARROW = one("narrow", "warning")


class Looking:
    """Looks every so often."""

    def __init__(self, step_ms: int = 1_000) -> None:
        self.course = Course()
        self.at_ms = NOW_MS
        self.step_ms = step_ms

    def for_s(self, seconds: int, *found: Condition) -> list[tuple[int, News]]:
        due = []
        for _ in range(max(1, seconds * 1_000 // self.step_ms)):
            news = self.course.look(found, self.at_ms)
            if news != News():
                due.append(((self.at_ms - NOW_MS) // 1_000, news))
            self.at_ms += self.step_ms
        return due


def names(found: tuple[Condition, ...]) -> list[str]:
    return [each.name for each in found]


def test_what_is_seen_in_two_looks_has_lasted_however_far_apart_they_are() -> None:
    for step_ms in (UNSEEN_MS + 100, 60_000):
        looking = Looking(step_ms)
        assert looking.for_s(0, one("a")) == []
        ((_, news),) = looking.for_s(0, one("a"))
        assert names(news.begun) == ["a"]


def test_what_is_seen_gone_between_two_slow_looks_has_not_lasted() -> None:
    looking = Looking(6_000)
    for _ in range(10):
        assert looking.for_s(0, one("a")) == []
        assert looking.for_s(0) == []


def test_a_clock_that_is_set_back_holds_up_what_lasts_only_for_its_patience() -> None:
    looking = Looking()
    looking.for_s(1, one("a"))
    looking.at_ms -= 3_600_000
    assert len(looking.for_s(4, one("a"))) == 1


def test_a_warning_that_lasts_hides_neither_an_outage_nor_its_end() -> None:
    looking = Looking()
    assert len(looking.for_s(100, NARROW)) == 1
    ((_, begun),) = looking.for_s(30, NARROW, one("no_parser"))
    assert names(begun.begun) == ["no_parser"]
    assert not looking.course.sees
    ((at, over),) = looking.for_s(70, NARROW)
    assert at == 130 + CLEAR_MS // 1_000
    assert (names(over.clear), names(over.left)) == (["no_parser"], ["narrow"])
    assert looking.course.sees
    assert not looking.course.is_clear
    ((at, again),) = looking.for_s(60, NARROW, one("no_parser"))
    assert (at, names(again.begun)) == (202, ["no_parser"])
    looking.for_s(20, NARROW)
    ((_, last),) = looking.for_s(20)
    assert (names(last.clear), last.left) == (["narrow"], ())
    assert looking.course.is_clear


def test_an_outage_that_returns_while_another_lasts_is_said_at_once() -> None:
    looking = Looking()
    looking.for_s(10, one("a"), one("b"))
    looking.for_s(CLEAR_MS // 1_000, one("b"))
    ((at, again),) = looking.for_s(30, one("a"), one("b"))
    assert (at, names(again.begun)) == (22, ["a"])


def test_what_comes_back_before_all_is_clear_is_said_again_within_a_minute() -> None:
    looking = Looking()
    looking.for_s(5, one("a"))
    looking.for_s(9)
    said = looking.for_s(600, one("a"))
    assert [at for at, _ in said] == [2 + RETURNED_MS // 1_000]


def test_what_comes_and_goes_for_an_hour_is_said_once_a_minute_at_most() -> None:
    looking = Looking()
    said = []
    for _ in range(3_600 // 14):
        said += looking.for_s(5, one("a")) + looking.for_s(9)
    assert len(said) <= 60
    assert all(names(news.begun) == ["a"] and not news.clear for _, news in said)


def test_what_is_no_longer_critical_is_over_as_such_and_stays_to_be_seen_to() -> None:
    looking = Looking()
    looking.for_s(10, one("behind"))
    ((_, over),) = looking.for_s(60, one("behind", "warning"))
    assert (names(over.clear), names(over.left)) == (["behind"], ["behind"])
    ((_, worse),) = looking.for_s(60, one("behind"))
    assert names(worse.begun) == ["behind"]
