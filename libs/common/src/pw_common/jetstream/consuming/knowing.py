"""What a worker knows of its consumer between fetches, and what follows from it. Pure.

    state    | what happened                                  | messages that come
    KNOWN    | it counts on from what it has delivered        | are handled
    NEW      | it was gone, or counts from its beginning      | after `on_back` could look; else
             | again: it may be of another stream             | they are given back
    BLOCKED  | it is not there, or not as declared            | as for NEW, where any come

    event                              | KNOWN   | NEW     | BLOCKED
    the first look finds it            | -       | -       | KNOWN
    a look finds it, counting on       | KNOWN   | NEW     | NEW
    a look finds it, counting again    | NEW     | NEW     | NEW
    a look finds something in the way  | BLOCKED | BLOCKED | BLOCKED
    messages come, `on_back` looked    | KNOWN   | KNOWN   | BLOCKED
    messages come, `on_back` could not | NEW     | NEW     | BLOCKED

Messages of a KNOWN consumer whose count has gone back also wait for `on_back`: the consumer was
recreated between two looks. The worker looks after a few fetches without a message, and as often
while the consumer is BLOCKED, whatever arrives.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

# Check that the consumer still exists after this many fetches without a message.
QUIET_FETCHES: Final = 4


class State(Enum):
    """What is known."""

    KNOWN = "known"
    NEW = "new"
    BLOCKED = "blocked"


class Knowing:
    """The state of one consumer, and how many messages it has delivered, to us or to others."""

    def __init__(self) -> None:
        self.state = State.BLOCKED
        self.delivered = 0
        self._quiet = 0

    @property
    def is_look_due(self) -> bool:
        """Whether to ask the broker for the consumer."""
        return self._quiet >= QUIET_FETCHES

    def fetched(self, count: int) -> None:
        """Note how many messages a fetch returned."""
        # While something is in the way, traffic need not pause before we look again.
        is_busy = count > 0 and self.state is not State.BLOCKED
        self._quiet = 0 if is_busy else self._quiet + 1

    def bound(self) -> None:
        """The first look found it: it goes on as it was when we came."""
        self.state = State.KNOWN

    def looked(self, delivered: int, *, is_blocked: bool) -> None:
        """The broker was asked.

        Args:
            delivered: How many messages the consumer has delivered; 0 where it is not there.
            is_blocked: Whether something is in the way.
        """
        self._quiet = 0
        if is_blocked:
            self.state = State.BLOCKED
        elif self.state is State.BLOCKED or delivered < self.delivered:
            self.state = State.NEW
        self.delivered = max(self.delivered, delivered)

    def may_handle(self, first: int) -> bool:
        """Whether messages may be handled without `on_back`; `first` is the first one's count."""
        return self.state is State.KNOWN and first > self.delivered

    def was_back(self) -> None:
        """`on_back` could look: what is there is handled."""
        if self.state is State.NEW:
            self.state = State.KNOWN

    def was_not_back(self) -> None:
        """`on_back` could not look: what is there is given back."""
        if self.state is State.KNOWN:
            self.state = State.NEW

    def handles(self, last: int) -> None:
        """Messages up to this count are handled now."""
        self.delivered = last
