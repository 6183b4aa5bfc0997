"""Alerts about the system's own health: silence must mean calm. Facts in, alerts out; pure.

What is a condition, and when all is clear, is decided in `pw_health`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pw_common.wire.alerts import Alert, AlertKind, Severity, alert_id, episode_id
from pw_health import Condition, Course, News, Snapshot, conditions
from pw_health.condition import NEVER_MS, SEVERITIES

# What is counted may grow all the time: it is reported this often, with all that came since.
GROWN_MS: Final = 60_000
LATE: Final = "pw_detector_late_total"
COUNTED: Final = frozenset({"gap", "dead_letter", "late"})
CHANNEL: Final = "channel_"
# The trigger of an all-clear for more than one condition: it is about no channel alone.
ALL_CLEAR: Final = "all_clear"
# And the trigger of an all-clear for everything critical, while warnings last.
CRITICAL_OVER: Final = "critical_over"


@dataclass(frozen=True)
class Facts:
    """What is known at one moment. Counts are of all that was ever stored, None where unknown."""

    snapshot: Snapshot
    gaps: int | None = None
    dead_letters: int | None = None


@dataclass
class Spell:
    """A time in which not all was well: its alerts are one episode, and the last ends it."""

    episode: str
    began_ms: int
    n: int = 0

    @classmethod
    def beginning(cls, name: str, began_ms: int) -> Spell:
        """A spell that begins with this condition."""
        return cls(episode_id("", name, began_ms), began_ms)


@dataclass
class ConditionAlerts:
    """Knows what was reported about the system."""

    course: Course = field(default_factory=Course)
    spell: Spell | None = None
    gaps: int | None = None
    dead_letters: int | None = None
    late: int = 0
    grown_ms: dict[str, int] = field(default_factory=dict)
    # Whether the last look found nothing critical, lasting or not.
    safe: bool = False

    @property
    def sees(self) -> bool:
        """Whether the dead man's switch may be pressed: warnings do not count."""
        return self.safe and self.course.sees

    @property
    def is_clear(self) -> bool:
        """Everything that was reported is over."""
        return self.course.is_clear

    def resume(self, stored: Iterable[Alert], at_ms: int) -> None:
        """Go on where an earlier notifier ended.

        Args:
            stored: Alerts in the order in which they were stored, the newest last.
        """
        open_ones: list[Alert] = []
        last_n = 0
        for one in stored:
            if one.mint or one.trigger in COUNTED or one.kind not in {"blind", "sighted"}:
                continue
            last_n = one.n
            if one.kind == "sighted" and one.trigger == CRITICAL_OVER:
                open_ones = [each for each in open_ones if each.severity != "critical"]
            elif one.kind == "sighted" or (open_ones and open_ones[0].episode != one.episode):
                open_ones.clear()
            if one.kind == "blind":
                open_ones.append(one)
        if not open_ones:
            return
        self.course.resume(map(_said_before, open_ones), at_ms)
        first = open_ones[0]
        self.spell = Spell(first.episode, first.event_time_ms, last_n + 1)

    def look(self, facts: Facts) -> list[Alert]:
        """Alerts that are due now."""
        at_ms = facts.snapshot.at_ms
        alerts, growing = self._grown(facts)
        found = conditions(facts.snapshot)
        self.safe = all(one.severity != "critical" for one in found)
        news = self.course.look([*found, *growing], at_ms)
        for one in news.begun:
            if self.spell is None:
                self.spell = Spell.beginning(one.name, one.since_ms)
            title = f"{_begins(one)}: {_words(one.name)}"
            detail = f"{one.why} {one.what_to_do}"
            alerts.append(self._alert("blind", one.name, one.severity, title, detail, at_ms))
        if news.clear:
            alerts.append(self._all_clear(news, at_ms))
        return alerts

    def _all_clear(self, news: News, at_ms: int) -> Alert:
        """One alert for all that is over; unless warnings last, it ends the whole spell."""
        over = news.clear
        # A channel is not sent alerts about itself.
        others = [one for one in over if not one.name.startswith(CHANNEL)]
        about = min(others or over, key=lambda one: SEVERITIES.index(one.severity))
        spell = self.spell or Spell.beginning(about.name, about.since_ms)
        began_ms = min(one.since_ms for one in over)
        if self.is_clear:
            began_ms = min(began_ms, spell.began_ms)
        names = f": {_names(over)}" if len(over) > 1 else ""
        title = f"{_ends(about)}: {_words(about.name)}"
        detail = f"Over after {(at_ms - began_ms) // 1_000} s{names}."
        if news.left:
            detail += f" Still to be seen to: {_names(news.left)}."
        trigger = about.name if len(over) == 1 else ALL_CLEAR
        if not self.is_clear:
            trigger = CRITICAL_OVER
        alert = self._alert("sighted", trigger, "info", title, detail, at_ms)
        if self.is_clear:
            self.spell = None
        return alert

    def _alert(
        self, kind: AlertKind, name: str, severity: Severity, title: str, detail: str, at_ms: int
    ) -> Alert:
        spell = self.spell or Spell.beginning(name, at_ms)
        alert = _alert(spell.episode, spell.n, kind, name, severity, title, detail, at_ms)
        spell.n += 1
        return alert

    def _grown(self, facts: Facts) -> tuple[list[Alert], list[Condition]]:
        """What is counted and never goes back: reported once a minute at the most.

        While it grows, all is not clear.
        """
        at_ms = facts.snapshot.at_ms
        late = sum(
            beat.said.rates[LATE].total for beat in facts.snapshot.beats if LATE in beat.said.rates
        )
        counts = (
            ("gap", self.gaps, facts.gaps, "gap(s) recorded: slots that the source did not give"),
            ("dead_letter", self.dead_letters, facts.dead_letters, "update(s) could not be read"),
            # A detector that starts again counts from 0.
            (
                "late",
                self.late,
                max(self.late, late),
                "event(s) came after their slot had closed",
            ),
        )
        alerts, growing, known = [], [], []
        for name, before, now, what in counts:
            grown = 0 if before is None or now is None else max(0, now - before)
            due = at_ms - self.grown_ms.get(name, at_ms - GROWN_MS) >= GROWN_MS
            known.append(before if now is None or (grown and not due) else now)
            if grown:
                growing.append(_growing(name, at_ms))
            if grown and due:
                self.grown_ms[name] = at_ms
                title, detail = f"Something is missing: {_words(name)}", f"{grown} {what}."
                episode = episode_id("", name, at_ms)
                alerts.append(_alert(episode, 0, "blind", name, "critical", title, detail, at_ms))
        self.gaps, self.dead_letters, self.late = known[0], known[1], known[2] or 0
        return alerts, growing


def _said_before(one: Alert) -> Condition:
    return Condition(
        name=one.trigger, severity=one.severity, since_ms=one.event_time_ms, why=one.detail,
        what_to_do="", mode="blind",
    )  # fmt: skip


def _growing(name: str, at_ms: int) -> Condition:
    """What keeps the all-clear back; its growth is reported."""
    return Condition(
        name=name, severity="critical", since_ms=at_ms, why="", what_to_do="", mode="catching_up",
        patience_ms=NEVER_MS,
    )  # fmt: skip


def _begins(one: Condition) -> str:
    if one.name.startswith(CHANNEL):
        return "Alerts are not delivered"
    return "You are blind" if one.severity == "critical" else "See to this"


def _ends(one: Condition) -> str:
    if one.name.startswith(CHANNEL):
        return "Alerts are delivered again"
    return "You see again" if one.severity == "critical" else "All is well again"


def _names(several: Iterable[Condition]) -> str:
    return ", ".join(_words(one.name) for one in several)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _alert(
    episode: str, n: int, kind: AlertKind, name: str, severity: Severity, title: str, detail: str,
    at_ms: int,
) -> Alert:  # fmt: skip
    return Alert(
        id=alert_id(episode, n),
        episode=episode,
        n=n,
        kind=kind,
        trigger=name,
        severity=severity,
        slot=0,
        opened_slot=0,
        event_time_ms=at_ms,
        title=title,
        detail=detail,
    )
