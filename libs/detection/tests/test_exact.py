"""Small and quick windows answer, word for word, what a recount of flat lists answers."""

from __future__ import annotations

import importlib
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.messages import QuoteTrade, TokenCreated
from pw_detection.detector import Detector
from pw_detection.rules.lists import Mute, Mutes, Watched, WatchLists
from pw_detection.rules.rules import Rule
from pw_detection.state import windows

stream: Any = importlib.import_module("support.cut_stream")
naive: Any = importlib.import_module("naive_market")
BEGIN_MS = 1_700_000_000_000
MINUTE_MS = 60_000
# From slots that follow each other to nights without a trade.
STEPS_MS = (400, 400, 400, 7_000, 20_000, 70_000, 290_000, 11 * MINUTE_MS, 59 * MINUTE_MS)
RULES = (
    Rule(name="any", conditions=("buy_count_5m >= 2",), cooldown_s=30, escalate_factor=1.3),
    Rule(name="top", conditions=("top_3_buyers_volume_share_5m >= 0.5", "buy_count_5m >= 3")),
    Rule(name="tops", conditions=("top_3_buyers_volume_share_1h > 0.4",), cooldown_s=60),
    Rule(name="few", conditions=("unique_buyers_1h <= 9", "buy_volume_sol_1h >= 1")),
    Rule(name="new", conditions=("new_wallet_pct_5m >= 0.2",), gates=("buy_sell_ratio_1h > 1",)),
    Rule(name="friends", conditions=("watched_buyers_1h >= 2",), cooldown_s=60),
    Rule(name="price", conditions=("price_change_5m >= 0.1", "market_cap_sol > 0")),
)
WATCHED = WatchLists(
    entries=tuple(Watched(address=f"wallet{n}", label=f"friend {n}") for n in range(0, 40, 7))
)
MUTED = Mutes(
    entries=(Mute(address="wallet3", of="wallet"), Mute(address="mint1", of="token", reason="so"))
)
# Beyond what any machine word holds, equal ones, none, and as they are.
PAID = (None, 0, 1, 10**9, 10**9, 3 * 10**9, 2**63 + 5, 2**80)


class Stream:
    """Slots with few or many wallets and mints, gaps that are filled, and interruptions."""

    def __init__(self, seed: int, *, wide: bool) -> None:
        self.rng = random.Random(seed)
        self.wide = wide
        self.huge = self.rng.random() < 0.3
        self.mints = self.rng.choice((1, 3, 8))
        self.wallets = self.rng.choice((4, 40, 400))
        self.at_ms, self.number = BEGIN_MS, 0

    def swap(self, slot: int, n: int) -> Any:
        rng = self.rng
        paid = rng.choice(PAID if self.huge else PAID[:-2])
        if rng.random() < 0.5:
            paid = int(10**9 * rng.paretovariate(1.1))
        return msgspec.structs.replace(
            stream.swap(
                slot * 100 + n,
                slot,
                trader=f"wallet{int(self.wallets * rng.random() ** 2)}",
                mint=f"mint{rng.randrange(self.mints)}",
                buy=rng.random() < 0.7,
                base=rng.choice((0, 1, 10**6, rng.randrange(1, 10**9), 2**65 if self.huge else 7)),
                quote=paid,
                quote_mint=rng.choice((stream.SOL, stream.SOL, stream.USDC, None)),
            ),
            venues=rng.choice(((), ("pump",), ("raydium",))),
        )

    def slot(self, at_ms: int, *, reset: bool = False, amends: bool = False) -> ClosedSlot:
        rng = self.rng
        self.number += 1
        number = self.number
        trades = rng.randrange(40) if self.wide else rng.choice((0, 1, 1, 3))
        tokens = [
            TokenCreated(
                signature=f"made{number}", ordinal=9, slot=number, index=9,
                mint=f"mint{rng.randrange(self.mints)}", name="n", symbol="S",
                creator=f"wallet{rng.randrange(9)}", decimals=6, supply_raw=10**15,
            )
            for _ in range(rng.random() < 0.04)
        ]  # fmt: skip
        quotes = [
            QuoteTrade(
                signature=f"quote{number}", ordinal=0, slot=number, index=8,
                sol_amount_raw=10**9, usd_mint=stream.USDC,
                usd_amount_raw=rng.randrange(10**8, 2 * 10**8),
            )
            for _ in range(rng.random() < 0.3)
        ]  # fmt: skip
        swaps = tuple(self.swap(number, n) for n in range(trades))
        return ClosedSlot(number, at_ms, reset, swaps, tuple(tokens), tuple(quotes), amends=amends)

    def slots(self, count: int) -> list[ClosedSlot]:
        rng = self.rng
        steps = STEPS_MS[:6] if self.wide else STEPS_MS
        found = []
        for at in range(count):
            self.at_ms += rng.choice(steps)
            found.append(self.slot(self.at_ms, reset=at == 0 or rng.random() < 0.01))
            if rng.random() < 0.08:
                back_ms = rng.choice((0, 3_000, 200_000, 20 * MINUTE_MS, 70 * MINUTE_MS))
                found.append(self.slot(max(BEGIN_MS, self.at_ms - back_ms), amends=True))
        return found


def detectors() -> tuple[Detector, Detector]:
    found = Detector(), Detector()
    found[1].market = naive.NaiveMarket()
    for one in found:
        one.set_rules(1, RULES, 0)
        one.set_watchlists(WATCHED, 3)
        one.set_mutes(MUTED, 25)
        one.set_mutes(Mutes(), 70)
    return found


def compare(seed: int, count: int, *, wide: bool) -> set[str]:
    source = Stream(seed, wide=wide)
    ours, plain = detectors()
    fired = set()
    for closed in source.slots(count):
        told = naive.take_slot(plain, closed)
        assert naive.take_slot(ours, closed) == told
        fired |= {f"{alert.trigger} {alert.kind}" for alert in told[0]}
        for mint in sorted({swap.mint for swap in closed.swaps}):
            # A question brings windows to the present, so not every one is asked.
            if source.rng.random() < 0.3:
                assert ours.token(mint) == plain.token(mint)
                assert ours.why(mint) == plain.why(mint)
    assert set(ours.market.tokens) == set(plain.market.tokens)
    return fired


@pytest.fixture(autouse=True)
def largest_are_kept_apart_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few trades must come as far as a mainnet's hour does."""
    monkeypatch.setattr(windows, "KEPT", 4)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32))
def test_sparse_hours_are_what_a_recount_gives(seed: int) -> None:
    compare(seed, 120, wide=False)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32))
def test_busy_minutes_are_what_a_recount_gives(seed: int) -> None:
    compare(seed, 60, wide=True)


def test_the_streams_used_here_fire_every_rule() -> None:
    fired: set[str] = set()
    for seed in range(6):
        fired |= compare(seed, 120, wide=seed % 2 == 1)
    assert {one.split()[0] for one in fired} == {rule.name for rule in RULES}
