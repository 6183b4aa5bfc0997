"""A worker handles nothing of a consumer that may be another one until `on_back` could look."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.jetstream.consuming.knowing import QUIET_FETCHES, Knowing, State

KNOWN, NEW, BLOCKED = State.KNOWN, State.NEW, State.BLOCKED


@pytest.mark.parametrize(
    ("before", "delivered", "is_blocked", "after"),
    [
        (KNOWN, 9, False, KNOWN),
        (NEW, 9, False, NEW),
        (BLOCKED, 9, False, NEW),
        (KNOWN, 3, False, NEW),
        (NEW, 3, False, NEW),
        (BLOCKED, 3, False, NEW),
        (KNOWN, 0, True, BLOCKED),
        (NEW, 0, True, BLOCKED),
        (BLOCKED, 0, True, BLOCKED),
    ],
)
def test_what_a_look_tells(before: State, delivered: int, is_blocked: bool, after: State) -> None:
    knowing = Knowing()
    knowing.state, knowing.delivered = before, 5
    knowing.looked(delivered, is_blocked=is_blocked)
    assert (knowing.state, knowing.delivered) == (after, max(5, delivered))


@pytest.mark.parametrize(
    ("before", "looked", "could_not"),
    [(KNOWN, KNOWN, NEW), (NEW, KNOWN, NEW), (BLOCKED, BLOCKED, BLOCKED)],
)
def test_what_on_back_tells(before: State, looked: State, could_not: State) -> None:
    one, other = Knowing(), Knowing()
    one.state = other.state = before
    one.was_back()
    other.was_not_back()
    assert (one.state, other.state) == (looked, could_not)


@dataclass
class Broker:
    """A consumer that is lost, created again and repaired, and a worker that handles what it gives.

    The naive model is `unseen`: whether the consumer may have become another one since the
    worker last looked by `on_back`.
    """

    knowing: Knowing = field(default_factory=Knowing)
    is_there: bool = True
    count: int = 0
    life: int = 0
    # The life of the consumer that `on_back` last saw, or that was there at the start.
    seen_life: int = 0
    handled: int = 0

    def look(self) -> None:
        self.knowing.looked(self.count if self.is_there else 0, is_blocked=not self.is_there)

    def act(self, what: str, number: int) -> None:
        if what == "lost":
            self.is_there = False
        elif what == "recreated":
            self.is_there, self.count, self.life = True, 0, self.life + 1
        elif what == "back":
            self.is_there = True
        elif what == "others" and self.is_there:
            self.count += number
        elif what == "look":
            self.look()
        else:
            self.fetch(number if self.is_there else 0, can_look=what == "fetch")

    def fetch(self, messages: int, *, can_look: bool) -> None:
        knowing = self.knowing
        knowing.fetched(messages)
        if knowing.is_look_due:
            self.look()
        if not messages:
            return
        first = self.count + 1
        self.count += messages
        if not knowing.may_handle(first):
            if not can_look:
                knowing.was_not_back()
                assert knowing.state is not KNOWN
                return
            knowing.was_back()
            self.seen_life = self.life
        # Whoever counts on past all that was delivered before may be taken for the one before:
        # that is what sequences tell. Anything else was looked at.
        assert self.seen_life == self.life or first > knowing.delivered
        self.handled += messages
        knowing.handles(self.count)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["fetch"] * 5 + ["blind"] * 2 + ["lost", "recreated", "back", "others", "look"]
        ),
        st.integers(0, 4),
    ),
    max_size=80,
)


@given(EVENTS)
@settings(max_examples=200)
def test_nothing_of_another_consumer_is_handled_before_on_back_looked(
    events: list[tuple[str, int]],
) -> None:
    broker = Broker()
    broker.look()
    broker.knowing.bound()
    for what, number in events:
        broker.act(what, number)
    # Once all is well, the worker works: a look, and what comes is handled.
    broker.act("back", 0)
    broker.look()
    before = broker.handled
    for _ in range(2):
        broker.act("fetch", 3)
    assert broker.handled == before + 6
    assert broker.knowing.state is KNOWN


@given(EVENTS, st.lists(st.booleans(), max_size=40))
def test_a_look_comes_within_some_fetches_wherever_messages_do_not_or_something_is_in_the_way(
    events: list[tuple[str, int]], fetches: list[bool]
) -> None:
    broker = Broker()
    for what, number in events:
        broker.act(what, number)
    knowing, since = broker.knowing, 0
    knowing.looked(broker.count, is_blocked=knowing.state is BLOCKED)
    for has_messages in fetches:
        knowing.fetched(int(has_messages))
        since = 0 if has_messages and knowing.state is not BLOCKED else since + 1
        assert knowing.is_look_due == (since >= QUIET_FETCHES)
