"""What held when: what is due to be said, and when all is clear. Pure; the clock is given in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from pw_health.condition import SEVERITIES, Condition

# All is clear when no condition has been left for this long.
CLEAR_MS: Final = 10_000
# Between two looks that are further apart than this, anything may have been.
UNSEEN_MS: Final = 5_000
# A condition that comes back while others last is not said again before this.
AGAIN_MS: Final = 600_000


@dataclass
class Since:
    """When each condition began: by the facts, or else when it was first seen.

    A condition that was away for less than `CLEAR_MS` is the same one.
    """

    _began_ms: dict[str, int] = field(default_factory=dict)
    _seen_ms: dict[str, int] = field(default_factory=dict)

    def of(self, found: Iterable[Condition], at_ms: int) -> tuple[Condition, ...]:
        """The conditions with `since_ms` as it is known by now."""
        gone = [n for n, seen_ms in self._seen_ms.items() if abs(at_ms - seen_ms) >= CLEAR_MS]
        for name in gone:
            del self._began_ms[name], self._seen_ms[name]
        known = []
        for one in found:
            began_ms = min(one.since_ms, self._began_ms.get(one.name, at_ms))
            self._began_ms[one.name], self._seen_ms[one.name] = began_ms, at_ms
            known.append(replace(one, since_ms=began_ms))
        return tuple(known)


@dataclass(frozen=True)
class Said:
    """A condition that was said, and when."""

    condition: Condition
    at_ms: int


@dataclass(frozen=True)
class News:
    """What is due after a look. `clear` is what is over, all of it; empty unless all is clear."""

    begun: tuple[Condition, ...] = ()
    clear: tuple[Condition, ...] = ()


@dataclass
class Course:
    """One spell of trouble after the other: each condition is said once, the all-clear last."""

    since: Since = field(default_factory=Since)
    said: dict[str, Said] = field(default_factory=dict)
    _held_since_ms: dict[str, int] = field(default_factory=dict)
    _quiet_since_ms: int | None = None
    _looked_ms: int | None = None

    @property
    def is_clear(self) -> bool:
        """Nothing was said that is not over."""
        return not self.said

    def resume(self, said: Iterable[Condition], at_ms: int) -> None:
        """Go on from what was said before a restart: it is not said again, and is to be cleared."""
        for one in self.since.of(said, at_ms):
            self.said[one.name] = Said(one, at_ms)

    def look(self, found: Iterable[Condition], at_ms: int) -> News:
        """Take in what holds at this moment, by the clock that the snapshots have."""
        if self._looked_ms is not None and not 0 <= at_ms - self._looked_ms <= UNSEEN_MS:
            # Nobody looked, or the clock was set: what has lasted begins to count again.
            self._quiet_since_ms = None
            self._held_since_ms.clear()
        self._looked_ms = at_ms
        holding = [one for one in self.since.of(found, at_ms) if one.holds]
        begun = tuple(one for one in self._lasting(holding, at_ms) if self._is_news(one, at_ms))
        for one in begun:
            self.said[one.name] = Said(one, at_ms)
        if holding:
            self._quiet_since_ms = None
            return News(begun)
        if self._quiet_since_ms is None:
            self._quiet_since_ms = at_ms
        if not self.said or at_ms - self._quiet_since_ms < CLEAR_MS:
            return News(begun)
        over = tuple(one.condition for one in self.said.values())
        self.said.clear()
        return News(begun, over)

    def _lasting(self, holding: list[Condition], at_ms: int) -> list[Condition]:
        """Those that were seen without a break for as long as they must be to be said."""
        names = {one.name for one in holding}
        self._held_since_ms = {n: ms for n, ms in self._held_since_ms.items() if n in names}
        lasting = []
        for one in holding:
            began_ms = self._held_since_ms.setdefault(one.name, at_ms)
            if at_ms - began_ms >= one.patience_ms:
                lasting.append(one)
        return lasting

    def _is_news(self, one: Condition, at_ms: int) -> bool:
        """Whether it was not said, is worse than what was, or is back long after that."""
        before = self.said.get(one.name)
        if before is None:
            return True
        if SEVERITIES.index(one.severity) < SEVERITIES.index(before.condition.severity):
            return True
        returned = one.since_ms > before.condition.since_ms
        return returned and at_ms - before.at_ms >= AGAIN_MS
