"""What held when: what is due to be reported, and when all is clear. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from pw_health.condition import SEVERITIES, Condition

# All is clear when no condition has been left for this long.
CLEAR_MS: Final = 10_000
# Between two looks that are further apart than this, anything may have been: it was not quiet.
UNSEEN_MS: Final = 5_000
# A warning that comes back while others last is not reported again before this.
AGAIN_MS: Final = 600_000
# Nor is what is critical, where it was away for less than `CLEAR_MS`.
RETURNED_MS: Final = 60_000


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


@dataclass
class Said:
    """A reported condition: when, and since when it was not seen as bad as that again."""

    condition: Condition
    at_ms: int
    gone_ms: int | None = None
    away_ms: int = 0

    @property
    def is_critical(self) -> bool:
        """Whether somebody waits to hear that it is over."""
        return self.condition.severity == "critical"

    def see(self, one: Condition | None, at_ms: int) -> None:
        """Note the present condition; None: it does not hold."""
        if one is None or _rank(one) > _rank(self.condition):
            self.gone_ms = at_ms if self.gone_ms is None else self.gone_ms
        elif self.gone_ms is not None:
            # The longest absence counts: what flickers at its return was away nevertheless.
            self.away_ms = max(self.away_ms, at_ms - self.gone_ms)
            self.gone_ms = None

    def is_due_again(self, at_ms: int) -> bool:
        """Whether its return is news."""
        if not self.away_ms:
            return False
        if not self.is_critical:
            return at_ms - self.at_ms >= AGAIN_MS
        return self.away_ms >= CLEAR_MS or at_ms - self.at_ms >= RETURNED_MS


@dataclass(frozen=True)
class News:
    """What is due after a look.

    `clear` is what is over: all that was reported or, where others last, all that was critical.
    `left` is what was reported and lasts.
    """

    begun: tuple[Condition, ...] = ()
    clear: tuple[Condition, ...] = ()
    left: tuple[Condition, ...] = ()


@dataclass
class Course:
    """One spell of trouble after the other: each condition is reported once, the all-clear last."""

    since: Since = field(default_factory=Since)
    said: dict[str, Said] = field(default_factory=dict)
    _held_since_ms: dict[str, int] = field(default_factory=dict)
    # Since when nothing holds, and since when nothing critical does.
    _quiet_since_ms: int | None = None
    _safe_since_ms: int | None = None
    _looked_ms: int | None = None

    @property
    def is_clear(self) -> bool:
        """Everything that was reported is over."""
        return not self.said

    @property
    def sees(self) -> bool:
        """Everything critical that was reported is over."""
        return not any(one.is_critical for one in self.said.values())

    def resume(self, said: Iterable[Condition], at_ms: int) -> None:
        """Go on from what was reported before a restart: not again, but it is to be cleared."""
        for one in self.since.of(said, at_ms):
            self.said[one.name] = Said(one, at_ms)

    def look(self, found: Iterable[Condition], at_ms: int) -> News:
        """Take in what holds at this moment, by the clock that the snapshots have."""
        if self._looked_ms is not None and not 0 <= at_ms - self._looked_ms <= UNSEEN_MS:
            # Nobody looked, or the clock was set: nothing is known to have been quiet. What
            # was seen before and is seen now has lasted, as far as anybody can tell.
            self._quiet_since_ms = self._safe_since_ms = None
        self._looked_ms = at_ms
        holding = [one for one in self.since.of(found, at_ms) if one.holds]
        by_name = {one.name: one for one in holding}
        for name, said in self.said.items():
            said.see(by_name.get(name), at_ms)
        begun = tuple(one for one in self._lasting(holding, at_ms) if self._is_news(one, at_ms))
        for one in begun:
            self.said[one.name] = Said(one, at_ms)
        critical = any(one.severity == "critical" for one in holding)
        self._quiet_since_ms = _calm_since(self._quiet_since_ms, bool(holding), at_ms)
        self._safe_since_ms = _calm_since(self._safe_since_ms, critical, at_ms)
        over, left = self._over(by_name, at_ms)
        return News(begun, over, left)

    def _over(
        self, holding: dict[str, Condition], at_ms: int
    ) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
        """What has been over for long enough, and what of the rest lasts."""
        if self._quiet_since_ms is not None and at_ms - self._quiet_since_ms >= CLEAR_MS:
            over = tuple(one.condition for one in self.said.values())
            self.said.clear()
            return over, ()
        if self._safe_since_ms is None or at_ms - self._safe_since_ms < CLEAR_MS:
            return (), ()
        over = tuple(one.condition for one in self.said.values() if one.is_critical)
        if not over or not holding:
            # Where nothing holds at all, the whole all-clear is at most a moment away.
            return (), ()
        for one in over:
            del self.said[one.name]
            if one.name in holding:
                self.said[one.name] = Said(holding[one.name], at_ms)
        return over, tuple(one for name, one in holding.items() if name in self.said)

    def _lasting(self, holding: list[Condition], at_ms: int) -> list[Condition]:
        """Those that were not away for as long as they must hold to be reported."""
        names = {one.name for one in holding}
        # After the clock was set back nobody must wait for the old time.
        self._held_since_ms = {
            n: min(ms, at_ms) for n, ms in self._held_since_ms.items() if n in names
        }
        lasting = []
        for one in holding:
            began_ms = self._held_since_ms.setdefault(one.name, at_ms)
            if at_ms - began_ms >= one.patience_ms:
                lasting.append(one)
        return lasting

    def _is_news(self, one: Condition, at_ms: int) -> bool:
        """Whether it was not reported, is worse than what was, or is back after it was gone."""
        before = self.said.get(one.name)
        if before is None or _rank(one) < _rank(before.condition):
            return True
        return _rank(one) == _rank(before.condition) and before.is_due_again(at_ms)


def _rank(one: Condition) -> int:
    return SEVERITIES.index(one.severity)


def _calm_since(known_ms: int | None, disturbed: bool, at_ms: int) -> int | None:
    if disturbed:
        return None
    return at_ms if known_ms is None else known_ms
