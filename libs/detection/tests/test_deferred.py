"""Slots that are folded alone count their trades later; what comes out is the same."""

from __future__ import annotations

import importlib
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pw_detection.detector import Detector
from pw_detection.state.windows import Window

horizon: Any = importlib.import_module("test_horizon")
SUMS = (
    "start", "buys", "sells", "buy_lamports", "sell_lamports", "unvalued", "valued_buys",
    "fresh_buys", "buyers", "sellers",
)  # fmt: skip


def sums(window: Window) -> dict[str, Any]:
    return {name: getattr(window, name) for name in SUMS}


def state(detector: Detector) -> dict[str, Any]:
    market = detector.market
    market.settle()
    market.advance(market.tokens)
    return {
        mint: (sums(token.five), sums(token.hour), list(token.trades.times), token.leaves_ms)
        for mint, token in market.tokens.items()
    }


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), resets=st.booleans())
def test_folding_and_evaluating_in_any_turn_leave_the_same_windows(
    seed: int, *, resets: bool
) -> None:
    rng = random.Random(seed)
    slots = horizon.hours(rng, 120, resets=resets)
    stepped, mixed = Detector(), Detector()
    folds = True
    for closed in slots:
        stepped.step(closed)
        if rng.random() < 0.1:
            folds = not folds
        if folds:
            mixed.fold(closed)
        else:
            mixed.step(closed)
        if rng.random() < 0.1:
            mint = rng.choice(horizon.MINTS)
            assert mixed.token(mint).get("metrics") == stepped.token(mint).get("metrics")
    assert state(mixed) == state(stepped)
