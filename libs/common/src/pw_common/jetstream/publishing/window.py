"""The messages in flight: what is sent when, what waits, and what is given up. Pure.

    a message | event                        | becomes | decision
    -         | offered, there is room       | SENT    | send it
    -         | offered, no room             | -       | wait: the caller is woken for room
    SENT      | stored, as a duplicate too   | -       | tell the caller, wake a waiter
    SENT      | refused for the moment       | REFUSED | wait for its pause
    SENT      | refused for good             | -       | give up: tell the caller, wake another
    SENT      | no answer in time            | SENT    | send it again, and again after that time
    REFUSED   | its pause is over            | SENT    | send it again
    REFUSED   | stored, or refused for good  | -       | as for SENT: a late answer counts
    REFUSED   | refused for the moment       | REFUSED | a longer pause
    either    | the connection is away       | same    | nothing is due
    either    | the window is closed         | -       | give up
    -         | an answer to what is gone    | -       | nothing: it was stored since

A message stays until it is stored or refused for good, and is sent again under the same id,
so that none is lost and none is stored twice. A message alone in the window always has room,
whatever its size. Pauses double, and luck spreads them: a full window that is refused at once
does not come back as one wave.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from pw_common.jetstream.publishing.outcome import Publish
from pw_common.ordering.backoff import Backoff

RETRY_MAX_S: Final = 1.0
RETRY: Final = Backoff(first_s=0.1, most_s=RETRY_MAX_S)
GOLDEN: Final = 0.6180339887498949

TIMEOUT: Final = "timeout"


def evenly() -> Callable[[], float]:
    """Numbers from 0 to 1, each far from those just before it: steps of the golden ratio."""
    steps = itertools.count(1)
    return lambda: next(steps) * GOLDEN % 1.0


class Stage(Enum):
    """Where a message in flight is."""

    SENT = "sent"
    REFUSED = "refused"


@dataclass
class Out:
    """One message in flight: `due_s` is when it is sent again, `why` the last refusal."""

    message: Publish
    due_s: float
    stage: Stage = Stage.SENT
    refusals: int = 0
    why: str = TIMEOUT


class Again(NamedTuple):
    """What to send again, and why."""

    token: int
    message: Publish
    why: str


class Window:
    """Bounded by messages and by bytes of their bodies; tokens count up from 1.

    An answer is for a token that is in flight: `token in window`.
    """

    def __init__(
        self, messages_max: int, bytes_max: int, ack_timeout_s: float, luck: Callable[[], float]
    ) -> None:
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._ack_timeout_s = ack_timeout_s
        self._luck = luck
        self._token = 0
        self._bytes = 0
        self._out: dict[int, Out] = {}
        # True from a refusal for a full stream until something is stored.
        self.full = False
        self.in_flight_max = 0

    def __len__(self) -> int:
        return len(self._out)

    def __contains__(self, token: object) -> bool:
        return token in self._out

    def has_room(self, size_bytes: int) -> bool:
        """Whether a body of this size may be sent now."""
        return not self._out or (
            len(self._out) < self._messages_max and self._bytes + size_bytes <= self._bytes_max
        )

    def sent(self, message: Publish, now_s: float) -> int:
        """It is in flight from now on; returns its token."""
        self._token += 1
        self._out[self._token] = Out(message, now_s + self._ack_timeout_s)
        self._bytes += len(message.body)
        self.in_flight_max = max(self.in_flight_max, len(self._out))
        return self._token

    def stored(self, token: int) -> None:
        """The broker has it, now or as a duplicate of before; it is in flight no more."""
        self.full = False
        self._remove(token)

    def refused(self, token: int, why: str, now_s: float) -> None:
        """Not now: it is due after a pause, and stays in flight."""
        out = self._out[token]
        self.full = self.full or why == "full"
        out.stage, out.why = Stage.REFUSED, why
        out.due_s = now_s + RETRY.wait_s(out.refusals, self._luck())
        out.refusals += 1

    def condemned(self, token: int) -> Publish:
        """The broker will never take it; returns what is given up."""
        return self._remove(token)

    def due(self, now_s: float) -> Iterator[Again]:
        """What to send again now, one after the other; only while there is a connection."""
        for token, out in list(self._out.items()):
            # What was answered since the first of these went out is gone, or has a new pause.
            if token not in self._out or out.due_s > now_s:
                continue
            why, out.why, out.stage = out.why, TIMEOUT, Stage.SENT
            out.due_s = now_s + self._ack_timeout_s
            yield Again(token, out.message, why)

    def due_at_s(self) -> list[float]:
        """When each message would be sent again."""
        return [out.due_s for out in self._out.values()]

    def tokens(self) -> list[int]:
        """What is in flight, the oldest first."""
        return list(self._out)

    def close(self) -> None:
        """What is in flight is given up."""
        self._out.clear()
        self._bytes = 0

    def _remove(self, token: int) -> Publish:
        message = self._out.pop(token).message
        self._bytes -= len(message.body)
        return message
