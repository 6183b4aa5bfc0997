"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaos.delivered import Delivered


@dataclass
class Outcome:
    """What a run delivered, and what was done to it."""

    delivered: Delivered
    landed: list[tuple[str, str]] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    # Sequence gaps that a detector gave up after a minute: for that span nothing is promised.
    given_up: int = 0
    # How often a detector dropped the oldest minutes to stay below its memory limit.
    cuts: int = 0
