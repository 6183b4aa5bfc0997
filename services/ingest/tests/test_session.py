"""The table of stages, and the pipeline under any order of events, beside naive models."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import DISCONTINUITY
from pw_ingest.core.sequencing.outgoing import GapMessage, Outgoing, TxMessage
from pw_ingest.core.sequencing.pipeline import Pipeline
from pw_ingest.core.sequencing.session import Loss, Session, Stage

ORIGIN, FIRST, FRESH, RUNNING = Stage.ORIGIN, Stage.FIRST, Stage.FRESH, Stage.RUNNING


@pytest.mark.parametrize(
    ("before", "after"), [(ORIGIN, FIRST), (FIRST, FIRST), (FRESH, RUNNING), (RUNNING, RUNNING)]
)
def test_an_update_fills_a_session(before: Stage, after: Stage) -> None:
    session = Session()
    session.stage = before
    session.received(0)
    session.received(7)
    session.received(5)
    assert (session.stage, session.number, session.first_slot) == (after, 1, 7)
    assert not session.is_empty


@pytest.mark.parametrize("before", list(Stage))
def test_the_next_session_knows_nothing_of_the_one_before(before: Stage) -> None:
    session = Session()
    session.stage = before
    session.checkpoint_slot, session.floor_slot, session.loss = 9, 8, Loss("why", 7)
    session.received(6)
    session.next()
    fresh = Session()
    fresh.number, fresh.stage = 2, FRESH
    assert [getattr(session, name) for name in Session.__slots__] == [
        getattr(fresh, name) for name in Session.__slots__
    ]


def test_a_session_that_was_abandoned_is_as_a_new_source_under_the_next_number() -> None:
    session = Session()
    session.abandon(4)
    assert (session.number, session.stage, session.is_origin, session.is_empty) == (
        5,
        ORIGIN,
        True,
        True,
    )


def test_a_loss_is_said_once_and_that_of_a_live_start_is_not_overwritten() -> None:
    session = Session()
    session.loss = Loss("live", 100)
    session.lose("another")
    session.lose("")
    assert session.take_loss() == Loss("live", 100)
    session.lose("another")
    assert session.take_loss() == Loss("another")
    assert session.take_loss() is None


def transaction(slot: int, index: int, *, declares: bool = False) -> bytes:
    update = pb.SubscribeUpdate(filters=(DISCONTINUITY,) if declares else ())
    update.transaction.slot = slot
    update.transaction.transaction.signature = slot.to_bytes(32, "big") + index.to_bytes(32, "big")
    return update.SerializeToString()


def meta(slot: int, parent: int) -> bytes:
    update = pb.SubscribeUpdate()
    update.block_meta.slot = slot
    update.block_meta.parent_slot = parent
    return update.SerializeToString()


@dataclass
class Told:
    """All that a pipeline was given and said, and what of that is stored."""

    pipeline: Pipeline = field(default_factory=lambda: Pipeline("main"))
    given: list[bytes] = field(default_factory=list)
    said: list[Outgoing] = field(default_factory=list)
    open: list[Outgoing] = field(default_factory=list)
    stored: set[int] = field(default_factory=set)
    reasons: set[str] = field(default_factory=lambda: {"parent chain broken"})
    slot: int = 100
    now_s: float = 0.0
    index: int = 0

    def take(self, update: bytes) -> None:
        self.given.append(update)
        self.say(self.pipeline.update(update, self.now_s))

    def say(self, messages: list[Outgoing]) -> None:
        for message in messages:
            if isinstance(message, TxMessage):
                self.check_claim(message)
            self.said.append(message)
            self.open.append(message)

    def check_claim(self, message: TxMessage) -> None:
        """All of its session up to the claim was stored before it was built: copies count once."""
        session, claimed = message.headers.epoch, message.headers.frontier_slot
        of_session = [
            one for one in self.said if isinstance(one, TxMessage) and one.headers.epoch == session
        ]
        stored = {u for one in of_session if one.number in self.stored for u in one.updates}
        assert all(
            slot_of(update) > claimed or update in stored
            for one in of_session
            for update in one.updates
        )
        for one in self.said:
            if isinstance(one, GapMessage) and one.gap.epoch == session:
                assert one.gap.first_missing_slot > claimed or one.number in self.stored

    def store(self, choice: int) -> None:
        if self.open:
            message = self.open.pop(choice % len(self.open))
            self.stored.add(message.number)
            self.pipeline.stored(message, is_duplicate=choice % 5 == 0)

    def act(self, what: str, amount: int) -> None:
        pipeline = self.pipeline
        if what == "block":
            for _ in range(amount % 4):
                self.index += 1
                self.take(transaction(self.slot, self.index))
            self.take(meta(self.slot, self.slot - 1))
            self.slot += 1
        elif what == "lost":
            self.slot += amount % 4
        elif what == "discontinuity":
            self.index += 1
            self.slot += amount
            self.take(transaction(self.slot, self.index, declares=True))
        elif what == "store":
            for _ in range(amount % 5):
                self.store(amount)
        elif what == "time":
            self.now_s += 0.06
            self.say(pipeline.tick(self.now_s))
        else:
            self.cut(what, f"{what} {len(self.reasons)}")

    def cut(self, what: str, why: str) -> None:
        """The stream ends, or says that it leaves something out."""
        self.say(self.pipeline.flush(self.now_s))
        if what == "resumed":
            self.pipeline.resumed()
            # What was asked for is sent again, as it was.
            asked_slot = self.pipeline.resume_from() or self.slot
            again = {u: slot_of(u) for u in self.given if slot_of(u) >= asked_slot}
            for update in again:
                self.take(update)
            return
        self.reasons.add(why)
        if what == "live":
            self.pipeline.live(why)
        elif what == "window":
            self.pipeline.resumed(break_why=why)
        else:
            self.pipeline.left_out(why, is_whole=what == "left out")
        self.slot += 3


def slot_of(update: bytes) -> int:
    read = pb.SubscribeUpdate.FromString(update)
    return int(getattr(read, str(read.WhichOneof("update_oneof"))).slot)


EVENTS = st.tuples(
    st.sampled_from(
        ["block"] * 8
        + ["store"] * 4
        + ["time", "lost", "discontinuity", "resumed", "live", "window", "left out", "doubt"]
    ),
    st.integers(0, 9),
)


@given(st.lists(EVENTS, max_size=60))
@settings(max_examples=120)
def test_under_any_order_of_events_nothing_is_lost_or_moved_and_no_claim_is_early(
    events: list[tuple[str, int]],
) -> None:
    told = Told()
    for what, amount in events:
        told.act(what, amount)
    told.say(told.pipeline.flush(told.now_s))
    sent = [u for one in told.said if isinstance(one, TxMessage) for u in one.updates]
    assert sent == told.given
    assert [one.number for one in told.said] == list(range(1, len(told.said) + 1))
    sessions = [one.headers.epoch for one in told.said if isinstance(one, TxMessage)]
    assert sessions == sorted(sessions)
    gaps = [one.gap for one in told.said if isinstance(one, GapMessage)]
    assert all(gap.first_missing_slot <= gap.last_missing_slot for gap in gaps)
    assert {gap.why for gap in gaps} <= told.reasons
    # A reason is that of one break.
    whys = [gap.why for gap in gaps if gap.why != "parent chain broken"]
    assert len(whys) == len(set(whys))


@given(st.lists(EVENTS, max_size=40), st.integers(0, 40))
@settings(max_examples=60)
def test_the_next_run_asks_for_all_that_was_not_stored(
    events: list[tuple[str, int]], stop_at: int
) -> None:
    told = Told()
    for what, amount in events[:stop_at]:
        told.act(what, amount)
    state = told.pipeline.state()
    if state is None:
        return
    following = Pipeline("main")
    following.restore(state)
    from_slot = following.resume_from()
    assert from_slot is not None
    of_session = [
        one for one in told.said if isinstance(one, TxMessage) and one.headers.epoch == state.epoch
    ]
    stored = {u for one in of_session if one.number in told.stored for u in one.updates}
    left = {u for one in of_session for u in one.updates} - stored
    assert all(slot_of(update) >= from_slot for update in left)
