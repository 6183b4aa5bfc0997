"""What is stored is what a plain recount gives, whatever came twice, late, or after a restart."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap
from pw_history.core.rows import RowMaker
from pw_history.store.closing import ranges
from pw_history.store.derived import minutes_of
from pw_history.store.schema import VERSION, NewerFile, migrate
from pw_history.store.writer import LATE_MS, Writer
from support.kept_world import (
    BEGIN_MS,
    NOWHERE,
    SOL,
    Slot,
    filled,
    opened,
    slots,
    steps,
    write,
    write_all,
)
from support.naive_history import HOUR_MS, MINUTE_MS, counted, minutes, wallet_hours


def table(connection: duckdb.DuckDBPyConnection, query: str, keys: int) -> dict[Any, Any]:
    rows = connection.execute(query).fetchall()
    found = {row[:keys]: row[keys:] for row in rows}
    assert len(found) == len(rows), "a key comes twice"
    return found


def all_minutes(connection: duckdb.DuckDBPyConnection) -> dict[Any, Any]:
    """As a reader sees them: what is derived, and what is still open from its swaps."""
    still_open = sorted(Writer(connection).open_minutes)
    closed = table(connection, "FROM minutes", 3)
    for minute_ms in still_open:
        closed = {key: value for key, value in closed.items() if key[2] != minute_ms}
        where = f"event_time_ms >= {minute_ms} AND event_time_ms < {minute_ms + MINUTE_MS}"
        closed |= table(connection, minutes_of(where), 3)
    return closed


@filled
@given(plan=slots, step_rows=steps)
def test_each_swap_counts_once_and_every_sum_is_that_of_a_recount(
    plan: list[Slot], step_rows: int
) -> None:
    with opened() as connection:
        found = counted(write_all(connection, plan, step_rows=step_rows))
        stored = connection.execute(
            "SELECT signature, ordinal, slot, event_time_ms FROM swaps ORDER BY ALL"
        ).fetchall()
        assert stored == sorted((s.signature, s.ordinal, s.slot, t) for t, s in found)
        assert all_minutes(connection) == minutes(found)
        # An hour into which more came is open again, and is derived from its swaps until it closes.
        is_closed = "hour_ms NOT IN (FROM open_hours)"
        hours = table(connection, f"FROM wallet_hours WHERE {is_closed}", 4)
        query = f"SELECT hour_ms FROM closed_hours WHERE {is_closed}"
        closed = {hour for (hour,) in connection.execute(query).fetchall()}
        assert hours == {
            key: value for key, value in wallet_hours(found).items() if key[0] in closed
        }


@filled
@given(plan=slots, step_rows=steps)
def test_a_closed_hour_is_sorted_by_mint_and_holds_nothing_open(
    plan: list[Slot], step_rows: int
) -> None:
    with opened() as connection:
        write_all(connection, plan, step_rows=step_rows, finishes=True)
        position = Writer(connection).position()
        assert position is not None
        for hour_ms, _, count in connection.execute("FROM closed_hours").fetchall():
            within = f"event_time_ms // {HOUR_MS} * {HOUR_MS} = {hour_ms}"
            rows = connection.execute(f"SELECT mint FROM closed_swaps WHERE {within}").fetchall()
            left = connection.execute(f"SELECT count(*) FROM open_rows WHERE {within}").fetchone()
            if hour_ms + HOUR_MS + LATE_MS <= position.event_time_ms:
                assert rows == sorted(rows)
                assert len(rows) == count
                assert left == (0,)


@given(counts=st.lists(st.integers(1, 9), max_size=12), rows_max=st.integers(1, 20))
def test_an_hour_is_closed_in_parts_that_are_bounded_and_leave_nothing_out(
    counts: list[int], rows_max: int
) -> None:
    keys = [(f"k{at:02}", count) for at, count in enumerate(counts)]
    found = ranges(keys, rows_max)
    assert sum(one.rows for one in found) == sum(counts)
    within = [[key for key, _ in keys if one.first <= key <= one.last] for one in found]
    assert [key for part in within for key in part] == [key for key, _ in keys]
    assert all(one.rows <= rows_max or one.first == one.last for one in found)


def test_amounts_of_64_bits_and_unknown_ones_come_back_as_they_were() -> None:
    swap = Swap(
        signature="s", ordinal=0, slot=101, index=0, trader="ann", side="buy", mint="m",
        base_amount_raw=2**64 - 1, base_decimals=6, quote_mint=None, quote_amount_raw=None,
        quote_decimals=None,
    )  # fmt: skip
    with opened() as connection:
        writer, maker = Writer(connection), RowMaker(None)
        maker.take(ClosedSlot(101, BEGIN_MS, True, (swap,)))
        write(writer, maker)
        assert connection.execute(
            "SELECT base_amount_raw, quote_mint, quote_amount_raw, quote_decimals FROM swaps"
        ).fetchall() == [(2**64 - 1, None, None, None)]


def test_a_quote_without_decimals_has_no_price_and_stops_nothing() -> None:
    swap = Swap(
        signature="s", ordinal=0, slot=101, index=0, trader="ann", side="buy", mint="m",
        base_amount_raw=1, base_decimals=6, quote_mint=SOL, quote_amount_raw=1,
        quote_decimals=None,
    )  # fmt: skip
    with opened() as connection:
        writer, maker = Writer(connection), RowMaker(None)
        maker.take(ClosedSlot(101, BEGIN_MS, True, (swap,)))
        writer.write(maker.give(), NOWHERE._replace(event_time_ms=BEGIN_MS + HOUR_MS))
        assert connection.execute("SELECT count(*) FROM swaps").fetchone() == (1,)
        assert connection.execute("FROM minutes").fetchall() == []


def test_a_file_of_a_later_version_is_refused_and_left_as_it_is() -> None:
    with opened() as connection:
        assert migrate(connection) == VERSION
        connection.execute(f"INSERT INTO versions VALUES ({VERSION + 1})")
        with pytest.raises(NewerFile, match=f"version {VERSION + 1}"):
            migrate(connection)
