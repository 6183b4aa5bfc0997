"""Where the rate does not follow the chain blocks are left out, in runs, and only there."""

from __future__ import annotations

import pytest

from pw_ingest.core.rpc.sampling import (
    BEHIND_BLOCKS,
    BEHIND_BLOCKS_MAX,
    BLOCKS_PER_S,
    TREND_S,
    Sampling,
    list_every_s,
)
from pw_ingest.core.rpc.share import Share


class Chain:
    """A chain, and a node that takes a rate of requests, second by second."""

    def __init__(self, per_s: float, *, speed: float | None = None, backlog: float = 0.0) -> None:
        self.sampling = Sampling(per_s)
        self.speed = self.sampling.capacity_per_s if speed is None else speed
        self.backlog = backlog
        self.worst = 0.0
        self.seen = self.made = 0.0
        self.now_s = 0

    def go(self, seconds: int, *, speed: float | None = None) -> None:
        for _ in range(seconds):
            self.now_s += 1
            self.made += BLOCKS_PER_S
            self.backlog += BLOCKS_PER_S
            done = min(self.backlog, self.speed if speed is None else speed)
            self.backlog -= done
            self.seen += done
            listed = int(self.made) - int(self.made - BLOCKS_PER_S)
            self.sampling.listed(listed, float(self.now_s), is_newest=True)
            self.worst = max(self.worst, self.backlog)
            if self.sampling.leaves_out(int(self.backlog), float(self.now_s)):
                self.backlog = 1.0


@pytest.mark.parametrize(
    ("per_s", "follows"), [(8.0, True), (3.4, True), (3.2, False), (0.4, False)]
)
def test_the_stated_rate_from_which_on_a_chain_is_followed(per_s: float, follows: bool) -> None:
    chain = Chain(per_s)
    chain.go(600)
    assert (chain.seen == chain.made) is follows
    assert chain.sampling.follows(600.0) is follows


@pytest.mark.parametrize("per_s", [0.4, 1.0, 2.0, 3.0])
def test_at_too_low_a_rate_all_that_may_be_asked_is_seen_and_it_is_never_old(per_s: float) -> None:
    chain = Chain(per_s)
    chain.go(3_600)
    share = chain.seen / chain.made
    assert share == pytest.approx(chain.sampling.capacity_per_s / BLOCKS_PER_S, rel=0.02)
    assert chain.worst <= BEHIND_BLOCKS + BLOCKS_PER_S


def test_a_pause_that_can_be_made_up_for_leaves_nothing_out() -> None:
    chain = Chain(8.0)
    chain.go(60)
    chain.go(45, speed=0.0)
    chain.go(120)
    assert chain.seen == chain.made


def test_an_outage_of_an_hour_is_caught_up_with() -> None:
    chain = Chain(8.0, backlog=BEHIND_BLOCKS_MAX - 10.0)
    chain.go(4_000)
    assert chain.backlog < BEHIND_BLOCKS
    assert chain.seen == pytest.approx(chain.made + BEHIND_BLOCKS_MAX - 10.0)


def test_more_than_an_hour_is_not() -> None:
    assert Sampling(8.0).leaves_out(BEHIND_BLOCKS_MAX + 1, 0.0)


def test_a_node_slower_than_its_stated_rate_is_found_out_and_sampled() -> None:
    chain = Chain(20.0, speed=1.0)
    chain.go(int(3 * TREND_S))
    worst = chain.worst
    assert worst < 4 * TREND_S * BLOCKS_PER_S
    chain.worst = 0.0
    chain.go(300)
    assert chain.worst <= BEHIND_BLOCKS + BLOCKS_PER_S


def test_what_our_own_broker_held_up_says_nothing_of_the_node() -> None:
    sampling = Sampling(8.0)
    for now_s in range(int(3 * TREND_S)):
        sampling.excuse()
        assert not sampling.leaves_out(BEHIND_BLOCKS + 1 + now_s, float(now_s))


def test_the_list_takes_a_quarter_of_the_requests_at_most() -> None:
    for per_s in (0.1, 0.5, 3.4, 8.0, 100.0):
        assert 1 / list_every_s(per_s) <= max(0.25 * per_s, 0.0) + 1e-9
        assert list_every_s(per_s) >= 0.4


def test_the_share_is_of_the_last_blocks_alone() -> None:
    share = Share(blocks_max=10)
    assert share.permille is None
    share.missed(1_000)
    assert share.left_out == 1_000
    for _ in range(5):
        share.seen()
    assert share.permille == 500
    for _ in range(5):
        share.seen()
    assert share.permille == 1_000
