"""What followed an alert begins at the alert, or after its minute where its swaps are gone."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pw_common.wire.history import SOL_MINT, AlertAsked, AlertsAsked, StoredAlert
from pw_common.wire.limits import CONFIDENCE_MIN
from pw_common.wire.messages import Swap
from pw_history.asked.alerts import AFTER_MS, BODIES, alert_of, alerts_of
from pw_history.asked.reader import Reader
from support.kept_world import BEGIN_MS, Slot, filled, opened, slots, write_all
from support.naive_history import MINUTE_MS, counted, place, price

# Of an alert's text.
LARGE = 100_000

# Alerts at the time of a swap or just beside it, each of the token of that swap.
places = st.lists(
    st.tuples(st.integers(0, 41), st.sampled_from([0, 0, 0, -1, 1, -20_000, 90_000])),
    min_size=1,
    max_size=5,
)


@filled
@given(plan=slots, fired=places, gone_minutes=st.integers(0, 10))
def test_what_followed_an_alert_is_what_a_recount_of_its_tokens_swaps_gives(
    plan: list[Slot], fired: list[tuple[int, int]], gone_minutes: int
) -> None:
    with opened() as connection:
        swaps = counted(write_all(connection, plan, step_rows=2))
        mints = []
        for number, (at, off_ms) in enumerate(fired if swaps else ()):
            time_ms, swap = swaps[at % len(swaps)]
            mints.append((time_ms + off_ms, swap.mint))
            connection.execute(
                "INSERT INTO alerts VALUES (?, ?, 1, ?, 'rule', 'opened', [], ?)",
                [f"{number}", time_ms + off_ms, swap.mint, f"{number}"],
            )
        reader = Reader(connection)
        # Swaps of minutes before this are said to be gone; the minutes stay.
        reader.swaps_since_ms = BEGIN_MS + gone_minutes * MINUTE_MS
        for number, (time_ms, mint) in enumerate(mints):
            [one] = alert_of(reader, AlertAsked(id=f"{number}"))
            of_token = [(at, swap) for at, swap in swaps if swap.mint == mint and has_price(swap)]
            is_right(one, time_ms, reader, of_token)
        # A list says of each what is said of it alone.
        listed = list(alerts_of(reader, AlertsAsked(first_ms=0, end_ms=2**53, limit=10)))
        assert len(listed) == len(mints)
        for found in listed:
            [one] = alert_of(reader, AlertAsked(id=bytes(found.alert).decode()))
            assert found == one


def test_a_page_of_large_alerts_is_never_held_whole() -> None:
    with opened() as connection:
        for number in range(3 * BODIES):
            connection.execute(
                "INSERT INTO alerts VALUES (?, ?, 1, '', 'rule', 'opened', [], ?)",
                [f"{number:03}", number, "x" * LARGE],
            )
        reader = Reader(connection)
        tracemalloc.start()
        try:
            asked = AlertsAsked(first_ms=0, end_ms=2**53, limit=1000)
            shown = [one.event_time_ms for one in alerts_of(reader, asked)]
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert shown == list(reversed(range(3 * BODIES)))
        # Each body is held as text and as bytes.
        assert peak_bytes < 2.5 * BODIES * LARGE


def is_right(one: StoredAlert, time_ms: int, reader: Reader, swaps: list[tuple[int, Swap]]) -> None:
    minute_ms = time_ms // MINUTE_MS * MINUTE_MS
    is_exact = minute_ms >= reader.swaps_since_ms
    assert one.since_ms == (time_ms if is_exact else minute_ms + MINUTE_MS)
    assert one.quote_mint == SOL_MINT
    # Up to the alert: its own swap is of the time before.
    split_ms = time_ms if is_exact else 0
    begin_ms = one.since_ms + 1 if is_exact else one.since_ms
    assert one.price == last_price(swaps, begin_ms, split_ms)
    assert one.after is not None
    ends = [begin_ms, *(row.end_ms for row in one.after)]
    for after_ms, row, (first_ms, end_ms) in zip(AFTER_MS, one.after, pairwise(ends), strict=False):
        assert row.after_ms == after_ms
        assert row.end_ms % MINUTE_MS == 0
        assert 0 <= row.end_ms - (time_ms + after_ms) < MINUTE_MS
        within = [price(swap) for at_ms, swap in swaps if first_ms <= at_ms < end_ms]
        assert row.trades == len(within)
        assert row.high == max(within, default=None)
        assert row.low == min(within, default=None)
        assert row.price == last_price(swaps, end_ms, split_ms)
    passed = [n for n in AFTER_MS if time_ms + n <= reader.event_time_ms // MINUTE_MS * MINUTE_MS]
    assert len(one.after) == len(passed)


def last_price(swaps: list[tuple[int, Swap]], end_ms: int, time_ms: int) -> float | None:
    """By minute and what comes after the alert, then in the order of the chain.

    Sessions may overlap in time, so that a later swap has a lower slot.
    """
    past = [
        (at_ms // MINUTE_MS, at_ms > time_ms, place(swap), price(swap))
        for at_ms, swap in swaps
        if at_ms < end_ms
    ]
    return max(past)[3] if past else None


def has_price(swap: Swap) -> bool:
    return (
        swap.quote_mint == SOL_MINT
        and swap.quote_amount_raw is not None
        and swap.base_amount_raw > 0
        and swap.confidence >= CONFIDENCE_MIN
    )
