"""When a condition is said, when it is not said again, and when all is clear."""

from __future__ import annotations

from typing import Any

from pw_health import Condition, Course, News, Since
from pw_health.condition import LASTS_MS
from pw_health.course import AGAIN_MS, CLEAR_MS, UNSEEN_MS
from support.health_facts import NOW_MS


def one(name: str, since_ms: int = NOW_MS, **more: Any) -> Condition:
    fields: dict[str, Any] = {"severity": "critical", "mode": "blind"} | more
    return Condition(name=name, since_ms=since_ms, why=f"{name}.", what_to_do="!", **fields)


class Looking:
    """Looks once a second."""

    def __init__(self) -> None:
        self.course = Course()
        self.at_ms = NOW_MS

    def for_s(self, seconds: int, *found: Condition) -> list[tuple[int, News]]:
        """What is due, by the second since the start."""
        due = []
        for _ in range(seconds):
            news = self.course.look(found, self.at_ms)
            if news != News():
                due.append(((self.at_ms - NOW_MS) // 1_000, news))
            self.at_ms += 1_000
        return due


def names(found: tuple[Condition, ...]) -> list[str]:
    return [each.name for each in found]


def test_a_detector_that_comes_back_behind_is_no_all_clear() -> None:
    looking = Looking()
    (said,) = looking.for_s(10, one("no_detector"))
    assert (said[0], names(said[1].begun)) == (LASTS_MS // 1_000, ["no_detector"])
    # It is back, and works off what came meanwhile.
    (said,) = looking.for_s(60, one("detector_behind"))
    assert (said[0], names(said[1].begun), said[1].clear) == (12, ["detector_behind"], ())
    (said,) = looking.for_s(60)
    assert said[0] == 70 + CLEAR_MS // 1_000
    assert names(said[1].clear) == ["no_detector", "detector_behind"]
    assert looking.course.is_clear


def test_a_warning_that_comes_and_goes_is_said_once_and_holds_up_the_all_clear() -> None:
    looking = Looking()
    warning = one("a", severity="warning", mode="running")
    assert len(looking.for_s(5, warning)) == 1
    for _ in range(20):
        assert looking.for_s(9) == []
        assert looking.for_s(5, warning) == []
    assert [at for at, _ in looking.for_s(20)] == [5 + 20 * 14 + 10]


def test_a_warning_that_returns_beside_another_is_said_again_only_after_a_while() -> None:
    looking = Looking()
    a, b = (one(name, severity="warning", mode="running") for name in "ab")
    looking.for_s(5, a, b)
    looking.for_s(20, b)
    assert looking.for_s(60, a, b) == []
    looking.for_s(AGAIN_MS // 1_000, b)
    (said,) = looking.for_s(5, a, b)
    assert names(said[1].begun) == ["a"]


def test_what_gets_worse_is_said_again_once() -> None:
    looking = Looking()
    looking.for_s(5, one("a", severity="warning"))
    (said,) = looking.for_s(5, one("a"))
    assert names(said[1].begun) == ["a"]
    assert looking.for_s(5, one("a", severity="warning")) == []
    assert looking.for_s(5, one("a")) == []


def test_a_note_is_never_said_and_does_not_stand_against_the_all_clear() -> None:
    looking = Looking()
    note = one("note", severity="info", mode="running")
    looking.for_s(5, one("a"), note)
    (said,) = looking.for_s(20, note)
    assert names(said[1].clear) == ["a"]


def test_what_is_not_looked_at_is_not_quiet() -> None:
    looking = Looking()
    looking.for_s(5, one("a"))
    looking.for_s(3)
    looking.at_ms += UNSEEN_MS
    assert [at for at, _ in looking.for_s(20)] == [5 + 3 + 5 + 10]
    looking = Looking()
    looking.for_s(5, one("a"))
    looking.for_s(3)
    looking.at_ms -= 60_000
    assert [at for at, _ in looking.for_s(20)] == [5 + 3 - 60 + 10]


def test_a_condition_began_when_it_was_first_seen_or_earlier_where_the_facts_say_so() -> None:
    since = Since()
    assert since.of([one("a", NOW_MS)], NOW_MS)[0].since_ms == NOW_MS
    assert since.of([one("a", NOW_MS + 1_000)], NOW_MS + 1_000)[0].since_ms == NOW_MS
    assert since.of([one("a", NOW_MS - 9)], NOW_MS + 2_000)[0].since_ms == NOW_MS - 9
    assert since.of([], NOW_MS + 11_000) == ()
    late_ms = NOW_MS + 2_000 + CLEAR_MS
    assert since.of([one("a", late_ms)], late_ms)[0].since_ms == late_ms
