"""What a narrower subscription left out was not seen: it is never taken for what did not happen."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import msgspec

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.wire.coverage import ALL, PROGRAMS, SUCCESSFUL, TOKEN_PROGRAMS, UNKNOWN, narrowest
from pw_common.wire.messages import Batch, TokenCreated
from pw_detection.state.market import Market
from pw_detection.state.metrics import BY_NAME, Reading

stream: Any = importlib.import_module("support.cut_stream")
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


def seen_by(filter_: str, batch: Batch, source: str = "main") -> Batch:
    return msgspec.structs.replace(batch, filter=filter_, source=source)


def closed_slots(filters: list[str], per_batch: int = 4) -> list[ClosedSlot]:
    """A stream of which each few batches came through another filter."""
    assembly = Assembly(sources=("main",))
    batches = stream.cut(stream.flow(7, 60), 5)
    return [
        slot
        for at, one in enumerate(batches)
        for slot in assembly.add(seen_by(filters[min(at // per_batch, len(filters) - 1)], one))
    ]


def test_a_slot_that_came_through_two_filters_claims_the_narrower_one() -> None:
    closed = closed_slots([SUCCESSFUL, PROGRAMS, SUCCESSFUL])
    seen = [dict(slot.filters).get("main") for slot in closed]
    assert set(seen) == {SUCCESSFUL, PROGRAMS}
    first, last = seen.index(PROGRAMS), len(seen) - seen[::-1].index(PROGRAMS)
    assert set(seen[first:last]) == {PROGRAMS}
    assert seen[-1] == SUCCESSFUL


def test_a_version_that_says_no_filter_changes_nothing_in_what_others_said() -> None:
    assert {slot.filters for slot in closed_slots([UNKNOWN])} == {()}
    closed = closed_slots([SUCCESSFUL, UNKNOWN, SUCCESSFUL])
    assert {seen for slot in closed for _, seen in slot.filters} == {SUCCESSFUL}


def test_of_several_filters_the_narrowest_is_claimed_and_nothing_where_one_is_unknown() -> None:
    assert narrowest([ALL, SUCCESSFUL]) == SUCCESSFUL
    assert narrowest([PROGRAMS, SUCCESSFUL, TOKEN_PROGRAMS]) == PROGRAMS
    assert narrowest([f"{PROGRAMS}+failed", PROGRAMS]) == PROGRAMS
    assert narrowest([PROGRAMS, f"{PROGRAMS}+failed"]) == PROGRAMS
    assert narrowest([SUCCESSFUL, UNKNOWN]) == UNKNOWN
    assert narrowest([SUCCESSFUL, "of-a-newer-version"]) == UNKNOWN
    assert narrowest([]) == UNKNOWN


def slot_at(number: int, at_ms: int, filter_: str, *, buys: int = 2) -> ClosedSlot:
    swaps = tuple(
        stream.swap(number * 10 + at, number, trader=f"w{number}-{at}") for at in range(buys)
    )
    return ClosedSlot(number, at_ms, number == 1, swaps, filters=(("main", filter_),))


def market_of(filters: list[str]) -> Market:
    """A slot every ten minutes: each with a filter."""
    market = Market()
    for at, filter_ in enumerate(filters):
        market.fold(slot_at(at + 1, NOW_MS + at * 600_000, filter_))
    return market


def read(market: Market, name: str) -> Reading:
    market.advance(["mint"])
    return BY_NAME[name].read(market, market.tokens["mint"])


def test_wallets_are_not_new_where_the_stream_saw_less_before() -> None:
    always = market_of([SUCCESSFUL] * 20)
    assert read(always, "new_wallet_pct_5m").unknown is None
    # Who traded at venues that were left out meanwhile would look new.
    for filters in (
        [SUCCESSFUL] * 12 + [PROGRAMS] * 4 + [SUCCESSFUL] * 4,
        [PROGRAMS] * 16 + [SUCCESSFUL] * 4,
    ):
        assert read(market_of(filters), "new_wallet_pct_5m").unknown == "cold"


def test_a_window_over_two_filters_is_cold_and_one_after_the_change_is_not() -> None:
    filters = [PROGRAMS] * 12 + [SUCCESSFUL] * 3
    assert read(market_of(filters), "sell_count_1h").least
    assert read(market_of(filters), "buy_sell_ratio_1h").unknown == "cold"
    assert not read(market_of([*filters, *[SUCCESSFUL] * 6]), "sell_count_1h").least


def test_a_launch_that_was_seen_does_not_warm_what_a_change_of_filters_left_cold() -> None:
    def market(last: str) -> Market:
        found = Market()
        created = TokenCreated(
            signature="made",
            ordinal=0,
            slot=1,
            index=0,
            mint="mint",
            name="n",
            symbol="s",
            creator="d",
        )
        first = slot_at(1, NOW_MS, SUCCESSFUL)
        found.fold(replace(first, tokens=(created,)))
        found.fold(slot_at(2, NOW_MS + 60_000, last))
        return found

    assert not read(market(SUCCESSFUL), "buy_count_1h").least
    assert read(market(PROGRAMS), "buy_count_1h").least
