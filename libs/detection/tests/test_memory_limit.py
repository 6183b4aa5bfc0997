"""At the limit the oldest is dropped, what was dropped is unknown, and a restart finds the same."""

from __future__ import annotations

import importlib
import random
from dataclasses import replace
from typing import Any

import pytest

from pw_common.ordering.assembly import ClosedSlot
from pw_detection.detector import Detector
from pw_detection.rules.rules import Rule
from pw_detection.state.metrics import BY_NAME
from pw_detection.state.windows import FIVE_MINUTES, HOUR

stream: Any = importlib.import_module("support.cut_stream")
BEGIN_MS = 1_700_000_000_000
SLOT_MS = 20_000
LIMIT = 60_000
RULES = (
    Rule(name="any", conditions=("buy_count_5m >= 2",), cooldown_s=30, escalate_factor=1.3),
    Rule(name="few", conditions=("unique_buyers_1h <= 40", "buy_count_1h >= 9"), cooldown_s=60),
    Rule(name="new", conditions=("new_wallet_pct_5m >= 0.3",)),
)


def slots(seed: int, count: int) -> list[ClosedSlot]:
    """Three busy mints, and others that trade a few times and go quiet."""
    rng = random.Random(seed)
    found = []
    for at in range(count):
        mints = [f"busy{rng.randrange(3)}" for _ in range(rng.randrange(4))]
        # Sometimes three times as much, so that the limit comes and goes.
        mints *= 3 if at // 150 % 2 else 1
        mints += [f"quiet{at // 8}"] * (at % 8 == 0)
        swaps = tuple(
            stream.swap(at * 100 + n, at + 1, trader=f"wallet{rng.randrange(60)}", mint=mint)
            for n, mint in enumerate(mints)
        )
        found.append(ClosedSlot(at + 1, BEGIN_MS + at * SLOT_MS, at == 0, swaps))
    return found


def limited(limit: int = LIMIT) -> Detector:
    detector = Detector(RULES)
    detector.market.bytes_max = limit
    return detector


@pytest.mark.parametrize("seed", range(2))
def test_what_is_held_stays_within_the_limit_and_no_value_is_wrong(seed: int) -> None:
    small, whole = limited(), limited(2**62)
    cuts = 0
    for closed in slots(seed, 700):
        small.step(closed)
        whole.step(closed)
        assert small.market.bytes_held <= LIMIT
        cuts = max(cuts, small.market.cut_ms)
        for mint in {swap.mint for swap in closed.swaps}:
            for name, metric in BY_NAME.items():
                ours = metric.read(small.market, small.market.tokens[mint])
                true = metric.read(whole.market, whole.market.tokens[mint])
                if ours.value is None:
                    assert ours.unknown is not None
                elif ours.least:
                    assert true.value is not None
                    assert ours.value <= true.value, name
                else:
                    assert ours == true, name
    assert cuts
    assert small.market.cut_trades > 0


def test_the_quietest_tokens_go_first_and_whole() -> None:
    detector = limited()
    for closed in slots(1, 400):
        before = dict.fromkeys(detector.market.tokens)
        cut_before_ms = detector.market.cut_ms
        last_ms = {mint: token.last_trade_ms for mint, token in detector.market.tokens.items()}
        detector.step(closed)
        if detector.market.cut_ms > cut_before_ms:
            gone = before.keys() - detector.market.tokens.keys()
            assert all(last_ms[mint] < detector.market.cut_ms for mint in gone)
            left = [token.last_trade_ms for token in detector.market.tokens.values()]
            assert all(ms >= detector.market.cut_ms for ms in left)
    assert detector.market.cut_tokens > 0
    assert detector.market.is_cut


def test_a_token_whose_launch_was_cut_off_is_cold_and_the_cut_ends_with_the_hour() -> None:
    detector = limited(2**62)
    every = slots(2, 500)
    for closed in every[:300]:
        detector.step(closed)
    detector.market.bytes_max = LIMIT // 2
    detector.step(every[300])
    assert not detector.market.covers("busy1", HOUR)
    detector.market.bytes_max = 2**62
    for closed in every[301:]:
        detector.step(closed)
    assert detector.market.covers("busy1", HOUR)
    assert detector.market.covers("busy1", FIVE_MINUTES)
    assert not detector.market.is_cut


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("at", [390, 460, 800])
def test_a_restart_at_the_limit_gives_the_alerts_that_no_restart_gives(seed: int, at: int) -> None:
    every = slots(seed, 1_000)
    straight = limited()
    given = [alert for closed in every[:at] for alert in straight.step(closed)]
    now_ms = every[at - 1].event_time_ms
    since_ms = max(BEGIN_MS, now_ms - 125 * 60_000)
    again = limited()
    again.restore(
        given,
        restarts_at_ms=since_ms,
        session_since_ms=BEGIN_MS,
        evaluates_from_ms=now_ms,
        cut_ms=straight.market.cut_ms,
    )
    for number, closed in enumerate(one for one in every[:at] if one.event_time_ms >= since_ms):
        again.fold(replace(closed, reset=number == 0))
    assert again.market.cut_ms == straight.market.cut_ms
    for closed in every[at:]:
        assert again.step(closed) == straight.step(closed)
        assert again.market.cut_ms == straight.market.cut_ms
