"""Layout drift: a venue whose instructions or events suddenly cannot be explained.

A fold over what messages held, with slots as its clock: no time takes part. A few unknown
tags are normal (rare instructions); a surge is a program that changed. Several parsers share
the stream, so slots arrive out of order within a window and each parser sees its own share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pw_common.messages import LayoutDrift, UnparsedAt

# A minute of slots at 400 ms.
WINDOW_SLOTS: Final = 150
UNPARSED_MIN: Final = 3
SHARE_MIN: Final = 0.05
# How far above its usual share a venue must be, and how slowly the usual share moves.
TIMES_USUAL: Final = 3.0
USUAL_WEIGHT: Final = 0.001
SIGNATURES: Final = 3


class _Entry(NamedTuple):
    slot: int
    called: int
    unparsed: tuple[UnparsedAt, ...]
    unparsed_count: int


class _Venue:
    """One venue's last minute of slots, and the share of unparsed that is usual for it."""

    def __init__(self) -> None:
        self.entries: deque[_Entry] = deque()
        self.called = 0
        self.unparsed = 0
        self.usual = 0.0
        self.surge: tuple[int, tuple[str, ...]] | None = None

    def add(self, entry: _Entry, newest_slot: int) -> None:
        self.entries.append(entry)
        self.called += entry.called
        self.unparsed += entry.unparsed_count
        while self.entries and self.entries[0].slot <= newest_slot - WINDOW_SLOTS:
            gone = self.entries.popleft()
            self.called -= gone.called
            self.unparsed -= gone.unparsed_count

    def judge(self) -> None:
        share = self.unparsed / self.called if self.called else 0.0
        surging = (
            self.unparsed >= UNPARSED_MIN
            and share >= SHARE_MIN
            and share >= TIMES_USUAL * self.usual
        )
        if not surging:
            self.surge = None
        elif self.surge is None or len(self.surge[1]) < SIGNATURES:
            self.surge = self._examples()
        # While it surges the usual share stands still, else a change would soon look usual.
        if not surging:
            self.usual += USUAL_WEIGHT * (share - self.usual)

    def _examples(self) -> tuple[int, tuple[str, ...]] | None:
        found = sorted({(u.slot, u.signature) for e in self.entries for u in e.unparsed})
        if not found:
            return None
        return found[0][0], tuple(signature for _, signature in found[:SIGNATURES])


class DriftWatch:
    """The state of all venues; bounded, since venues are a closed set and windows by slots."""

    def __init__(self) -> None:
        self._venues: dict[str, _Venue] = {}
        self._newest_slot = 0

    def fold(
        self,
        slot: int,
        called: Mapping[str, int],
        unparsed: Iterable[UnparsedAt],
        unparsed_counts: Mapping[str, int],
    ) -> None:
        """Take one message.

        Args:
            slot: The newest slot in it; 0 where it held none.
            called: Instructions by venue.
            unparsed: Some of what could not be explained, with their signatures.
            unparsed_counts: All of it, by venue.
        """
        if slot + WINDOW_SLOTS < self._newest_slot:
            # Far back: a capture began again. Its minute is another one.
            self._venues.clear()
            self._newest_slot = slot
        self._newest_slot = max(self._newest_slot, slot)
        described = list(unparsed)
        for venue in called.keys() | unparsed_counts.keys():
            state = self._venues.setdefault(venue, _Venue())
            own = tuple(one for one in described if one.venue == venue)
            entry = _Entry(slot, called.get(venue, 0), own, unparsed_counts.get(venue, 0))
            state.add(entry, self._newest_slot)
            state.judge()

    def drifts(self) -> tuple[LayoutDrift, ...]:
        """The venues that surge now, by name."""
        return tuple(
            LayoutDrift(
                venue=name,
                first_slot=state.surge[0],
                signatures=state.surge[1],
                unparsed=state.unparsed,
                called=state.called,
            )
            for name, state in sorted(self._venues.items())
            if state.surge is not None
        )
