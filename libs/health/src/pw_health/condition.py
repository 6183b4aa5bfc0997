"""A condition, and the mode that several of them give the system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pw_common.wire.alerts import Severity

Mode: TypeAlias = Literal["running", "catching_up", "backpressure", "blind"]

# The worst first.
MODES: Final[tuple[Mode, ...]] = ("blind", "backpressure", "catching_up", "running")
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")
# A condition that comes and goes within this time is not sent to anybody.
LASTS_MS: Final = 2_000
# What busy or starting services do now and then is sent only when it lasts.
PASSING_MS: Final = 30_000
# For what is reported in another way.
NEVER_MS: Final = 2**62


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Something that is wrong, under a name that stays the same while it lasts.

    `critical`: trades or alerts are missing or late. `warning`: a person should see to it, and
    nothing is lost yet. `info`: worth knowing; it is shown and never sent. `mode` is what the
    condition makes of the whole system. `patience_ms` is how long it must last to be sent.
    """

    name: str
    severity: Severity
    since_ms: int
    why: str
    what_to_do: str
    mode: Mode = "running"
    patience_ms: int = LASTS_MS

    @property
    def holds(self) -> bool:
        """Whether it keeps the all-clear back."""
        return self.severity != "info" or self.mode != "running"


def mode_of(conditions: Iterable[Condition]) -> Mode:
    """The worst that is true names the mode."""
    return min((one.mode for one in conditions), key=MODES.index, default="running")


def badness(one: Condition) -> tuple[int, int]:
    """Sorts the worst first."""
    return MODES.index(one.mode), SEVERITIES.index(one.severity)
