"""When to leave an endpoint for a standby: pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

# About twenty seconds of chain: a hiccup is not worth a new stream.
BEHIND_SLOTS: Final = 50
# Further apart than this are two chains, of which the one we follow is right.
OTHER_CHAIN_SLOTS: Final = 5_000
LOOKS: Final = 3


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
