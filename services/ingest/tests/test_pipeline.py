"""The claim of every stored message, checked against everything the source ever sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.wire.envelope import TxHeaders
from pw_common.wire.messages import SourceState
from pw_geyser import geyser_pb2 as pb
from pw_ingest.core.sequencing.identity import DISCONTINUITY
from pw_ingest.core.sequencing.outgoing import GapMessage, Outgoing, TxMessage
from pw_ingest.core.sequencing.pipeline import Pipeline


def transaction(slot: int, index: int, *, filters: tuple[str, ...] = ()) -> bytes:
    update = pb.SubscribeUpdate(filters=filters)
    update.transaction.slot = slot
    update.transaction.transaction.signature = slot.to_bytes(32, "big") + index.to_bytes(32, "big")
    return update.SerializeToString()


def meta(slot: int, parent: int) -> bytes:
    update = pb.SubscribeUpdate()
    update.block_meta.slot = slot
    update.block_meta.parent_slot = parent
    return update.SerializeToString()


def slot_of(update: bytes) -> int:
    read = pb.SubscribeUpdate.FromString(update)
    which = read.WhichOneof("update_oneof")
    assert which is not None
    return int(getattr(read, which).slot)


@dataclass
class Broker:
    """Stores and acknowledges in whatever order it is told to."""

    pipeline: Pipeline
    sent: list[Outgoing] = field(default_factory=list)
    unacknowledged: list[Outgoing] = field(default_factory=list)
    stored: list[Outgoing] = field(default_factory=list)

    def store(self, choice: int) -> None:
        if self.sent:
            message = self.sent.pop(choice % len(self.sent))
            self.stored.append(message)
            self.unacknowledged.append(message)

    def acknowledge(self, choice: int) -> None:
        if self.unacknowledged:
            message = self.unacknowledged.pop(choice % len(self.unacknowledged))
            self.pipeline.stored(message, is_duplicate=False)


def assert_claims_hold(stored: list[Outgoing], received: list[bytes]) -> None:
    """For every message in stored order: what it claims stands before it."""
    before: list[bytes] = []
    gaps: set[int] = set()
    slots = {slot_of(update) for update in received}
    for message in stored:
        if isinstance(message, GapMessage):
            gap = message.gap
            gaps |= set(range(gap.first_missing_slot, gap.last_missing_slot + 1))
            continue
        claimed = message.headers.frontier_slot
        for update in received:
            if slot_of(update) <= claimed:
                assert update in before, f"frontier {claimed} claims {slot_of(update)} too early"
        for slot in range(100, claimed + 1):
            assert slot in slots or slot in gaps, f"frontier {claimed} passes {slot} in silence"
        before += message.updates


@st.composite
def histories(draw: st.DrawFn) -> list[bytes]:
    """Blocks from slot 100 up, some lost on the way."""
    updates: list[bytes] = []
    parent = 99
    for slot in range(100, 100 + draw(st.integers(1, 25))):
        if slot > 100 and draw(st.integers(0, 9)) == 0:
            parent = slot  # The chain has it, we never get it.
            continue
        updates += [transaction(slot, index) for index in range(draw(st.integers(0, 40)))]
        updates.append(meta(slot, parent))
        parent = slot
    return updates


ORDERS = st.lists(st.tuples(st.sampled_from("sat"), st.integers(0, 50)), min_size=1, max_size=12)


@given(histories(), st.lists(ORDERS, min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_every_claim_holds_in_whatever_order_messages_are_stored(
    updates: list[bytes], orders: list[list[tuple[str, int]]]
) -> None:
    pipeline = Pipeline("main")
    broker = Broker(pipeline)
    now_s = 0.0
    for position, update in enumerate(updates):
        broker.sent += pipeline.update(update, now_s)
        for what, choice in orders[position % len(orders)]:
            if what == "s":
                broker.store(choice)
            elif what == "a":
                broker.acknowledge(choice)
            else:
                now_s += 0.06
                broker.sent += pipeline.tick(now_s)
    broker.sent += pipeline.flush(now_s)
    for _ in range(1000):
        broker.store(0)
        broker.acknowledge(0)
        now_s += 0.2
        broker.sent += pipeline.tick(now_s)
    assert_claims_hold(broker.stored, updates)
    published = [u for m in broker.stored if isinstance(m, TxMessage) for u in m.updates]
    assert sorted(published) == sorted(updates)
    assert pipeline.frontier.in_flight == 0


@given(histories())
@settings(max_examples=80, deadline=None)
def test_updates_are_sent_in_order_none_left_out(updates: list[bytes]) -> None:
    pipeline = Pipeline("main")
    sent = [m for update in updates for m in pipeline.update(update, 0.0)] + pipeline.flush(0.0)
    assert [u for m in sent if isinstance(m, TxMessage) for u in m.updates] == updates
    assert [m.number for m in sent] == list(range(1, len(sent) + 1))


def store_all(pipeline: Pipeline, sent: list[Outgoing], *, is_duplicate: bool = False) -> None:
    for message in sent:
        pipeline.stored(message, is_duplicate=is_duplicate)


def play(pipeline: Pipeline, updates: list[bytes]) -> list[Outgoing]:
    sent = [message for update in updates for message in pipeline.update(update, 0.0)]
    store_all(pipeline, sent)
    return sent


def chain(first: int, last: int) -> list[bytes]:
    return [u for s in range(first, last + 1) for u in (transaction(s, 0), meta(s, s - 1))]


def test_an_unacknowledged_message_holds_the_frontier_back() -> None:
    pipeline = Pipeline("main")
    sent = [message for update in chain(100, 105) for message in pipeline.update(update, 0.0)]
    store_all(pipeline, sent[1:])
    assert pipeline.frontier.slot == 0
    store_all(pipeline, sent[:1])
    assert pipeline.frontier.slot == 104


def test_a_quiet_stream_still_tells_its_frontier() -> None:
    pipeline = Pipeline("main")
    play(pipeline, chain(100, 105))
    assert pipeline.tick(0.05) == []
    (alone,) = pipeline.tick(0.2)
    assert isinstance(alone, TxMessage)
    assert alone.updates == []
    assert alone.headers == TxHeaders("tx:frontier:main:1:104", 0, "main", 1, 104)
    assert pipeline.tick(9.0) == []


def test_a_frontier_that_only_a_duplicate_carried_is_told_again() -> None:
    pipeline = Pipeline("main")
    play(pipeline, chain(100, 105))
    repeated = pipeline.update(meta(105, 104), 1.0)
    store_all(pipeline, repeated, is_duplicate=True)
    (alone,) = pipeline.tick(2.0)
    assert isinstance(alone, TxMessage)
    assert alone.headers.frontier_slot == 104


def test_a_declared_discontinuity_begins_a_session_once_a_slot() -> None:
    pipeline = Pipeline("main")
    play(pipeline, chain(100, 105))
    marked = [transaction(50, index, filters=(DISCONTINUITY,)) for index in range(3)]
    play(pipeline, [*marked, meta(50, 49), *chain(51, 53)])
    assert (pipeline.session, pipeline.frontier.slot, pipeline.totals.gaps) == (2, 52, 0)


def test_updates_before_a_discontinuity_keep_their_session() -> None:
    pipeline = Pipeline("main")
    pipeline.update(transaction(100, 0), 0.0)
    (old,) = pipeline.update(transaction(50, 0, filters=(DISCONTINUITY,)), 0.0)
    (new,) = pipeline.flush(0.0)
    assert isinstance(old, TxMessage)
    assert isinstance(new, TxMessage)
    assert (old.headers.epoch, new.headers.epoch) == (1, 2)


def restored(checkpoint_slot: int) -> Pipeline:
    pipeline = Pipeline("main")
    pipeline.restore(
        SourceState(
            source="main",
            epoch=3,
            checkpoint_slot=checkpoint_slot,
            frontier_slot=checkpoint_slot + 2,
        )
    )
    return pipeline


def test_a_resume_stays_at_the_checkpoint_until_the_tail_is_filled() -> None:
    pipeline = restored(100)
    assert pipeline.resume_from() == 101
    play(pipeline, [transaction(130, 0), meta(130, 129)])
    assert pipeline.frontier.slot == 100
    play(pipeline, chain(101, 129))
    assert (pipeline.frontier.slot, pipeline.session, pipeline.totals.gaps) == (129, 3, 0)


def test_a_checkpoint_on_a_skipped_slot_is_no_gap() -> None:
    pipeline = restored(100)
    play(pipeline, [meta(103, 99), meta(104, 103)])
    assert (pipeline.frontier.slot, pipeline.totals.gaps) == (103, 0)


def test_a_source_that_has_started_over_begins_a_session() -> None:
    pipeline = restored(5000)
    sent = play(pipeline, chain(1000, 1003))
    assert {m.headers.epoch for m in sent if isinstance(m, TxMessage)} == {4}
    assert pipeline.frontier.slot == 1002


def test_a_slot_zero_transaction_after_a_resume_begins_no_session() -> None:
    pipeline = restored(5000)
    play(pipeline, [transaction(0, 1), *chain(5001, 5004)])
    assert (pipeline.session, pipeline.frontier.slot) == (3, 5003)


def test_what_the_replay_window_lost_is_a_gap_in_the_same_session() -> None:
    pipeline = restored(100)
    pipeline.resumed(break_why="replay window exceeded")
    gaps = [m.gap for m in play(pipeline, chain(150, 152)) if isinstance(m, GapMessage)]
    assert [(g.epoch, g.first_missing_slot, g.last_missing_slot, g.why) for g in gaps] == [
        (3, 101, 149, "replay window exceeded")
    ]
    assert pipeline.frontier.slot == 151


def test_a_live_start_after_a_refusal_is_a_new_session_with_a_gap_before_it() -> None:
    pipeline = restored(100)
    pipeline.live("from_slot is not supported")
    gaps = [m.gap for m in play(pipeline, chain(150, 152)) if isinstance(m, GapMessage)]
    assert [(g.epoch, g.first_missing_slot, g.last_missing_slot) for g in gaps] == [(4, 101, 150)]


def test_the_slot_in_which_a_live_stream_begins_is_part_of_the_gap() -> None:
    pipeline = Pipeline("main")
    play(pipeline, chain(100, 109))
    pipeline.live("from_slot is not supported")
    # Its first transaction went by before.
    sent = play(pipeline, [transaction(210, 1), meta(210, 209), *chain(211, 214)])
    gaps = [m.gap for m in sent if isinstance(m, GapMessage)]
    assert [(g.first_missing_slot, g.last_missing_slot) for g in gaps] == [(109, 210)]
    assert pipeline.frontier.slot == 213
    # What was seen of it is there all the same: its block tells the time.
    updates = [u for m in sent if isinstance(m, TxMessage) for u in m.updates]
    assert updates[:2] == [transaction(210, 1), meta(210, 209)]


def test_a_gap_before_a_live_stream_stands_before_every_claim_on_it() -> None:
    pipeline = Pipeline("main")
    play(pipeline, chain(100, 109))
    pipeline.live("from_slot is not supported")
    sent = play(pipeline, [transaction(210, 1), meta(210, 209), *chain(211, 214)])
    sent += pipeline.tick(1.0)
    numbers = [m.number for m in sent if isinstance(m, GapMessage)]
    claims = [m.number for m in sent if isinstance(m, TxMessage) and m.headers.frontier_slot >= 210]
    assert claims
    assert max(numbers) < min(claims)


def test_a_cut_before_anything_was_closed_asks_for_the_first_slot_again() -> None:
    pipeline = Pipeline("main")
    play(pipeline, [transaction(100, 0)])
    assert pipeline.resume_from() == 100
    pipeline.resumed()
    play(pipeline, chain(100, 103))
    assert (pipeline.frontier.slot, pipeline.session, pipeline.totals.gaps) == (102, 1, 0)


def test_what_was_asked_for_is_no_older_chain_however_much_was_stored_since() -> None:
    pipeline = restored(5000)
    asked = pipeline.resume_from()
    waiting = [m for update in chain(5001, 5200) for m in pipeline.update(update, 0.0)]
    # The stream is cut with all of it in flight, and stored while the source refuses the next.
    store_all(pipeline, waiting)
    pipeline.resumed(asked)
    play(pipeline, chain(5001, 5210))
    assert (pipeline.session, pipeline.frontier.slot, pipeline.totals.gaps) == (3, 5209, 0)


def test_what_is_sent_again_is_no_older_chain_however_long_one_message_was_not_stored() -> None:
    pipeline = restored(5000)
    # A broker that is full takes the rest before it takes the first of them.
    first, *rest = [m for update in chain(5001, 6000) for m in pipeline.update(update, 0.0)]
    store_all(pipeline, rest)
    assert (pipeline.resume_from(), pipeline.complete_slot) == (5001, 5999)
    pipeline.resumed()
    play(pipeline, chain(5001, 5999))
    assert pipeline.session == 3
    store_all(pipeline, [first])
    play(pipeline, chain(6000, 6010))
    assert (pipeline.session, pipeline.frontier.slot, pipeline.totals.gaps) == (3, 6009, 0)


@given(st.lists(st.binary(max_size=80), max_size=60))
def test_garbage_is_published_as_it_came(updates: list[bytes]) -> None:
    pipeline = Pipeline("main")
    sent = [m for update in updates for m in pipeline.update(update, 0.0)] + pipeline.flush(0.0)
    published = [u for m in sent if isinstance(m, TxMessage) for u in m.updates]
    pings = [u for u in updates if u not in published]
    assert [u for u in updates if u not in pings] == published
    assert all(u[:1] in b"\x32\x4a\x0a\x5a" for u in pings)
