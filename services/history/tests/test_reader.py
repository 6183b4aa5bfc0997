"""Every answer is what a plain recount of the swaps gives, whatever is derived already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pw_common.wire.history import (
    BuyerPlace,
    BuyersAsked,
    CandlesAsked,
    HistorySwap,
    SearchAsked,
    SwapPlace,
    SwapsAsked,
    WalletAsked,
    WalletPlace,
    WalletTotalsAsked,
)
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap
from pw_history.asked.reader import Reader
from pw_history.asked.search import found_of
from pw_history.asked.wallets import buyers_of, totals_of, wallet_of
from pw_history.core.fifo import Trade, profit_of
from support.kept_world import SOL, Slot, filled, opened, slots, write_all
from support.naive_history import HOUR_MS, MINUTE_MS, counted, minutes, place, sums

ALL = {"first_ms": 0, "end_ms": 2**53}


def told(plan: list[Slot]) -> tuple[list[tuple[int, Swap]], Reader, Any]:
    connection = opened()
    # Some hours are closed half way.
    found = counted(write_all(connection, plan, step_rows=2))
    return found, Reader(connection), connection


@filled
@given(plan=slots, step_ms=st.sampled_from([MINUTE_MS, 5 * MINUTE_MS, HOUR_MS]))
def test_candles_are_those_of_a_recount(plan: list[Slot], step_ms: Any) -> None:
    found, reader, connection = told(plan)
    with connection:
        for mint in ("m1", "m2"):
            asked = CandlesAsked(mint=mint, quote_mint=SOL, step_ms=step_ms, **ALL)
            shown = {one.begin_ms: one for one in reader.candles(asked)}
            by_minute = {
                key[2]: value for key, value in minutes(found).items() if key[:2] == (mint, SOL)
            }
            begins = sorted({minute // step_ms * step_ms for minute in by_minute})
            assert list(shown) == begins
            for begin in begins:
                within = [
                    v for k, v in sorted(by_minute.items()) if k // step_ms * step_ms == begin
                ]
                one = shown[begin]
                assert (one.open, one.close) == (within[0][0], within[-1][3])
                assert one.high == max(v[1] for v in within)
                assert one.low == min(v[2] for v in within)
                assert (one.trades, one.buys) == (
                    sum(v[4] for v in within),
                    sum(v[5] for v in within),
                )
                assert (one.bought_raw, one.sold_raw, one.spent_raw, one.received_raw) == tuple(
                    sum(v[at] for v in within) for at in range(8, 12)
                )
                if step_ms == MINUTE_MS:
                    assert (one.buyers, one.sellers) == within[0][6:8]


@filled
@given(plan=slots, limit=st.integers(1, 4))
def test_pages_of_swaps_are_all_swaps_newest_first(plan: list[Slot], limit: int) -> None:
    found, reader, connection = told(plan)
    with connection:
        for mint, trader in ((None, None), ("m1", None), (None, "ann"), ("m2", "bob")):
            wanted = sorted(
                (
                    (time_ms, *place(swap))
                    for time_ms, swap in found
                    if mint in (None, swap.mint) and trader in (None, swap.trader)
                ),
                reverse=True,
            )
            seen: list[Any] = []
            before: SwapPlace | None = None
            while True:
                asked = SwapsAsked(mint=mint, trader=trader, before=before, limit=limit)
                page = [
                    (s.event_time_ms, s.slot, s.index, s.signature, s.ordinal)
                    for s in reader.swaps(asked)
                ]
                if not page:
                    break
                seen += page
                before = SwapPlace(*page[-1])
            assert seen == wanted


@filled
@given(plan=slots)
def test_a_wallet_and_a_tokens_buyers_add_up(plan: list[Slot]) -> None:
    found, reader, connection = told(plan)
    counts = [(t, s) for t, s in found if s.confidence >= CONFIDENCE_MIN]
    with connection:
        for trader in ("ann", "bob"):
            for one in wallet_of(reader, WalletAsked(trader=trader)):
                of = [
                    s for _, s in counts
                    if (s.trader, s.mint, s.quote_mint) == (trader, one.mint, one.quote_mint)
                ]  # fmt: skip
                assert sums(of) == (
                    one.bought_raw, one.sold_raw, one.spent_raw, one.received_raw
                )  # fmt: skip
                assert one.realized_raw is None
            of_trader = [s for _, s in counts if s.trader == trader]
            totals = {
                quote: [s for s in of_trader if s.quote_mint == quote]
                for quote in {s.quote_mint for s in of_trader}
            }
            shown = list(totals_of(reader, WalletTotalsAsked(trader=trader)))
            assert len(shown) == len(totals)
            for total in shown:
                these = totals[total.quote_mint]
                assert (total.spent_raw, total.received_raw) == sums(these)[2:]
                assert total.buys == sum(s.side == "buy" for s in these)
                assert total.buys + total.sells == len(these)
                assert total.tokens == len({s.mint for s in these})
                pages = [
                    one
                    for one in wallet_of(reader, WalletAsked(trader=trader))
                    if one.quote_mint == total.quote_mint
                ]
                assert total.first_ms == min(one.first_ms for one in pages)
                assert total.last_ms == max(one.last_ms for one in pages)
        for mint in ("m1", "m2"):
            buyers = list(buyers_of(reader, BuyersAsked(mint=mint, quote_mint=SOL)))
            spent = {buyer.trader: buyer.spent_raw for buyer in buyers}
            assert {one.all_spent_raw for one in buyers} <= {sum(spent.values())}
            of_mint = [s for _, s in counts if (s.mint, s.quote_mint) == (mint, SOL)]
            bought = {s.trader for s in of_mint if s.side == "buy"}
            assert spent == {
                trader: sums([s for s in of_mint if s.trader == trader])[2] for trader in bought
            }
            assert list(spent.values()) == sorted(spent.values(), reverse=True)


@filled
@given(plan=slots, limit=st.integers(1, 3))
def test_pages_of_a_wallet_and_of_buyers_cover_all_once(plan: list[Slot], limit: int) -> None:
    _, reader, connection = told(plan)
    with connection:
        for trader in ("ann", "bob"):
            tokens = list(wallet_of(reader, WalletAsked(trader=trader)))
            seen: list[Any] = []
            before: WalletPlace | None = None
            while page := list(
                wallet_of(reader, WalletAsked(trader=trader, before=before, limit=limit))
            ):
                seen += page
                before = WalletPlace(page[-1].last_ms, page[-1].mint, page[-1].quote_mint)
            assert seen == tokens
            assert [one.net_raw for one in seen] == [one.bought_raw - one.sold_raw for one in seen]
        for mint in ("m1", "m2"):
            buyers = list(buyers_of(reader, BuyersAsked(mint=mint, quote_mint=SOL)))
            spent: list[Any] = []
            behind: BuyerPlace | None = None
            asked = BuyersAsked(mint=mint, quote_mint=SOL, limit=limit)
            while there := list(buyers_of(reader, replace(asked, before=behind))):
                spent += there
                behind = BuyerPlace(there[-1].spent_raw, there[-1].trader)
            assert spent == buyers


def newest_first(found: Iterable[tuple[int, Swap]]) -> list[tuple[Any, ...]]:
    return sorted(((time_ms, *place(swap)) for time_ms, swap in found), reverse=True)


def shown_place(one: HistorySwap) -> tuple[Any, ...]:
    return one.event_time_ms, one.slot, one.index, one.signature, one.ordinal


@filled
@given(plan=slots)
def test_swaps_of_a_time_and_of_a_wallet_that_signed_are_those_of_a_recount(
    plan: list[Slot],
) -> None:
    found, reader, connection = told(plan)
    with connection:
        assert reader.head().swaps == len(found)
        times = sorted({time_ms for time_ms, _ in found})
        by_time = newest_first(found)
        for first_ms, end_ms in zip(times, times[1:], strict=False):
            shown = reader.swaps(SwapsAsked(first_ms=first_ms, end_ms=end_ms))
            wanted = [one for one in by_time if first_ms <= one[0] < end_ms]
            assert [shown_place(one) for one in shown] == wanted
        for wallet in ("ann", "bob", "an"):
            mine = newest_first(
                (time_ms, swap)
                for time_ms, swap in found
                if wallet in (swap.trader, swap.fee_payer, *swap.signers)
            )
            shown = reader.swaps(SwapsAsked(wallet=wallet))
            assert [shown_place(one) for one in shown] == mine


@filled
@given(plan=slots)
def test_the_profit_of_a_wallet_is_that_of_its_swaps_in_the_chains_order(plan: list[Slot]) -> None:
    found, reader, connection = told(plan)
    with connection:
        for one in wallet_of(reader, WalletAsked(trader="ann", mint="m1")):
            trades = [
                Trade(s.side, s.base_amount_raw, s.quote_amount_raw)
                for _, s in found
                if (s.trader, s.mint, s.quote_mint) == ("ann", "m1", one.quote_mint)
                and s.confidence >= CONFIDENCE_MIN
            ]
            profit = profit_of(trades)
            assert (one.realized_raw, one.unknown_sold_raw) == (
                profit.realized_raw,
                profit.unknown_sold_raw,
            )
            assert (one.held_raw, one.held_cost_raw) == (profit.held_raw, profit.held_cost_raw)


@filled
@given(text=st.text(max_size=20) | st.sampled_from(["%", "_", "a'; DROP TABLE swaps; --", "\x00"]))
def test_any_text_is_searched_for_and_nothing_else_happens(text: str) -> None:
    with opened() as connection:
        assert list(found_of(Reader(connection), SearchAsked(text=text))) == []
        assert connection.execute("SELECT count(*) FROM swaps").fetchone() == (0,)


@filled
@given(plan=slots, skip=st.integers(0, 3), limit=st.integers(1, 3))
def test_every_traded_token_and_wallet_is_found_a_page_at_a_time(
    plan: list[Slot], skip: int, limit: int
) -> None:
    found, reader, connection = told(plan)
    with connection:
        mints = sorted({swap.mint for _, swap in found})
        shown = [one.address for one in found_of(reader, SearchAsked(text="m"))]
        assert shown == mints
        page = [
            one.address for one in found_of(reader, SearchAsked(text="m", skip=skip, limit=limit))
        ]
        assert page == mints[skip : skip + limit]
        is_there = any(swap.trader == "ann" for _, swap in found)
        wallets = [one.kind for one in found_of(reader, SearchAsked(text="ann"))]
        assert wallets == ["wallet"] * is_there


def test_a_reader_sees_one_moment_while_more_is_written() -> None:
    with opened() as connection:
        reader = Reader(connection)
        assert reader.head().slot == 0
        connection.execute("INSERT INTO position VALUES ('', 1, 0, 1, [], 1, 0, 1, 1, 7, 7)")
        assert reader.head().slot == 0
        reader.close()
        assert Reader(connection).head().slot == 7
        with pytest.raises(Exception, match="closed"):
            reader.head()
