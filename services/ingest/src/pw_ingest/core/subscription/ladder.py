"""Which subscription an endpoint takes: the configured one, or the widest that it does not refuse.

Plans of providers forbid some filters: a stream without accounts, or the token program. A refusal
of the filter is answered by a narrower one at once, and the wider ones are asked for again. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pw_geyser import geyser_pb2 as pb

# Codes that a server refuses a request with, as opposed to being away or not knowing our token.
REFUSING: Final = frozenset(
    {"INVALID_ARGUMENT", "PERMISSION_DENIED", "FAILED_PRECONDITION", "UNIMPLEMENTED"}
)
# With this code it may also be the number of streams: only words tell.
BY_WORDS_ONLY: Final = "RESOURCE_EXHAUSTED"
FILTER_WORDS: Final = re.compile(r"\bfilters?\b|\bpubkeys?\b|\baccounts?\b|`any`", re.IGNORECASE)
REPLAY_WORDS: Final = re.compile(r"from_slot|\breplay|\bslot \d", re.IGNORECASE)


class Rung(NamedTuple):
    """One subscription: its name as messages carry it, and what is sent for it."""

    filter: str
    request: pb.SubscribeRequest


def refuses_filter(code: str, details: str) -> bool:
    """Whether a stream that ended without an update may have ended for what it asked.

    Wrong at times, and then harmless: if every narrower filter ends alike, it was not the filter.
    """
    if REPLAY_WORDS.search(details):
        return False
    if code == BY_WORDS_ONLY:
        return FILTER_WORDS.search(details) is not None
    return code in REFUSING


class Ladder:
    """The subscriptions of one endpoint, the configured one first, each narrower than the last."""

    def __init__(self, rungs: Sequence[Rung], retry_s: float) -> None:
        self._rungs = tuple(rungs)
        self._retry_s = retry_s
        self._at = 0
        self._asked_s = 0.0
        self._why = ""

    @property
    def now(self) -> Rung:
        """What is asked for."""
        return self._rungs[self._at]

    @property
    def steps(self) -> int:
        """How many steps below the configured one; 0 where that is in use."""
        return self._at

    @property
    def narrowed(self) -> str:
        """What is seen instead of what, and why; empty where all is as configured."""
        if not self._at:
            return ""
        return f"sees only {self.now.filter}, not {self._rungs[0].filter}: {self._why}"

    def refused(self, code: str, details: str, now_s: float) -> bool:
        """A stream ended without an update; returns whether to ask for a narrower filter."""
        if len(self._rungs) == 1 or not refuses_filter(code, details):
            return False
        if self._at + 1 == len(self._rungs):
            # Everything is refused alike, so it is not the filter.
            self._at = 0
            return False
        self._at += 1
        self._asked_s = now_s
        self._why = f"{code}: {details}" if details else code
        return True

    def opens(self, now_s: float) -> None:
        """A stream is about to open: what was refused long ago is asked for again."""
        if self.is_due(now_s):
            self._at = 0

    def is_due(self, now_s: float) -> bool:
        """Whether to ask for a wider filter again."""
        return self._at > 0 and now_s - self._asked_s >= self._retry_s

    def wider(self, now_s: float) -> tuple[Rung, ...]:
        """The filters to ask for again now, the configured one first."""
        self._asked_s = now_s
        return self._rungs[: self._at]

    def taken(self, rung: Rung) -> None:
        """A wider filter was taken: from now on it is asked for."""
        self._at = min(self._at, self._rungs.index(rung))
