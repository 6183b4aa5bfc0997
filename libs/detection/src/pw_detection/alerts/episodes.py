"""When a rule fires for a token: opened once, again when it grows, closed when it ends.

A state machine over event time. Everything that it must remember is in the alerts that it
gave, so that a restart from the stored alerts goes on as if there had been none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pw_common.wire.alerts import Alert, AlertKind, Severity, alert_id, ended_of, episode_id

ESCALATIONS_MAX: Final = 5
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
Key = tuple[str, str]


@dataclass
class Open:
    """An episode that has not ended. `lead` is the lead metric's value when it last fired."""

    episode: str
    opened_slot: int
    n: int
    lead: float
    severity: Severity


@dataclass(frozen=True)
class Firing:
    """That an alert is due."""

    kind: AlertKind
    episode: str
    id: str
    n: int
    opened_slot: int
    severity: Severity


class Episodes:
    """Open episodes by (mint, rule), and when the last one of each opened."""

    def __init__(self) -> None:
        self.open: dict[Key, Open] = {}
        # How many of them each token has.
        self._mints: Counter[str] = Counter()
        self._opened_ms: dict[Key, int] = {}

    def is_open(self, mint: str) -> bool:
        """Whether a token has an open episode of any rule."""
        return mint in self._mints

    def restore(self, alerts: Iterable[Alert], session_since_ms: int) -> None:
        """Take up tokens' alerts up to the slot from which evaluation goes on, in their order.

        What opened before the session began holds nothing back any more.
        """
        for alert in alerts:
            key = (alert.mint, alert.trigger)
            if alert.kind == "closed":
                self._end(key)
                for one in ended_of(alert):
                    self._end((one.mint, alert.trigger))
                continue
            if alert.kind == "opened" and alert.event_time_ms >= session_since_ms:
                self._opened_ms[key] = alert.event_time_ms
            self._end(key)
            self._mints[alert.mint] += 1
            self.open[key] = Open(
                alert.episode, alert.opened_slot, alert.n, _lead(alert), alert.severity
            )

    def held(
        self,
        key: Key,
        slot: int,
        event_time_ms: int,
        *,
        lead: float,
        severity: Severity,
        cooldown_s: int,
        escalate_factor: float,
    ) -> Firing | None:
        """The rule holds now: an alert opens the episode, or escalates it, or nothing is due."""
        current = self.open.get(key)
        if current is None:
            last_ms = self._opened_ms.get(key)
            if last_ms is not None and 0 <= event_time_ms - last_ms < cooldown_s * 1_000:
                return None
            episode = episode_id(*key, slot)
            self.open[key] = Open(episode, slot, 0, lead, severity)
            self._mints[key[0]] += 1
            self._opened_ms[key] = event_time_ms
            return Firing("opened", episode, alert_id(episode, 0), 0, slot, severity)
        grown = current.lead > 0 and lead >= escalate_factor * current.lead
        if not grown or current.n >= ESCALATIONS_MAX:
            return None
        current.n += 1
        current.lead = lead
        at = SEVERITIES.index(current.severity)
        current.severity = SEVERITIES[min(at + 1, len(SEVERITIES) - 1)]
        return self._firing("escalated", current)

    def close(self, key: Key) -> Firing | None:
        """End an episode, if it is open."""
        current = self._end(key)
        if current is None:
            return None
        current.n += 1
        return self._firing("closed", current)

    def _end(self, key: Key) -> Open | None:
        current = self.open.pop(key, None)
        if current is not None:
            self._mints[key[0]] -= 1
            if not self._mints[key[0]]:
                del self._mints[key[0]]
        return current

    def reset(self) -> None:
        """After a discontinuity: clocks start again."""
        self._opened_ms.clear()

    def forget(self, before_ms: int) -> None:
        """Drop cooldowns that cannot matter any more."""
        for key in [key for key, ms in self._opened_ms.items() if ms < before_ms]:
            if key not in self.open:
                del self._opened_ms[key]

    def cooling_left_ms(self, key: Key, event_time_ms: int, cooldown_s: int) -> int:
        """For how long a new episode would be held back by the last one; 0 where it is not."""
        last_ms = self._opened_ms.get(key)
        if last_ms is None or event_time_ms < last_ms:
            return 0
        return max(0, last_ms + cooldown_s * 1_000 - event_time_ms)

    @staticmethod
    def _firing(kind: AlertKind, current: Open) -> Firing:
        episode, n = current.episode, current.n
        return Firing(kind, episode, alert_id(episode, n), n, current.opened_slot, current.severity)


def _lead(alert: Alert) -> float:
    """What the lead metric was, in the words of the alert itself: its rule may have changed."""
    rising = [one for one in alert.conditions if one.text.split()[1:2] in ([">"], [">="])]
    return (rising[0].value or 0.0) if rising else 0.0
