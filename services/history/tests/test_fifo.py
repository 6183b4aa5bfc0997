"""First in first out against a queue of single tokens, and what is unknown stays unknown."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from pw_history.core.fifo import Profit, Trade, profit_of

# Prices are whole per token, so that a single token has a cost of its own.
trades = st.lists(
    st.builds(
        lambda side, base, each: Trade(side, base, None if each is None else base * each),
        st.sampled_from(["buy", "sell"]),
        st.integers(0, 6),
        st.none() | st.integers(0, 9),
    ),
    max_size=12,
)


def naive(found: list[Trade]) -> Profit:
    """Every token by itself: it remembers what it cost."""
    held: deque[int | None] = deque()
    realized = cost = unknown = 0
    for trade in found:
        each = None if trade.quote_raw is None or not trade.base_raw else (
            trade.quote_raw // trade.base_raw
        )  # fmt: skip
        for _ in range(trade.base_raw):
            if trade.side == "buy":
                held.append(each)
                continue
            its_cost = held.popleft() if held else None
            if its_cost is None or each is None:
                unknown += 1
            else:
                realized += each - its_cost
                cost += its_cost
    known = [one for one in held if one is not None]
    return Profit(realized, cost, unknown, len(held), sum(known), len(held) - len(known))


@given(found=trades)
def test_lots_give_what_single_tokens_give(found: list[Trade]) -> None:
    assert profit_of(found) == naive(found)


def test_a_token_that_came_from_nowhere_has_no_profit() -> None:
    assert profit_of([Trade("sell", 5, 500)]) == Profit(unknown_sold_raw=5)
    half_seen = profit_of([Trade("buy", 2, 20), Trade("sell", 4, 80)])
    assert (half_seen.realized_raw, half_seen.unknown_sold_raw) == (20, 2)


@given(costs=st.lists(st.integers(1, 2**64 - 1), min_size=1, max_size=5), data=st.data())
def test_no_unit_of_cost_is_lost_by_rounding(costs: list[int], data: st.DataObject) -> None:
    bought = [Trade("buy", 7, cost) for cost in costs]
    parts = data.draw(st.lists(st.integers(1, 6), max_size=7 * len(costs)))
    sold, left = [], 7 * len(costs)
    for part in parts:
        sold += [Trade("sell", min(part, left), 0)] if left else []
        left -= min(part, left)
    found = profit_of([*bought, *sold])
    assert found.cost_of_sold_raw + found.held_cost_raw == sum(costs)
    assert found.held_raw == left
