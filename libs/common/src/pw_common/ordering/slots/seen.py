"""By which filters the slots that are still open were seen, and how events are distinguished."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from pw_common.wire.coverage import is_known, narrowest
from pw_common.wire.messages import Batch


class Event(Protocol):
    """Whatever is of one transaction."""

    @property
    def signature(self) -> str:
        """The transaction's."""

    @property
    def ordinal(self) -> int:
        """Its rank there."""


def key_of(event: Event) -> Hashable:
    """An event's identity; most are alone in their transaction, and the string exists already."""
    return event.signature if event.ordinal == 0 else (event.signature, event.ordinal)


class SeenBy:
    """Slot -> source -> the narrowest filter that brought a part of it."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[str, str]] = {}

    def note(self, batch: Batch, closed: int) -> None:
        """Take a batch; up to `closed` nothing is asked for any more.

        An older version names no filter, which changes nothing: it never sees less.
        """
        for slot in [one for one in self._slots if one <= closed]:
            del self._slots[slot]
        if not is_known(batch.filter):
            return
        for slot in {event.slot for event in batch.events if event.slot > closed}:
            seen = self._slots.setdefault(slot, {})
            seen[batch.source] = narrowest((batch.filter, seen.get(batch.source, batch.filter)))

    def take(self, slot: int) -> tuple[tuple[str, str], ...]:
        """Source and filter of a slot that closes."""
        return tuple(sorted(self._slots.pop(slot, {}).items()))
