"""Programs that no table names and that trade all the same: how much, since when, where to look.

A fold over closed slots, so that any number of parsers and every restart give the same. It
covers two hours in steps of ten minutes. Each step notes a bounded number of programs, in chain
order, and counts what it leaves out: what a step holds depends on its own swaps and on nothing
before them, and a restart that folds the horizon again finds the same.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from heapq import nsmallest
from math import ceil
from typing import Final

import msgspec

from pw_common.ordering.assembly import ClosedSlot
from pw_common.text.base58 import is_address
from pw_common.wire.alerts import Alert, alert_id, episode_id
from pw_common.wire.messages import UNLISTED_VENUE, Swap
from pw_detection.state.windows import Span

WINDOW: Final = Span("2h", 600_000, 12)
# A program with this share of all swaps is worth a line in the table of programs.
NOTICE_SHARE: Final = Fraction(1, 100)
# Below this many swaps a share says nothing: the first swap after a start would be all of them.
NOTICE_SWAPS_MIN: Final = 5_000
TRIGGER: Final = "unlisted_program"
# A step notes no more of them; mainnet has some dozens.
PROGRAMS_MAX: Final = 512
SIGNATURES: Final = 3
SHOWN_MAX: Final = 100
# Each was a hundredth of all swaps once. PW_ALERT refuses a notice that it has already.
NOTICED_MAX: Final = 1_000
# A program within a step, with its signatures: by tracemalloc.
ENTRY_BYTES: Final = 1_000


class UnlistedProgram(msgspec.Struct, frozen=True, kw_only=True):
    """One program. `first_slot` and `signatures` are the first ones within the window.

    `noticed_slot` is where its notice was given, null while none was.
    """

    program: str
    swaps: int
    share: float
    first_slot: int
    signatures: tuple[str, ...]
    noticed_slot: int | None = None


class UnlistedPrograms(msgspec.Struct, frozen=True, kw_only=True):
    """The window at an event time: all swaps, those through such programs, and the programs.

    A swap through two of them counts for both, and once in `unlisted_swaps`. `left_out` counts
    passages through programs beyond the bound. `programs` is how many there are, `shown` those
    that trade most.
    """

    since_ms: int = 0
    event_time_ms: int = 0
    swaps: int = 0
    unlisted_swaps: int = 0
    left_out: int = 0
    programs: int = 0
    shown: tuple[UnlistedProgram, ...] = ()


class _Seen:
    """A program within a step. `firsts` are (slot, index, signature), the least ones."""

    __slots__ = ("count", "firsts")

    def __init__(self) -> None:
        self.count = 0
        self.firsts: list[tuple[int, int, str]] = []


class _Step:
    """Ten minutes."""

    __slots__ = ("left_out", "programs", "swaps", "unlisted")

    def __init__(self) -> None:
        self.swaps = self.unlisted = self.left_out = 0
        # By venue, which is the program with what says that it is not listed.
        self.programs: dict[str, _Seen] = {}


class Unlisted:
    """The fold, and for which programs a notice was given."""

    def __init__(self) -> None:
        self.event_time_ms = 0
        self.since_ms = 0
        self.swaps = 0
        self.unlisted_swaps = 0
        self.left_out = 0
        # Since this process began, for a counter.
        self.left_out_total = 0
        self._steps: dict[int, _Step] = {}
        self._counts: Counter[str] = Counter()
        self._entries = 0
        # Program -> the slot of its notice, in the order in which they were given.
        self._noticed: dict[str, int] = {}

    @property
    def bytes_held(self) -> int:
        """How much memory it takes, in bytes."""
        return ENTRY_BYTES * self._entries

    @property
    def programs(self) -> int:
        """How many such programs are in the window."""
        return len(self._counts)

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Take up which notices were given, from what is stored, in its order."""
        for alert in alerts:
            program = program_of(alert)
            if program:
                self._notice(program, alert.slot)

    def begin(self, since_ms: int) -> None:
        """A discontinuity: the window is empty, what was noticed stays so."""
        self._steps.clear()
        self._counts.clear()
        self.since_ms = since_ms
        self.swaps = self.unlisted_swaps = self.left_out = self._entries = 0

    def fold(self, closed: ClosedSlot) -> set[str]:
        """Count a slot's swaps; returns the venues of those that no table names."""
        self.event_time_ms = closed.event_time_ms
        self._drop_old()
        return self._take(closed.swaps, closed.event_time_ms)

    def amend(self, filled: ClosedSlot) -> None:
        """Count what a gap had hidden, where it is not too old."""
        if filled.event_time_ms >= WINDOW.first_ms(self.event_time_ms):
            self._take(filled.swaps, filled.event_time_ms)

    def due(self, touched: Iterable[str], slot: int) -> list[Alert]:
        """The notices of a slot's programs that pass the share now, each given once."""
        if self.swaps < NOTICE_SWAPS_MIN:
            return []
        least = ceil(NOTICE_SHARE * self.swaps)
        alerts = []
        for venue in sorted(touched):
            program = venue.removeprefix(UNLISTED_VENUE)
            count = self._counts[venue]
            if count < least or program in self._noticed:
                continue
            self._notice(program, slot)
            alerts.append(_notice_of(self._program(venue), self.swaps, slot, self.event_time_ms))
        return alerts

    def report(self) -> UnlistedPrograms:
        """The window as it is now."""
        most = nsmallest(SHOWN_MAX, self._counts.items(), key=lambda one: (-one[1], one[0]))
        return UnlistedPrograms(
            since_ms=max(self.since_ms, WINDOW.first_ms(self.event_time_ms)),
            event_time_ms=self.event_time_ms,
            swaps=self.swaps,
            unlisted_swaps=self.unlisted_swaps,
            left_out=self.left_out,
            programs=len(self._counts),
            shown=tuple(self._program(venue) for venue, _ in most),
        )

    def _take(self, swaps: tuple[Swap, ...], event_time_ms: int) -> set[str]:
        touched: set[str] = set()
        if not swaps:
            return touched
        step = self._steps.setdefault(event_time_ms // WINDOW.step_ms, _Step())
        step.swaps += len(swaps)
        self.swaps += len(swaps)
        for swap in swaps:
            for venue in swap.venues:
                if venue.startswith(UNLISTED_VENUE):
                    self._count(step, swap, touched)
                    break
        return touched

    def _count(self, step: _Step, swap: Swap, touched: set[str]) -> None:
        step.unlisted += 1
        self.unlisted_swaps += 1
        for venue in dict.fromkeys(swap.venues):
            if not venue.startswith(UNLISTED_VENUE):
                continue
            seen = step.programs.get(venue)
            if seen is None:
                # Text that is not an address is never shown.
                if len(step.programs) >= PROGRAMS_MAX or not is_address(
                    venue.removeprefix(UNLISTED_VENUE)
                ):
                    step.left_out += 1
                    self.left_out += 1
                    self.left_out_total += 1
                    continue
                seen = step.programs[venue] = _Seen()
                self._entries += 1
            seen.count += 1
            self._counts[venue] += 1
            touched.add(venue)
            firsts = seen.firsts
            if len(firsts) < SIGNATURES or swap.slot <= firsts[-1][0]:
                place = (swap.slot, swap.index, swap.signature)
                if place not in firsts:
                    insort(firsts, place)
                    del firsts[SIGNATURES:]

    def _drop_old(self) -> None:
        first = WINDOW.first_ms(self.event_time_ms) // WINDOW.step_ms
        for number in [one for one in self._steps if one < first]:
            step = self._steps.pop(number)
            self.swaps -= step.swaps
            self.unlisted_swaps -= step.unlisted
            self.left_out -= step.left_out
            self._entries -= len(step.programs)
            for venue, seen in step.programs.items():
                self._counts[venue] -= seen.count
                if not self._counts[venue]:
                    del self._counts[venue]

    def _program(self, venue: str) -> UnlistedProgram:
        program = venue.removeprefix(UNLISTED_VENUE)
        firsts = [
            place
            for number in sorted(self._steps)
            if venue in self._steps[number].programs
            for place in self._steps[number].programs[venue].firsts
        ]
        return UnlistedProgram(
            program=program,
            swaps=self._counts[venue],
            share=round(self._counts[venue] / self.swaps, 6),
            first_slot=firsts[0][0],
            signatures=tuple(signature for _, _, signature in firsts[:SIGNATURES]),
            noticed_slot=self._noticed.get(program),
        )

    def _notice(self, program: str, slot: int) -> None:
        self._noticed.setdefault(program, slot)
        if len(self._noticed) > NOTICED_MAX:
            del self._noticed[next(iter(self._noticed))]


def program_of(alert: Alert) -> str:
    """The program that an alert is the notice of, empty where it is another alert."""
    if alert.mint or alert.trigger != TRIGGER or not alert.venues:
        return ""
    program = alert.venues[0].removeprefix(UNLISTED_VENUE)
    return program if is_address(program) else ""


def _notice_of(one: UnlistedProgram, swaps: int, slot: int, event_time_ms: int) -> Alert:
    """Its id is the program's alone: PW_ALERT takes no second one from any detector."""
    episode = episode_id(one.program, TRIGGER, 0)
    return Alert(
        id=alert_id(episode, 0),
        episode=episode,
        n=0,
        kind="opened",
        trigger=TRIGGER,
        severity="info",
        slot=slot,
        opened_slot=one.first_slot,
        event_time_ms=event_time_ms,
        title=f"Unlisted program trades: {one.program}",
        detail=(
            f"{one.program} is in no table and has {100 * one.share:.1f} % of {swaps} swaps, "
            f"since slot {one.first_slot}. Its trades are read from balances; name it in the "
            f"table of programs, as a venue or as no exchange."
        ),
        evidence=one.signatures,
        venues=(UNLISTED_VENUE + one.program,),
        links={"solscan": f"https://solscan.io/account/{one.program}"},
    )
