"""Which endpoint is asked next, and from which slot: events in, decisions out. Pure.

    a stream ended                            | decision
    while another endpoint's goes on (a race) | JOINS: this one again, where it can
    after updates, or it was asked for none   | GOES_ON: the next endpoint, from what is needed
    without one, for the moment               | GOES_ON: as before, no earlier than was asked
    refused, fewer than three times in a row  | GOES_ON: as before
    it cannot give that; one was not asked    | GOES_ON: the next endpoint, from what is needed
    it cannot give that; all were asked       | BREAKS: at the one that has most of it, or live
    it does not take our token                | at once the next; in a race this one, rarely
    nobody takes our token                    | give up

    an endpoint | is asked
    standing    | in turn, after the one before it
    left        | where none is standing: it claimed what cannot be
    denied      | where there is no other: it does not take our token

"It cannot give that" is: its window begins later, it replays nothing, it refused three times in
a row for no passing reason, or an update that is too large ended three streams at one place. A
race has each endpoint follow itself, and its first slot to join at is its own affair. Nothing
is skipped but by BREAKS, which says why: what lies between becomes a gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final, NamedTuple

from pw_ingest.core.endpoints.standby import Answers
from pw_ingest.core.sequencing.resume import (
    OUT_OF_RANGE,
    TOO_LARGE,
    WINDOW_EXCEEDED,
    Plan,
    TooLarge,
    after_end,
    is_passing,
)

DENIED: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})


class End(NamedTuple):
    """How a stream ended. `asked_slot` is where it was to begin, None for live."""

    endpoint: int
    asked_slot: int | None
    received: bool
    code: str
    details: str
    newest_slot: int
    is_too_large: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether nothing came of what was asked for."""
        return not self.received and self.asked_slot is not None


class Facts(NamedTuple):
    """What holds when the next stream is chosen.

    `resume_from` is the first slot that is needed, `standing` who was not left for what it
    claimed, `is_carried` whether another endpoint's stream goes on.
    """

    resume_from: int | None
    standing: AbstractSet[int]
    is_carried: bool = False


class Wait(Enum):
    """How long to wait before the next stream."""

    USUAL = "usual"
    RARELY = "rarely"
    NONE = "none"
    GIVE_UP = "give up"


class Kind(Enum):
    """What the next stream is to the session."""

    JOINS = "joins"
    GOES_ON = "goes on"
    BREAKS = "breaks"


class Next(NamedTuple):
    """The next stream."""

    kind: Kind
    endpoint: int
    plan: Plan


class AskWindows(NamedTuple):
    """No endpoint has all that is needed: ask these where they begin, then `least_lost`."""

    endpoint: int
    plan: Plan
    others: tuple[int, ...]
    resume_from: int


class Succession:
    """What the endpoints have said, and which one is active."""

    def __init__(self, endpoints: int, *, races: bool) -> None:
        self._endpoints = endpoints
        self.races = races
        self.active = 0
        # Those that do not take our token.
        self._denied: set[int] = set()
        self._answers = Answers()
        # Refusals in a row: in a race of each, else of whoever was asked.
        self._refusals: Counter[int] = Counter()
        self._too_large = [TooLarge() for _ in range(endpoints)]

    @property
    def denied(self) -> AbstractSet[int]:
        """The endpoints that do not take our token."""
        return self._denied

    def ended(self, end: End) -> Wait:
        """A stream ended; how long to wait before `next`."""
        if end.code not in DENIED:
            self._denied.discard(end.endpoint)
            return Wait.USUAL
        self._denied.add(end.endpoint)
        if len(self._denied) == self._endpoints:
            return Wait.GIVE_UP
        # Asked again rarely: what would help is another token.
        return Wait.RARELY if self.races else Wait.NONE

    def wants_window(self, end: End) -> bool:
        """Whether to ask the endpoint where it begins, for `next`."""
        return end.is_refusal and end.code == OUT_OF_RANGE

    def next(self, end: End, facts: Facts, first_available: int | None) -> Next | AskWindows:
        """After the wait: the next stream, or whom to ask before.

        Args:
            end: How the last one ended.
            facts: What holds now.
            first_available: Where the endpoint begins, if it was asked and said what can be.
        """
        plan = self._plan(end, facts.resume_from, first_available)
        if facts.is_carried:
            # Nothing is missing: another stream goes on, and this one joins it where it can.
            from_slot = None if plan.is_live else plan.from_slot
            return Next(Kind.JOINS, end.endpoint, Plan(from_slot))
        if plan.why:
            self._answers.refused(end.endpoint, end.code)
            if self._answers.are_complete(self._endpoints, self._denied):
                return self._breaks(end.endpoint, plan, facts.resume_from)
        following = self._following(end.endpoint, facts.standing)
        if following != end.endpoint or plan.why:
            # The first slot of one endpoint means nothing to another.
            plan = Plan(facts.resume_from)
        return Next(Kind.GOES_ON, following, plan)

    def least_lost(self, asked: AskWindows, windows: Mapping[int, int | None]) -> Next:
        """Of all that cannot give everything, the one that still has most of it."""
        endpoint, plan = asked.endpoint, asked.plan
        for other in asked.others:
            # Asked again: its window has moved on since it refused.
            first_slot = windows.get(other)
            if first_slot is not None and (plan.is_live or first_slot < (plan.from_slot or 0)):
                endpoint = other
                plan = Plan(max(first_slot, asked.resume_from), why=WINDOW_EXCEEDED)
        if not self.races:
            self.active = endpoint
        self._answers.clear()
        self._refusals[self._line(endpoint)] = 0
        return Next(Kind.BREAKS, endpoint, plan)

    def _plan(self, end: End, resume_from: int | None, first_available: int | None) -> Plan:
        self._count(end)
        too_large = self._too_large[end.endpoint]
        too_large.note(resume_from, end.newest_slot, is_too_large=end.is_too_large)
        if too_large.blocks:
            return Plan(None, is_live=True, why=TOO_LARGE)
        return after_end(
            resume_from=resume_from,
            refused_at=end.asked_slot if end.is_refusal else None,
            refusals=self._refusals[self._line(end.endpoint)],
            code=end.code,
            details=end.details,
            first_available=first_available,
        )

    def _count(self, end: End) -> None:
        if not end.is_refusal:
            self._refusals[self._line(end.endpoint)] = 0
        elif not is_passing(end.code, end.details):
            self._refusals[self._line(end.endpoint)] += 1
        else:
            self._answers.silent(end.endpoint)
        if end.received:
            self._answers.clear()

    def _line(self, endpoint: int) -> int:
        """Whose streams follow each other: all of one line but in a race."""
        return endpoint if self.races else 0

    def _breaks(self, endpoint: int, plan: Plan, resume_from: int | None) -> Next | AskWindows:
        if not self.races:
            with_less = self._answers.with_less()
            others = tuple(one for one in with_less if one != endpoint and one not in self._denied)
            return AskWindows(endpoint, plan, others, resume_from or 0)
        return self.least_lost(AskWindows(endpoint, plan, (), 0), {})

    def _following(self, endpoint: int, standing: AbstractSet[int]) -> int:
        """The next endpoint that takes our token, or the same where there is no other."""
        if self.races:
            return endpoint
        count = self._endpoints
        order = [(endpoint + step) % count for step in range(1, count + 1)]
        usable = [one for one in order if one not in self._denied] or order[-1:]
        self.active = next((one for one in usable if one in standing), usable[0])
        return self.active
