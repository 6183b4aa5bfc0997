"""The window under any order of answers, beside a naive broker that forgets and refuses."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.jetstream.publishing.outcome import Publish
from pw_common.jetstream.publishing.window import RETRY, RETRY_MAX_S, TIMEOUT, Window
from pw_common.jetstream.refusals import ERR_FULL, passes

TIMEOUT_S = 3.0
MESSAGES_MAX, BYTES_MAX = 4, 100

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["offer"] * 4 + ["stored"] * 3 + ["full", "in_process", "condemned", "lost", "cut"]
        ),
        st.integers(0, 150),
    ),
    max_size=80,
)


@dataclass
class Model:
    """What was offered, what is on the way, and what the broker keeps by id."""

    window: Window
    sent_at_s: dict[int, float] = field(default_factory=dict)
    not_before_s: dict[int, float] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    # Copies that are on their way to the broker, or whose answers are.
    copies: list[int] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    condemned: set[int] = field(default_factory=set)
    refusals: dict[int, int] = field(default_factory=dict)
    is_connected: bool = True
    now_s: float = 0.0

    def open(self) -> set[int]:
        return self.bodies.keys() - self.kept - self.condemned

    def act(self, what: str, number: int) -> None:
        if what == "offer":
            self.offer(bytes(number))
        elif what == "cut":
            self.is_connected = not self.is_connected
            self.copies.clear()
        elif self.copies:
            self.answer(what, self.copies.pop(number % len(self.copies)))
        self.now_s += number / 100
        self.turn()

    def offer(self, body: bytes) -> None:
        in_flight = self.open()
        size = sum(len(self.bodies[one]) for one in in_flight)
        fits = len(in_flight) < MESSAGES_MAX and size + len(body) <= BYTES_MAX
        assert self.window.has_room(len(body)) == (fits or not in_flight)
        if not self.window.has_room(len(body)):
            return
        token = self.window.sent(Publish("a", body, {}), self.now_s)
        assert token not in self.bodies
        self.bodies[token] = body
        self.not_before_s[token] = self.now_s + TIMEOUT_S
        if self.is_connected:
            self.copies.append(token)

    def answer(self, what: str, token: int) -> None:
        if token not in self.window:
            assert token not in self.open()
            return
        if what == "stored":
            self.kept.add(token)
            self.window.stored(token)
            assert not self.window.full
        elif what == "condemned":
            self.condemned.add(token)
            assert self.window.condemned(token).body == self.bodies[token]
        elif what != "lost":
            self.window.refused(token, what, self.now_s)
            pause_s = RETRY.longest_s(self.refusals.get(token, 0))
            self.refusals[token] = self.refusals.get(token, 0) + 1
            self.not_before_s[token] = self.now_s + pause_s / 2
            assert self.window.full or what != "full"

    def turn(self) -> None:
        if not self.is_connected:
            return
        for again in self.window.due(self.now_s):
            assert again.token in self.open()
            assert self.now_s >= self.not_before_s[again.token]
            assert again.message.body == self.bodies[again.token]
            self.not_before_s[again.token] = self.now_s + TIMEOUT_S
            self.copies.append(again.token)

    def check(self) -> None:
        assert set(self.window.tokens()) == self.open()
        assert len(self.window) <= MESSAGES_MAX
        sizes = [len(self.bodies[token]) for token in self.window.tokens()]
        assert sum(sizes) <= BYTES_MAX or len(sizes) == 1
        # Whatever happened, each is tried again within a bounded time.
        longest_s = max(RETRY_MAX_S, TIMEOUT_S)
        assert all(due_s <= self.now_s + longest_s for due_s in self.window.due_at_s())


@given(EVENTS, st.lists(st.floats(0, 1), min_size=1, max_size=5))
@settings(max_examples=150)
def test_every_message_is_stored_or_refused_for_good_whatever_the_broker_answers(
    events: list[tuple[str, int]], luck: list[float]
) -> None:
    turn = 0

    def next_luck() -> float:
        nonlocal turn
        turn += 1
        return luck[turn % len(luck)]

    model = Model(Window(MESSAGES_MAX, BYTES_MAX, TIMEOUT_S, next_luck))
    for what, number in events:
        model.act(what, number)
        model.check()
    # A broker that is there and takes everything has it all after one pause and one timeout.
    model.is_connected = True
    model.copies.clear()
    model.now_s += max(RETRY_MAX_S, TIMEOUT_S)
    model.turn()
    for token in list(model.copies):
        model.answer("stored", token)
    assert len(model.window) == 0
    assert model.kept | model.condemned == set(model.bodies)
    assert model.window.has_room(10 * BYTES_MAX)


def test_what_is_sent_again_says_why_once() -> None:
    window = Window(4, 100, TIMEOUT_S, lambda: 0.0)
    token = window.sent(Publish("a", b"x", {}), 0.0)
    window.refused(token, "full", 0.0)
    assert [again.why for again in window.due(1.0)] == ["full"]
    assert [again.why for again in window.due(9.0)] == [TIMEOUT]


def test_one_that_is_answered_while_others_are_sent_again_is_not() -> None:
    window = Window(4, 100, TIMEOUT_S, lambda: 0.0)
    first, second, third = (window.sent(Publish("a", b"x", {}), 0.0) for _ in range(3))
    sent = []
    for again in window.due(5.0):
        sent.append(again.token)
        if again.token == first:
            window.stored(second)
            window.refused(third, "full", 5.0)
    assert sent == [first]


def test_a_window_that_was_closed_has_given_up_everything() -> None:
    window = Window(2, 100, TIMEOUT_S, lambda: 0.0)
    for _ in range(2):
        window.sent(Publish("a", bytes(50), {}), 0.0)
    assert not window.has_room(1)
    window.close()
    assert window.has_room(100)
    assert list(window.due(99.0)) == []


@pytest.mark.parametrize(
    ("code", "err_code", "why"),
    [
        (503, ERR_FULL, "full"),
        (400, ERR_FULL, "full"),
        (400, 10158, "in_process"),
        (409, 10164, "in_process"),
        (503, 10008, "unavailable"),
        (500, 0, "unavailable"),
        (400, 10071, ""),
        (400, 10054, ""),
        (0, 0, ""),
    ],
)
def test_a_refusal_passes_or_is_for_good(code: int, err_code: int, why: str) -> None:
    assert passes(code, err_code) == why
