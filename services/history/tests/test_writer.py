"""What is stored is what a plain recount gives, whatever came twice, late, or after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_history import HOUR_MS, MINUTE_MS, counted, minutes, wallet_hours

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap
from pw_history.core.rows import RowMaker
from pw_history.store.derived import minutes_of
from pw_history.store.schema import VERSION, NewerFile, migrate
from pw_history.store.writer import LATE_MS, StoredPosition, Writer

SOL = "So11111111111111111111111111111111111111112"
BEGIN_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS
NOWHERE = StoredPosition("then", 1, 0, 1, (), 0, 0, 0, 0)

amounts = st.sampled_from([1, 7, 10**6, 354_032_451_000, 2**64 - 1])
swaps = st.builds(
    Swap,
    signature=st.sampled_from([f"s{n}" for n in range(30)]),
    ordinal=st.integers(0, 1),
    slot=st.just(0),
    index=st.integers(0, 3),
    trader=st.sampled_from(["ann", "bob"]),
    side=st.sampled_from(["buy", "sell"]),
    mint=st.sampled_from(["m1", "m2"]),
    base_amount_raw=amounts,
    base_decimals=st.sampled_from([0, 6]),
    quote_mint=st.sampled_from([SOL, None]),
    quote_amount_raw=st.none() | amounts,
    quote_decimals=st.just(9),
    venues=st.just(("pump", "raydium")),
    confidence=st.sampled_from([1.0, 0.4]),
    signers=st.just(("ann",)),
)


class Slot(NamedTuple):
    """A slot to be: how long after the one before, what it holds, and what happens there."""

    after_ms: int
    swaps: list[Swap]
    begins: bool
    amends: int
    # Whether the rows so far are written after it, and whether the writer dies then.
    writes: bool
    dies: bool


slots = st.lists(
    st.builds(
        Slot,
        st.sampled_from([400, 20_000, MINUTE_MS, HOUR_MS]),
        st.lists(swaps, max_size=3),
        st.integers(0, 9).map(lambda one: one == 0),
        st.sampled_from([0, 0, 0, 1, 4]),
        st.booleans(),
        st.integers(0, 3).map(lambda one: one == 0),
    ),
    min_size=1,
    max_size=14,
)


def closed_of(plan: list[Slot]) -> Iterator[tuple[ClosedSlot, Slot]]:
    """Closed slots as an assembly gives them: rising within a session, amendments before it.

    A signature is of one slot for good and says one thing, as on the chain; a session brings it
    once, as an assembly does.
    """
    number, time_ms = 100, BEGIN_MS
    past: list[tuple[int, int]] = []
    chain: dict[tuple[str, int], Swap] = {}
    slot_of: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    for at, one in enumerate(plan):
        reset = at == 0 or one.begins
        if reset:
            past, seen = [], set()
            # Another history of the same numbers, of a time that lies before.
            number, time_ms = (100, BEGIN_MS + 30_000) if at else (number, time_ms)
        amends = bool(one.amends) and len(past) >= one.amends
        if amends:
            slot, slot_ms = past[-one.amends]
        else:
            number, time_ms = number + 1, time_ms + one.after_ms
            slot, slot_ms = number, time_ms
            past.append((slot, slot_ms))
        placed = []
        for swap in one.swaps:
            key = swap.signature, swap.ordinal
            if slot_of.setdefault(swap.signature, slot) == slot and key not in seen:
                seen.add(key)
                placed.append(chain.setdefault(key, replace_slot(swap, slot)))
        placed.sort(key=lambda swap: (swap.index, swap.signature, swap.ordinal))
        yield ClosedSlot(slot, slot_ms, reset and not amends, tuple(placed), amends=amends), one


def replace_slot(swap: Swap, slot: int) -> Swap:
    fields = {name: getattr(swap, name) for name in Swap.__struct_fields__}
    return Swap(**(fields | {"slot": slot}))


def opened() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    migrate(connection)
    return connection


def write_all(connection: duckdb.DuckDBPyConnection, plan: list[Slot]) -> list[ClosedSlot]:
    """Write a plan; a writer that dies reads the last slots of its session again."""
    writer = Writer(connection)
    maker = RowMaker(writer.session())
    session: list[ClosedSlot] = []
    given_out: list[ClosedSlot] = []
    for closed, how in closed_of(plan):
        session = [closed] if closed.reset else [*session, closed]
        given_out.append(closed)
        maker.take(closed)
        if not (how.writes or how.dies):
            continue
        write(writer, maker)
        if how.dies:
            writer = Writer(connection)
            maker = RowMaker(writer.session())
            for again in session[-3:]:
                maker.take(replace(again, reset=again is session[-3:][0]))
    write(writer, maker)
    return given_out


def write(writer: Writer, maker: RowMaker) -> None:
    rows = maker.give()
    before = writer.position()
    newest = (rows.slot, rows.event_time_ms)
    if not rows.slot and before is not None:
        newest = (before.slot, before.event_time_ms)
    writer.write(rows, NOWHERE._replace(slot=newest[0], event_time_ms=newest[1]))


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


@given(plan=slots)
def test_each_swap_counts_once_and_every_sum_is_that_of_a_recount(plan: list[Slot]) -> None:
    with opened() as connection:
        found = counted(write_all(connection, plan))
        stored = connection.execute(
            "SELECT signature, ordinal, slot, event_time_ms FROM swaps ORDER BY ALL"
        ).fetchall()
        assert stored == sorted((s.signature, s.ordinal, s.slot, t) for t, s in found)
        assert all_minutes(connection) == minutes(found)
        hours = table(connection, "FROM wallet_hours", 4)
        closed = {
            hour for (hour,) in connection.execute("SELECT hour_ms FROM closed_hours").fetchall()
        }
        assert hours == {
            key: value for key, value in wallet_hours(found).items() if key[0] in closed
        }


@given(plan=slots)
def test_a_closed_hour_is_sorted_by_mint_and_holds_nothing_open(plan: list[Slot]) -> None:
    with opened() as connection:
        write_all(connection, plan)
        position = Writer(connection).position()
        assert position is not None
        for hour_ms, _, count in connection.execute("FROM closed_hours").fetchall():
            within = f"event_time_ms // {HOUR_MS} * {HOUR_MS} = {hour_ms}"
            rows = connection.execute(f"SELECT mint FROM closed_swaps WHERE {within}").fetchall()
            left = connection.execute(f"SELECT count(*) FROM open_swaps WHERE {within}").fetchone()
            if hour_ms + HOUR_MS + LATE_MS <= position.event_time_ms:
                assert rows == sorted(rows)
                assert len(rows) == count
                assert left == (0,)


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
