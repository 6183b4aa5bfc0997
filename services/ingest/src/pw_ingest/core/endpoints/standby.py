"""When to leave an endpoint for a standby, and when all of them were asked: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from pw_ingest.core.sequencing.resume import OUT_OF_RANGE

# About twenty seconds of chain: a hiccup is not worth a new stream.
BEHIND_SLOTS: Final = 50
# Further apart than this are two chains, of which the one we follow is right.
OTHER_CHAIN_SLOTS: Final = 5_000
LOOKS: Final = 3
# An endpoint that ended this often without a word is not worth waiting for.
SILENT_MAX: Final = 2


class Look(NamedTuple):
    """Where the active endpoint and the best standby stood at one moment."""

    active: int
    slot: int
    standby_slot: int


def should_switch(looks: Sequence[Look]) -> bool:
    """Whether the active endpoint was far behind a standby in each of the last looks."""
    last = looks[-LOOKS:]
    return (
        len(last) == LOOKS
        and len({look.active for look in last}) == 1
        and all(BEHIND_SLOTS < look.standby_slot - look.slot < OTHER_CHAIN_SLOTS for look in last)
    )


class Answers:
    """What the endpoints answered to what we need, since one of them last gave us anything."""

    def __init__(self) -> None:
        self._refused: dict[int, str] = {}
        self._silent: Counter[int] = Counter()

    def refused(self, endpoint: int, code: str) -> None:
        """It does not have it; `code` is gRPC's name for why."""
        self._refused[endpoint] = code

    def silent(self, endpoint: int) -> None:
        """Its stream ended without an update and without a refusal."""
        self._silent[endpoint] += 1

    def clear(self) -> None:
        """Something came, or something else is needed now."""
        self._refused.clear()
        self._silent.clear()

    def are_complete(self, endpoints: int, denied: AbstractSet[int]) -> bool:
        """Whether every endpoint refused, is away, or (`denied`) does not take our token."""
        away = {one for one, times in self._silent.items() if times >= SILENT_MAX}
        return len(self._refused.keys() | away | denied) == endpoints

    def with_less(self) -> list[int]:
        """Those that have a part of it: their window begins too late."""
        return [one for one, code in self._refused.items() if code == OUT_OF_RANGE]
