"""Sequences that are given out again: found out always, and never imagined."""

from __future__ import annotations

import random
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from pw_ingest.core.sequencing.rewind_guard import RewindGuard

WINDOW = 64


class Queue:
    """PW_TX and a window of messages towards it; stores and answers in any order."""

    def __init__(self, luck: random.Random) -> None:
        self.luck = luck
        self.guard = RewindGuard()
        self.last_seq = 0
        # Sent, each with what was answered by then; and stored, not answered yet.
        self.sent: deque[int] = deque()
        self.stored: list[tuple[int, int]] = []
        self.found: list[bool] = []

    def send(self) -> None:
        if len(self.sent) + len(self.stored) < WINDOW:
            self.sent.append(self.guard.last_seq)

    def store(self) -> None:
        if self.sent:
            self.sent.rotate(self.luck.randrange(len(self.sent)))
            self.last_seq += 1
            self.stored.append((self.last_seq, self.sent.popleft()))

    def answer(self) -> None:
        if self.stored:
            seq, floor_seq = self.stored.pop(self.luck.randrange(len(self.stored)))
            again = self.guard.answered(seq, floor_seq=floor_seq, is_duplicate=False)
            self.found.append(again)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.luck.choice((self.send, self.store, self.answer))()


@given(st.integers(0, 2**32), st.integers(1, 3_000))
@settings(max_examples=40, deadline=None)
def test_answers_that_overtake_each_other_are_no_restore(seed: int, steps: int) -> None:
    queue = Queue(random.Random(seed))
    queue.run(steps)
    assert not any(queue.found)
    assert queue.guard.again_seq is None


@given(st.integers(0, 2**32), st.integers(1, 300), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_queue_restored_by_however_little_is_found_out(
    seed: int, back: int, are_lost: bool
) -> None:
    queue = Queue(random.Random(seed))
    while queue.guard.last_seq < 320:
        queue.run(100)
    was_seq = queue.guard.last_seq
    queue.last_seq = was_seq - back
    if are_lost:
        # What was stored and not answered is sent again, and stored once more.
        queue.sent.extend(floor_seq for _, floor_seq in queue.stored)
        queue.stored.clear()
    else:
        while queue.stored:
            queue.answer()
    queue.found.clear()
    while queue.last_seq < was_seq + WINDOW:
        queue.run(50)
    while queue.stored:
        queue.answer()
    assert any(queue.found)
    # The least of them is the first that was given out again, or was never answered before.
    assert queue.guard.again_seq is not None
    assert was_seq - back < queue.guard.again_seq <= was_seq


def test_a_message_that_was_there_already_proves_nothing() -> None:
    queue = RewindGuard()
    assert not queue.answered(100, floor_seq=0, is_duplicate=False)
    assert not queue.answered(3, floor_seq=100, is_duplicate=True)
    assert not queue.answered(100, floor_seq=100, is_duplicate=True)
    assert not queue.answered(101, floor_seq=100, is_duplicate=False)
