"""Windows are exact: every metric equals what a plain recount of all trades gives."""

from __future__ import annotations

import importlib
from dataclasses import replace
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.messages import Swap, TokenCreated
from pw_detection.state.market import Market
from pw_detection.state.metrics import BY_NAME, METRICS, Reading, read_all

stream: Any = importlib.import_module("support.cut_stream")
SOL, USDC = stream.SOL, stream.USDC
NOW_MS = 1_700_000_000_000


def slot_of(number: int, event_time_ms: int, *swaps: Swap, reset: bool = False) -> ClosedSlot:
    return ClosedSlot(number, event_time_ms, reset or number == 1, swaps)


def folded(slots: list[ClosedSlot]) -> Market:
    market = Market()
    for slot in slots:
        market.fold(slot)
    return market


def read(market: Market, mint: str, name: str) -> Reading:
    market.advance([mint])
    return BY_NAME[name].read(market, market.tokens[mint])


class Recount:
    """The same metrics from the flat list of all trades, by the words of their definition."""

    def __init__(self, slots: list[ClosedSlot], mint: str) -> None:
        self.now_ms = slots[-1].event_time_ms
        self.trades = [(slot, swap) for slot in slots for swap in slot.swaps if swap.mint == mint]
        self.all = [(slot, swap) for slot in slots for swap in slot.swaps]
        self.slots = slots

    def within(self, window: str) -> list[tuple[ClosedSlot, Swap]]:
        step, count = {"5m": (10_000, 30), "1h": (60_000, 60)}[window]
        first_ms = (self.now_ms // step - count + 1) * step
        return [(slot, swap) for slot, swap in self.trades if slot.event_time_ms >= first_ms]

    def lamports(self, slot: ClosedSlot, swap: Swap) -> int | None:
        if swap.quote_amount_raw is None:
            return None
        if swap.quote_mint == SOL:
            return swap.quote_amount_raw
        at = self.slots.index(slot)
        told = []
        before_ms = self.slots[at - 1].event_time_ms if at else 0
        for earlier in self.slots[max(0, at - 150) : at]:
            if earlier.event_time_ms <= before_ms - 600_000:
                continue
            sol = sum(quote.sol_amount_raw for quote in earlier.quotes)
            usd = sum(quote.usd_amount_raw for quote in earlier.quotes)
            if sol and usd:
                told.append((Fraction(usd, sol), sol, usd))
        if not told:
            return None
        told.sort(key=lambda one: one[0])
        whole, passed = sum(sol for _, sol, _ in told), 0
        for _, sol, usd in told:
            passed += sol
            if 2 * passed >= whole:
                return swap.quote_amount_raw * sol // usd
        raise AssertionError

    def values(self, window: str) -> dict[str, Any]:
        trades = self.within(window)
        buys = [(slot, swap) for slot, swap in trades if swap.side == "buy"]
        sells = [(slot, swap) for slot, swap in trades if swap.side == "sell"]
        bought = sum(self.lamports(*one) or 0 for one in buys)
        sold = sum(self.lamports(*one) or 0 for one in sells)
        by_buyer: dict[str, int] = {}
        for slot, swap in buys:
            paid = self.lamports(slot, swap) or 0
            by_buyer[swap.trader] = by_buyer.get(swap.trader, 0) + paid
        valued = [one for one in buys if self.lamports(*one) is not None]
        top = sum(sorted(by_buyer.values(), reverse=True)[:3])
        return {
            "buy_count": len(buys),
            "sell_count": len(sells),
            "unique_buyers": len({swap.trader for _, swap in buys}),
            "unique_sellers": len({swap.trader for _, swap in sells}),
            "buy_volume_sol": Fraction(bought, 10**9),
            "sell_volume_sol": Fraction(sold, 10**9),
            "net_volume_sol": Fraction(bought - sold, 10**9),
            "avg_buy_size": Fraction(bought, 10**9) / len(valued) if valued else None,
            "buy_sell_ratio": Fraction(len(buys), len(sells)) if sells else None,
            "top_3_buyers_volume_share": Fraction(top, bought) if bought else None,
            "unvalued_count": sum(self.lamports(*one) is None for one in trades),
        }


@settings(deadline=None)
@given(st.integers(0, 100_000), st.integers(5, 160), st.sampled_from([0.4, 4.0, 30.0]))
def test_every_window_is_what_a_recount_gives(seed: int, slots: int, seconds: float) -> None:
    closed = stream.closed_slots(stream.cut(stream.flow(seed, slots, slot_seconds=seconds), seed))
    market = folded(closed)
    for mint in sorted(market.tokens):
        recount = Recount(closed, mint)
        for window in ("5m", "1h"):
            if not recount.within(window):
                assert read(market, mint, f"buy_count_{window}").unknown == "no_trades"
                continue
            for name, value in recount.values(window).items():
                reading = read(market, mint, f"{name}_{window}")
                if reading.unknown != "cold":
                    assert reading.value == value, (name, window)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_two_hours_and_five_minutes_tell_as_much_as_everything(seed: int) -> None:
    closed = stream.closed_slots(stream.cut(stream.flow(seed, 320, slot_seconds=40.0), seed))
    horizon_ms = closed[-1].event_time_ms - 125 * 60_000
    late = [slot for slot in closed if slot.event_time_ms >= horizon_ms]
    whole, rebuilt = folded(closed), folded([replace(late[0], reset=True), *late[1:]])
    whole.sweep()
    rebuilt.sweep()
    assert whole.tokens.keys() == rebuilt.tokens.keys()
    for mint in whole.tokens:
        told = read_all(whole, whole.tokens[mint])
        assert told == read_all(rebuilt, rebuilt.tokens[mint])
        assert whole.tokens[mint].evidence(9) == rebuilt.tokens[mint].evidence(9)


def warm(*slots: ClosedSlot) -> Market:
    """A market that has been watched for three hours before the given slots."""
    return folded([slot_of(1, NOW_MS - 3 * 3_600_000), *slots])


def test_buy_volume_counts_buys_alone() -> None:
    sold = stream.swap(2, 2, buy=False, quote=7_000_000_000)
    market = warm(slot_of(2, NOW_MS, stream.swap(1, 2), sold))
    assert read(market, "mint", "buy_volume_sol_5m").value == 1
    assert read(market, "mint", "avg_buy_size_5m").value == 1
    assert read(market, "mint", "net_volume_sol_5m").value == -6


def test_unique_buyers_are_a_union_over_the_hour_and_an_hour_is_an_hour() -> None:
    slots = [
        slot_of(2 + at, NOW_MS + at * 600_000, stream.swap(at, 2 + at, trader=f"wallet{at}"))
        for at in range(6)
    ]
    market = warm(*slots)
    assert read(market, "mint", "unique_buyers_1h").value == 6
    assert read(market, "mint", "buy_count_1h").value == 6
    assert read(market, "mint", "unique_buyers_5m").value == 1


def test_five_minutes_slide_and_are_not_cut_at_the_clock() -> None:
    before, after = NOW_MS - NOW_MS % 300_000 - 1_000, NOW_MS - NOW_MS % 300_000 + 1_000
    market = warm(slot_of(2, before, stream.swap(1, 2)), slot_of(3, after, stream.swap(2, 3)))
    assert read(market, "mint", "buy_count_5m").value == 2


def test_a_ratio_without_sells_is_infinite_and_without_trades_unknown() -> None:
    market = warm(slot_of(2, NOW_MS, stream.swap(1, 2)))
    assert read(market, "mint", "buy_sell_ratio_5m") == Reading(None, "no_sells")
    market.fold(slot_of(3, NOW_MS + 310_000))
    assert read(market, "mint", "buy_sell_ratio_5m") == Reading(None, "no_trades")
    assert read(market, "mint", "buy_count_5m") == Reading(None, "no_trades")


def test_dollars_are_valued_by_the_stream_or_counted_as_unvalued() -> None:
    usdc = stream.swap(1, 3, quote=150_000_000, quote_mint=USDC)
    price = stream.flow(0, 0)
    assert price == []
    unvalued = warm(slot_of(2, NOW_MS), slot_of(3, NOW_MS, usdc))
    assert read(unvalued, "mint", "buy_volume_sol_5m").value == 0
    assert read(unvalued, "mint", "unvalued_count_5m").value == 1
    assert read(unvalued, "mint", "avg_buy_size_5m").unknown == "unvalued"
    quotes = tuple(e for e in stream.flow(5, 40) if type(e).__name__ == "QuoteTrade")[:1]
    valued = warm(replace(slot_of(2, NOW_MS), quotes=quotes), slot_of(3, NOW_MS, usdc))
    worth = Fraction(150_000_000 * quotes[0].sol_amount_raw // quotes[0].usd_amount_raw, 10**9)
    assert read(valued, "mint", "buy_volume_sol_5m").value == worth


def test_a_cold_start_says_so_and_gives_lower_bounds_where_it_can() -> None:
    market = folded([slot_of(1, NOW_MS), slot_of(2, NOW_MS + 1_000, stream.swap(1, 2))])
    assert read(market, "mint", "buy_count_5m") == Reading(1, None, least=True)
    assert read(market, "mint", "avg_buy_size_5m") == Reading(None, "cold")
    assert read(market, "mint", "new_wallet_pct_5m") == Reading(None, "cold")


def test_a_token_whose_launch_was_seen_is_never_cold() -> None:
    created = TokenCreated(
        signature="s", ordinal=9, slot=1, index=0, mint="mint", name="N", symbol="S",
        creator="c", decimals=6, supply_raw=10**15,
    )  # fmt: skip
    market = folded([replace(slot_of(1, NOW_MS, stream.swap(1, 1)), tokens=(created,))])
    assert read(market, "mint", "buy_count_5m") == Reading(1)
    assert read(market, "mint", "price_sol").value == 1
    assert read(market, "mint", "market_cap_sol").value == 10**9
    assert read(market, "mint", "supply").value == 10**9


def test_new_wallets_are_those_unseen_for_an_hour() -> None:
    old = slot_of(2, NOW_MS - 3_500_000, stream.swap(1, 2, trader="old", mint="other"))
    now = slot_of(3, NOW_MS, stream.swap(2, 3, trader="old"), stream.swap(3, 3, trader="new"))
    assert read(warm(old, now), "mint", "new_wallet_pct_5m").value == Fraction(1, 2)


def test_muted_wallets_do_not_count() -> None:
    market = Market()
    market.muted_wallets = frozenset({"bot"})
    market.fold(slot_of(1, NOW_MS, stream.swap(1, 1, trader="bot"), stream.swap(2, 1)))
    assert read(market, "mint", "buy_count_5m").value == 1


def test_a_trade_below_the_threshold_of_confidence_counts_nowhere() -> None:
    certain = stream.swap(1, 1)
    doubtful = msgspec.structs.replace(certain, confidence=0.69)
    market = folded([slot_of(1, NOW_MS, doubtful)])
    market.amend(slot_of(1, NOW_MS, doubtful))
    assert not market.tokens
    assert set(folded([slot_of(1, NOW_MS, certain)]).tokens) == {certain.mint}


def test_tokens_without_a_trade_for_an_hour_are_dropped() -> None:
    market = warm(slot_of(2, NOW_MS, stream.swap(1, 2)), slot_of(3, NOW_MS + 3_700_000))
    assert market.sweep() == ["mint"]
    assert market.tokens == {}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_explained(metric: Any) -> None:
    assert metric.formula
    assert metric.unknown
