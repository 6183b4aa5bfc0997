"""What a live source may claim: everything that happens to honest ones, and no lie beyond it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.envelope import Identity
from pw_common.wire.limits import SLOT_MAX
from pw_ingest.core.endpoints.plausible import (
    AHEAD_MS_MAX,
    LOW_RUN,
    PROVEN_MS,
    SLACK_SLOTS,
    SLOT_MS_MIN,
    Anchor,
    Judge,
    Steady,
    absurd,
    created,
    slot_by_clock,
)
from pw_ingest.core.sequencing.identity import META, TX, Seen

NOW_MS = 1_795_000_000_000
SLOT = 350_000_000
# Our clock is wrong by so much, in either direction.
WRONG_MS = 300_000


def meta(slot: int, time_ms: int | None = None) -> Seen:
    time_s = None if time_ms is None else time_ms // 1000
    return Seen(Identity(META, slot, b""), 0, False, slot - 1, time_s)


def transaction(slot: int) -> Seen:
    return Seen(Identity(TX, slot, b"s" * 64), 0, False, 0)


@dataclass
class World:
    """An honest chain, and a machine that watches it with whatever clock it has."""

    luck: random.Random
    true_ms: int = NOW_MS
    # Monotonic time stands still while the machine sleeps.
    slept_ms: int = 0
    wrong_ms: int = 0
    slot: int = SLOT
    produced: list[Anchor] = field(default_factory=list)
    judge: Judge = field(default_factory=Judge)
    steady: Steady = field(default_factory=Steady)
    refused: list[object] = field(default_factory=list)

    def now(self) -> int:
        monotonic_s = (self.true_ms - NOW_MS - self.slept_ms) / 1000 + 1_000
        return self.steady.now(self.true_ms + self.wrong_ms, monotonic_s)

    def produce(self, slots: int, slot_ms: int) -> Anchor:
        """Pass time; the block's votes agree on a second that may be a little old."""
        self.slot += slots
        self.true_ms += slots * slot_ms
        block = Anchor(self.slot, self.true_ms - self.luck.randrange(3_000))
        self.produced.append(block)
        return block

    def deliver(self, block: Anchor) -> None:
        for seen in (transaction(block.slot), meta(block.slot, block.time_ms)):
            refusal = self.judge.judge(seen, self.now())
            if refusal is not None:
                self.refused.append((refusal, block, self.true_ms, self.wrong_ms))
        self.true_ms += self.luck.randrange(3)

    def begin(self) -> None:
        block = self.produce(1, 400)
        self.judge.establish(block, self.now(), proven=False)
        self.deliver(block)

    def live(self, amount: int) -> None:
        for _ in range(amount):
            # Up to three leaders in a row that skip their four slots.
            skipped = self.luck.choice([1, 1, 1, 1, 2, 4, 13])
            self.deliver(self.produce(skipped, self.luck.choice([300, 387, 400, 450, 900])))

    def pass_by(self, amount: int) -> None:
        """Up to two hours of blocks; not each one, but none is further from the next than this."""
        for _ in range(15 * amount):
            self.produce(self.luck.randrange(1, SLACK_SLOTS), 400)

    def away(self, amount: int) -> None:
        """The stream is gone for up to some hours, then brings all of it at once."""
        first = len(self.produced)
        self.pass_by(amount)
        for block in self.produced[first:]:
            self.deliver(block)

    def stopped(self, amount: int) -> None:
        """As `away`, and a process that knows its checkpoint goes on."""
        anchor = self.judge.anchor
        assert anchor is not None
        self.judge, self.steady = Judge(), Steady()
        first = len(self.produced)
        self.pass_by(amount)
        self.judge.establish(anchor, self.now(), proven=True)
        for block in self.produced[first:]:
            self.deliver(block)

    def no_replay(self, amount: int) -> None:
        """A restart without replay: what comes first is far from the checkpoint."""
        anchor = self.judge.anchor
        assert anchor is not None
        self.judge, self.steady = Judge(), Steady()
        block = self.produce(400 * amount, 400)
        self.judge.establish(anchor, self.now(), proven=True)
        self.deliver(block)

    def asleep(self, amount: int) -> None:
        """The machine sleeps; then the source goes on where it is now."""
        slept_ms = 1_000_000 * amount
        self.slept_ms += slept_ms
        block = self.produce(slept_ms // 400, 400)
        self.deliver(block)

    def clock(self, amount: int) -> None:
        self.wrong_ms = self.luck.randrange(-WRONG_MS, WRONG_MS + 1)

    def halted(self, amount: int) -> None:
        """The chain stands for hours, then goes on with the next slot."""
        self.true_ms += 3_600_000 * amount
        self.live(2)

    def replayed(self, amount: int) -> None:
        for block in self.produced[-10 * amount :]:
            self.deliver(block)


EVENTS = (
    "live", "away", "stopped", "no_replay", "asleep", "clock", "halted", "replayed",
)  # fmt: skip
histories = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(1, 6)), max_size=30)


@given(st.integers(0, 2**32), st.integers(-WRONG_MS, WRONG_MS), histories)
def test_nothing_that_happens_to_an_honest_source_is_refused(
    seed: int, wrong_ms: int, history: list[tuple[str, int]]
) -> None:
    world = World(random.Random(seed), wrong_ms=wrong_ms)
    world.begin()
    for event, amount in history:
        getattr(world, event)(amount)
        world.live(1)
    assert world.refused == []


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.sampled_from(["live", "away", "asleep", "halted"]), st.integers(1, 4))),
    st.integers(SLACK_SLOTS + 200, 2**64 - 1),
    st.booleans(),
)
def test_a_slot_that_no_chain_can_have_reached_is_refused_and_moves_nothing(
    seed: int, history: list[tuple[str, int]], ahead: int, is_meta: bool
) -> None:
    world = World(random.Random(seed))
    world.begin()
    for event, amount in history:
        getattr(world, event)(amount)
    # Naive: from any block that was delivered, a slot takes 250 ms at least.
    fastest = min(one.slot + (world.true_ms - one.time_ms) // SLOT_MS_MIN for one in world.produced)
    # Where a halt loosened the bound, the lie must be beyond it too.
    anchor = world.judge.anchor
    assert anchor is not None
    loosest = anchor.slot + (world.true_ms - anchor.time_ms) // SLOT_MS_MIN
    slot = max(fastest, loosest) + ahead
    claim = meta(slot, world.true_ms) if is_meta else transaction(slot)
    before = world.judge.ceiling(world.now())
    refusal = world.judge.judge(claim, world.now())
    assert refusal is not None
    assert refusal.why == "slot_ahead"
    assert str(slot) in refusal.claim
    assert world.judge.ceiling(world.now()) == before
    world.live(5)
    assert world.refused == []


@given(st.lists(st.integers(0, SLACK_SLOTS), min_size=1, max_size=200), st.integers(0, 60_000))
def test_lies_within_the_slack_do_not_add_up(jumps: list[int], passed_ms: int) -> None:
    judge = Judge()
    judge.establish(Anchor(SLOT, NOW_MS), NOW_MS, proven=True)
    judge.judge(meta(SLOT, NOW_MS), NOW_MS)
    slot, believed = SLOT, SLOT
    for jump in jumps:
        slot += jump
        if judge.judge(meta(slot, NOW_MS + passed_ms), NOW_MS + passed_ms) is None:
            believed = slot
    assert believed <= SLOT + SLACK_SLOTS + (passed_ms + 10_000) // SLOT_MS_MIN


@pytest.mark.parametrize(
    "time_s", [2**62, 32_503_680_000, -(2**62), 0, (NOW_MS + 3_600_000) // 1000]
)
def test_a_block_time_of_another_century_or_hour_is_refused(time_s: int) -> None:
    world = World(random.Random(1))
    world.begin()
    world.live(50)
    lie = Seen(Identity(META, world.slot + 1, b""), 0, False, world.slot, time_s)
    refusal = world.judge.judge(lie, world.now())
    assert refusal is not None
    assert refusal.why == "block_time"
    world.live(50)
    assert world.refused == []


def test_a_single_block_time_some_minutes_ahead_is_refused() -> None:
    world = World(random.Random(2))
    world.begin()
    world.live(50)
    block = world.produce(1, 400)
    refusal = world.judge.judge(meta(block.slot, block.time_ms + 240_000), world.now())
    assert refusal is not None
    assert refusal.why == "block_time"


def test_a_clock_of_ours_that_is_slow_by_more_than_a_quarter_of_an_hour_is_said() -> None:
    world = World(random.Random(3), wrong_ms=-2 * AHEAD_MS_MAX)
    world.judge.establish(Anchor(SLOT, NOW_MS), world.now(), proven=True)
    refusal = world.judge.judge(meta(SLOT + 1, NOW_MS), world.now())
    assert refusal is not None
    assert "s ahead of our clock" in refusal.claim


def test_the_truth_far_below_a_first_lie_is_taken_and_becomes_the_measure() -> None:
    judge = Judge()
    judge.establish(Anchor(SLOT + 10**8, NOW_MS), NOW_MS, proven=False)
    for number in range(LOW_RUN):
        now_ms = NOW_MS + 400 * number
        assert judge.judge(meta(SLOT + number, now_ms), now_ms) is None
    now_ms = NOW_MS + 400 * LOW_RUN
    assert judge.judge(meta(SLOT + 10**8 + LOW_RUN, now_ms), now_ms) is not None
    assert judge.judge(meta(SLOT + LOW_RUN, now_ms), now_ms) is None


def test_a_false_history_below_does_not_shut_the_truth_out() -> None:
    judge = Judge()
    judge.establish(Anchor(SLOT, NOW_MS), NOW_MS, proven=True)
    for number in range(LOW_RUN + 10):
        now_ms = NOW_MS + 400 * number
        assert judge.judge(meta(1_000 + number, now_ms), now_ms) is None
    now_ms = NOW_MS + PROVEN_MS
    assert judge.judge(meta(SLOT + 1_500, now_ms), now_ms) is None
    assert judge.judge(meta(SLOT + 10**6, now_ms), now_ms) is not None


def test_a_quick_test_network_is_measured_by_its_own_setting() -> None:
    usual, quick = Judge(), Judge(slot_ms_min=10)
    for judge in (usual, quick):
        judge.establish(Anchor(1_000, NOW_MS), NOW_MS, proven=True)
        judge.judge(meta(1_000, NOW_MS), NOW_MS)
    later = meta(5_000, NOW_MS + 60_000)
    assert usual.judge(later, NOW_MS + 60_000) is not None
    assert quick.judge(later, NOW_MS + 60_000) is None


def test_without_an_anchor_no_cluster_can_be_older_than_the_first() -> None:
    judge = Judge()
    assert judge.judge(transaction(slot_by_clock(NOW_MS, SLOT_MS_MIN)), NOW_MS) is None
    assert judge.judge(transaction(2**40), NOW_MS) is not None


@pytest.mark.parametrize("slot", [SLOT_MAX + 1, 10**18, 2**63, 2**64 - 2])
def test_a_slot_beyond_any_chain_is_refused_of_a_recording_too(slot: int) -> None:
    assert absurd(transaction(slot)) is not None
    assert absurd(meta(slot)) is not None
    assert absurd(transaction(SLOT_MAX)) is None


@pytest.mark.parametrize("seconds", [2**62, -(2**62), -1])
def test_a_created_at_that_is_no_time_is_not_used(seconds: int) -> None:
    claimed = transaction(5)._replace(created_ns=seconds * 10**9)
    assert created(claimed, NOW_MS) is None
    assert created(claimed, None) is None


def test_a_created_at_a_little_ahead_is_used_and_one_that_is_not_stated_is_none() -> None:
    ahead_ns = (NOW_MS + 60_000) * 10**6
    assert created(transaction(5)._replace(created_ns=ahead_ns), NOW_MS) == ahead_ns
    assert created(transaction(5), NOW_MS) == 0


@given(st.lists(st.tuples(st.integers(-600_000, 600_000), st.integers(0, 5_000)), max_size=50))
def test_the_steady_clock_never_goes_back_and_never_falls_behind(
    steps: list[tuple[int, int]],
) -> None:
    steady, true_ms, mono_ms = Steady(), NOW_MS, 0
    last = steady.now(true_ms, mono_ms / 1000)
    for wrong_ms, passed_ms in steps:
        true_ms += passed_ms
        mono_ms += passed_ms
        now = steady.now(true_ms + wrong_ms, mono_ms / 1000)
        assert now >= last + passed_ms - 1
        assert now >= true_ms + wrong_ms
        last = now
