"""A window in which blocks are missing says so, until they are filled in."""

from __future__ import annotations

import importlib
import random
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.ordering.slots.breaks import BREAKS_MAX, FILLED_MAX, Breaks
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import Batch, Event, SlotEvent, TokenCreated, encode
from pw_detection.alerts.alerting import alert_of, facts_of
from pw_detection.alerts.episodes import Firing
from pw_detection.detector import Detector
from pw_detection.rules.lists import Lists
from pw_detection.rules.rules import Rule
from pw_detection.state.market import Market

stream: Any = importlib.import_module("support.cut_stream")
NOW_MS = 1_700_000_000_000


def without(events: list[Event], missing: set[int]) -> list[Event]:
    return [event for event in events if event.slot not in missing]


def fills(events: list[Event], slots: set[int], first_seq: int) -> list[Batch]:
    """The blocks of these slots as a backfill sends them, one in a message."""
    return [
        msgspec.structs.replace(
            stream.batch(first_seq + at, [event for event in events if event.slot == slot], 0),
            gap="main:1:1-2",
        )
        for at, slot in enumerate(sorted(slots))
    ]


def broken(closed: list[ClosedSlot]) -> list[int]:
    return [one.slot for one in closed if one.is_broken]


@given(st.integers(0, 10_000), st.sets(st.integers(2, 59)))
def test_a_slot_is_broken_exactly_where_the_block_before_it_is_missing(
    seed: int, missing: set[int]
) -> None:
    events = stream.flow(7, 60)
    closed = stream.closed_slots(stream.cut(without(events, missing), seed))
    assert broken(closed) == [slot for slot in range(2, 61) if slot not in missing
                              and slot - 1 in missing]  # fmt: skip


def test_a_slot_without_a_block_breaks_nothing() -> None:
    events: list[Event] = [
        SlotEvent(slot=slot, parent=parent, block_time_s=1_700_000_000 + slot)
        for slot, parent in ((1, 0), (2, 1), (5, 2), (6, 5), (9, 6), (10, 9))
    ]
    assert broken(stream.closed_slots(stream.cut(events, 1))) == []


@given(st.integers(0, 10_000), st.sets(st.integers(2, 30), min_size=1), st.data())
def test_a_break_is_mended_when_each_of_its_blocks_was_filled_in_and_not_before(
    seed: int, missing: set[int], data: st.DataObject
) -> None:
    events = stream.flow(3, 60)
    batches = stream.cut(without(events, missing), seed)
    assembly = Assembly(sources=("main",))
    closed = [slot for one in batches for slot in assembly.add(one)]
    filled = data.draw(st.sets(st.sampled_from(sorted(missing))))
    order = fills(events, filled, len(batches) + 1)
    random.Random(seed).shuffle(order)
    mended = [
        slot
        for at, one in enumerate(order)
        for done in assembly.add(msgspec.structs.replace(one, tx_seq=len(batches) + 1 + at))
        for slot in done.mends
    ]

    def is_whole(slot: int) -> bool:
        first = slot - 1
        while first in missing:
            if first not in filled:
                return False
            first -= 1
        return True

    assert sorted(mended) == [slot for slot in broken(closed) if is_whole(slot)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["block", "close", "fill"]),
            st.integers(-5, 2**64),
            st.integers(-5, 2**64),
        ),
        max_size=60,
    )
)
def test_parents_that_no_chain_has_neither_hang_nor_fail(
    said: list[tuple[str, int, int]],
) -> None:
    breaks = Breaks()
    for what, slot, parent in said:
        if what == "block":
            breaks.block(slot, parent)
        elif what == "fill":
            breaks.fill(slot, parent)
        else:
            breaks.close(slot)
        breaks.mended()


def test_what_is_remembered_of_breaks_is_bounded() -> None:
    breaks = Breaks()
    for at in range(BREAKS_MAX + 10):
        breaks.block(3 * at, 3 * at - 1)
        breaks.close(3 * at)
    for at in range(FILLED_MAX + 10):
        breaks.fill(10**9 + at, 10**9 + at - 1)
    assert (len(breaks._open), len(breaks._filled)) == (BREAKS_MAX, FILLED_MAX)
    # The newest are the ones that are kept.
    breaks.fill(3 * (BREAKS_MAX + 9) - 1, 3 * (BREAKS_MAX + 8))
    assert breaks.mended() == (3 * (BREAKS_MAX + 9),)


def slot_at(number: int, at_ms: int, *, is_broken: bool = False) -> ClosedSlot:
    swaps = tuple(stream.swap(number * 10 + at, number, trader=f"w{number}-{at}") for at in (1, 2))
    sold = stream.swap(number * 10 + 3, number, trader=f"w{number}-1", buy=False)
    return ClosedSlot(number, at_ms, number == 1, (*swaps, sold), is_broken=is_broken)


def market_of(slots: int, *, broken_at: int = 0, minutes: int = 1) -> Market:
    market = Market()
    for number in range(1, slots + 1):
        at_ms = NOW_MS + number * minutes * 60_000
        market.fold(slot_at(number, at_ms, is_broken=number == broken_at))
    return market


def test_a_window_over_a_gap_says_so_and_one_after_it_does_not() -> None:
    assert market_of(200).gapped("mint") == ()
    assert market_of(181, broken_at=180).gapped("mint") == ("5m", "1h")
    over = market_of(200, broken_at=180)
    assert over.gapped("mint") == ("1h",)
    assert market_of(245, broken_at=180).gapped("mint") == ()
    # Its figures are of what was seen.
    assert facts_of(over, "mint")["metrics"] == facts_of(market_of(200), "mint")["metrics"]
    assert facts_of(over, "mint")["gapped"] == ("1h",)


def test_a_window_is_whole_again_when_the_gap_was_filled() -> None:
    market = market_of(200, broken_at=180)
    market.amend(ClosedSlot(200, market.event_time_ms, False, amends=True, mends=(180,)))
    assert market.gapped("mint") == ()


def test_of_two_gaps_the_one_that_was_not_filled_still_counts() -> None:
    market = market_of(170, broken_at=150)
    at_ms = market.event_time_ms + 60_000
    market.fold(slot_at(171, at_ms, is_broken=True))
    assert market.gapped("mint") == ("5m", "1h")
    market.amend(ClosedSlot(171, at_ms, False, amends=True, mends=(171,)))
    assert market.gapped("mint") == ("1h",)
    market.amend(ClosedSlot(171, at_ms, False, amends=True, mends=(150,)))
    assert market.gapped("mint") == ()


def test_a_token_made_before_a_gap_is_marked_and_one_made_after_it_is_not() -> None:
    for made_at, marked in ((2, ("5m", "1h")), (4, ())):
        market = Market()
        for number in range(1, 7):
            one = slot_at(number, NOW_MS + number * 60_000, is_broken=number == 3)
            if number < made_at:
                one = replace(one, swaps=())
            created = TokenCreated(
                signature="made", ordinal=0, slot=number, index=0, mint="mint", name="n",
                symbol="s", creator="d",
            )  # fmt: skip
            market.fold(replace(one, tokens=(created,) if number == made_at else ()))
        assert market.gapped("mint") == marked


def test_an_alert_over_a_gap_says_so_and_any_other_is_as_it_was() -> None:
    events = stream.flow(7, 400, slot_seconds=0.5, mints=1)
    rule = Rule(name="busy", conditions=("buy_count_5m >= 5",), severity="info", cooldown_s=0)

    def fired(missing: set[int]) -> list[Alert]:
        detector = Detector((rule,))
        closed = stream.closed_slots(stream.cut(without(events, missing), 5))
        return [alert for slot in closed for alert in detector.step(slot)]

    whole, over = fired(set()), fired({2, 3})
    assert whole
    assert over
    assert all(alert.gapped is msgspec.UNSET and not alert.detail for alert in whole)
    assert b"gapped" not in encode(whole[0])
    assert over[0].gapped == ("5m", "1h")
    assert over[0].detail == (
        "Blocks are missing in its windows of 5m and 1h: figures are of what was seen."
    )


def test_an_end_over_a_gap_says_both() -> None:
    market = market_of(181, broken_at=180)
    firing = Firing("closed", "episode", "id", 1, opened_slot=1, severity="info")
    ended = alert_of(
        market, market.tokens["mint"], Lists(), firing, rule="busy", conditions=(), near=(),
        slot=181, event_time_ms=NOW_MS, detail="its conditions no longer hold",
    )  # fmt: skip
    assert ended.detail == (
        "its conditions no longer hold. "
        "Blocks are missing in its windows of 5m and 1h: figures are of what was seen."
    )
