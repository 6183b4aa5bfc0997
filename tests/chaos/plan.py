"""Which faults, in which order: a function of the seed."""

from __future__ import annotations

import random
from typing import Final

KINDS: Final = (
    "kill parser",
    "kill detector",
    "kill ingest",
    "kill api",
    "kill history",
    "kill notifier",
    "kill broker",
    "source drops",
    "source finds us slow",
    "source replays too much",
    "source refuses",
    "queue full, ingest killed",
    "detector frozen",
    "broker frozen",
    "API flooded",
    "webhook hostile",
    "source lies",
    "channel refuses",
    "channel comes back",
)
EACH_MIN: Final = 3
# About what a fault takes with its recovery, in seconds of the run.
SPACING_S: Final = 3.4


def plan(seed: int, faults: int, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """`faults` kinds in random order, each equally often, or one more."""
    rounds = -(-faults // len(kinds))
    drawn = [kind for _ in range(rounds) for kind in kinds][:faults]
    random.Random(seed).shuffle(drawn)
    return drawn
