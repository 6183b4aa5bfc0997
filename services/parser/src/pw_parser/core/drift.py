"""Layout drift: a venue whose instructions or events suddenly cannot be explained.

A fold over what messages held, with slots as its clock: no time takes part. A few unknown
tags are normal (rare instructions). A surge beside which the venue's trades still agree with
the balances is an addition: `new`, shown until somebody acknowledges it or a later table
explains it, and no alarm. A surge with which they stop agreeing is a program that `changed`:
an alarm for as long as it lasts. Several parsers share the stream, so slots arrive out of
order within a window and each parser sees its own share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from pw_common.wire.heartbeat import LayoutDrift
from pw_common.wire.messages import UnparsedAt

# A minute of slots at 400 ms.
WINDOW_SLOTS: Final = 150
UNPARSED_MIN: Final = 3
SHARE_MIN: Final = 0.05
# How far above its usual share a venue must be, and how slowly the usual share moves.
TIMES_USUAL: Final = 3.0
USUAL_WEIGHT: Final = 0.001
SIGNATURES: Final = 3
# Tags of one venue that are kept as new; a program adds a few at a time.
NEW_TAGS_MAX: Final = 32


class _Entry(NamedTuple):
    slot: int
    called: int
    unparsed: tuple[UnparsedAt, ...]
    unparsed_count: int
    agreed: int
    disagreed: int


class _Venue:
    """One venue's last minute of slots, and the share of unparsed that is usual for it."""

    def __init__(self) -> None:
        self.entries: deque[_Entry] = deque()
        self.called = 0
        self.unparsed = 0
        self.agreed = 0
        self.disagreed = 0
        self.usual = 0.0
        self.surge: tuple[int, tuple[str, ...]] | None = None
        # Tag -> slot and signature of its first examples.
        self.new: dict[str, list[tuple[int, str]]] = {}

    def add(self, entry: _Entry, newest_slot: int) -> None:
        self.entries.append(entry)
        self._count(entry, 1)
        while self.entries and self.entries[0].slot <= newest_slot - WINDOW_SLOTS:
            self._count(self.entries.popleft(), -1)

    def _count(self, entry: _Entry, sign: int) -> None:
        self.called += sign * entry.called
        self.unparsed += sign * entry.unparsed_count
        self.agreed += sign * entry.agreed
        self.disagreed += sign * entry.disagreed

    def judge(self, known: frozenset[str]) -> None:
        surging = self._surging()
        added = surging and self.agreed > self.disagreed
        if added:
            self._note_new(known)
        if not surging or added:
            self.surge = None
        elif self.surge is None or len(self.surge[1]) < SIGNATURES:
            self.surge = self._examples()
        # While it changes the usual share stands still, else a change would soon look usual.
        if not surging or added:
            self.usual += USUAL_WEIGHT * (self._share() - self.usual)

    def acknowledge(self, known: frozenset[str]) -> None:
        """Forget what is known now; what is known no more is new again, if it is still here."""
        for tag in known & self.new.keys():
            del self.new[tag]
        if self._surging() and self.agreed > self.disagreed:
            self._note_new(known)

    def _share(self) -> float:
        return self.unparsed / self.called if self.called else 0.0

    def _surging(self) -> bool:
        share = self._share()
        return (
            self.unparsed >= UNPARSED_MIN
            and share >= SHARE_MIN
            and share >= TIMES_USUAL * self.usual
        )

    def _note_new(self, known: frozenset[str]) -> None:
        for entry in self.entries:
            for one in entry.unparsed:
                if one.tag in known:
                    continue
                if one.tag not in self.new and len(self.new) >= NEW_TAGS_MAX:
                    continue
                seen = self.new.setdefault(one.tag, [])
                example = (one.slot, one.signature)
                if len(seen) < SIGNATURES and example not in seen:
                    seen.append(example)

    def _examples(self) -> tuple[int, tuple[str, ...]] | None:
        found = sorted({(u.slot, u.signature) for e in self.entries for u in e.unparsed})
        if not found:
            return None
        return found[0][0], tuple(signature for _, signature in found[:SIGNATURES])


_NONE: Final[Mapping[str, int]] = {}
_NO_TAGS: Final[frozenset[str]] = frozenset()


class DriftWatch:
    """The state of all venues; bounded, since venues are a closed set and windows by slots."""

    def __init__(self) -> None:
        self._venues: dict[str, _Venue] = {}
        self._newest_slot = 0
        # Apart from the venues' state, which a capture that begins again clears.
        self._acknowledged: dict[str, frozenset[str]] = {}

    def fold(
        self,
        slot: int,
        called: Mapping[str, int],
        unparsed: Iterable[UnparsedAt],
        unparsed_counts: Mapping[str, int],
        *,
        agreed: Mapping[str, int] = _NONE,
        disagreed: Mapping[str, int] = _NONE,
    ) -> None:
        """Take one message.

        Args:
            slot: The newest slot in it; 0 where it held none.
            called: Instructions by venue.
            unparsed: Some of what could not be explained, with their signatures.
            unparsed_counts: All of it, by venue.
            agreed: Swaps whose venue's event agrees with the balances, by venue.
            disagreed: Swaps whose venue's event contradicts them.
        """
        if slot + WINDOW_SLOTS < self._newest_slot:
            # Far back: a capture began again. Its minute is another one.
            self._venues.clear()
            self._newest_slot = slot
        self._newest_slot = max(self._newest_slot, slot)
        described = list(unparsed)
        for venue in called.keys() | unparsed_counts.keys():
            state = self._venues.setdefault(venue, _Venue())
            entry = _Entry(
                slot,
                called.get(venue, 0),
                tuple(one for one in described if one.venue == venue),
                unparsed_counts.get(venue, 0),
                agreed.get(venue, 0),
                disagreed.get(venue, 0),
            )
            state.add(entry, self._newest_slot)
            state.judge(self._acknowledged.get(venue, _NO_TAGS))

    def acknowledge(self, seen: Iterable[tuple[str, str]]) -> None:
        """Show these new (venue, tag) no more, and no others: they take the former ones' place."""
        by_venue: dict[str, set[str]] = {}
        for venue, tag in seen:
            by_venue.setdefault(venue, set()).add(tag)
        self._acknowledged = {venue: frozenset(tags) for venue, tags in by_venue.items()}
        for venue, state in self._venues.items():
            state.acknowledge(self._acknowledged.get(venue, _NO_TAGS))

    def drifts(self) -> tuple[LayoutDrift, ...]:
        """The venues that changed or have something new, by name."""
        found: list[LayoutDrift] = []
        for name, state in sorted(self._venues.items()):
            if state.surge is not None:
                tags = sorted({u.tag for e in state.entries for u in e.unparsed})
                found.append(_drift(name, state, *state.surge, "changed", tags))
            elif state.new:
                examples = sorted({one for seen in state.new.values() for one in seen})
                signatures = tuple(signature for _, signature in examples[:SIGNATURES])
                tags = sorted(state.new)
                found.append(_drift(name, state, examples[0][0], signatures, "new", tags))
        return tuple(found)


def _drift(
    name: str,
    state: _Venue,
    first_slot: int,
    signatures: tuple[str, ...],
    kind: Literal["changed", "new"],
    tags: list[str],
) -> LayoutDrift:
    return LayoutDrift(
        venue=name,
        first_slot=first_slot,
        signatures=signatures,
        unparsed=state.unparsed,
        called=state.called,
        kind=kind,
        tags=tuple(tags[:NEW_TAGS_MAX]),
    )
