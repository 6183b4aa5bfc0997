"""Slots as an assembly gives them: sessions, repeats, amendments; and a writer that dies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import duckdb
from hypothesis import settings
from hypothesis import strategies as st

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap
from pw_history.core.progress import StoredPosition
from pw_history.core.rows import RowMaker
from pw_history.store.closing import STEP_ROWS
from pw_history.store.schema import migrate
from pw_history.store.writer import Writer
from support.naive_history import HOUR_MS, MINUTE_MS

SOL = "So11111111111111111111111111111111111111112"
BEGIN_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS
NOWHERE = StoredPosition("then", 1, 0, 1, (), 1, 0, 0, 0, 0, 0)

# Each example makes a DuckDB of its own and fills it: about a fifth of a second.
filled = settings(max_examples=40)

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


# Amends a slot of a session that is over.
BEFORE = 99


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
        st.sampled_from([0, 0, 0, 1, 4, BEFORE]),
        st.booleans(),
        st.integers(0, 3).map(lambda one: one == 0),
    ),
    min_size=1,
    max_size=14,
)
# How many rows of an hour are closed at a time: one, a few, all of these.
steps = st.sampled_from([1, 3, STEP_ROWS])


def closed_of(plan: list[Slot]) -> Iterator[tuple[ClosedSlot, Slot]]:
    """Closed slots as an assembly gives them: rising within a session, amendments before it.

    A signature is of one slot for good and says one thing, as on the chain; a session brings it
    once, as an assembly does.
    """
    number, time_ms = 100, BEGIN_MS
    past: list[tuple[int, int]] = []
    # Slots of sessions that are over: what fills them later comes with their own time.
    over: list[tuple[int, int]] = []
    chain: dict[tuple[str, int], Swap] = {}
    slot_of: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    for at, one in enumerate(plan):
        reset = at == 0 or one.begins
        if reset:
            over += past
            past, seen = [], set()
            # Another history of the same numbers, of a time that lies before.
            number, time_ms = (100, BEGIN_MS + 30_000) if at else (number, time_ms)
        is_before = one.amends == BEFORE and not reset and bool(over)
        amends = is_before or 0 < one.amends <= len(past)
        if amends:
            slot, slot_ms = over[-1 - at % len(over)] if is_before else past[-one.amends]
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
        reset = reset and not amends
        yield (
            ClosedSlot(
                slot, slot_ms, reset, tuple(placed), amends=amends, is_before_session=is_before
            ),
            one,
        )


def replace_slot(swap: Swap, slot: int) -> Swap:
    fields = {name: getattr(swap, name) for name in Swap.__struct_fields__}
    return Swap(**(fields | {"slot": slot}))


def opened() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    migrate(connection)
    return connection


def write_all(
    connection: duckdb.DuckDBPyConnection,
    plan: list[Slot],
    *,
    step_rows: int = STEP_ROWS,
    finishes: bool = False,
) -> list[ClosedSlot]:
    """Write a plan; a writer that dies reads the last slots of its session again.

    Hours are closed in steps of so many rows. At the end one may be half way, unless it `finishes`.
    """
    writer = Writer(connection, step_rows=step_rows)
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
            writer = Writer(connection, step_rows=step_rows)
            maker = RowMaker(writer.session())
            for again in session[-3:]:
                maker.take(replace(again, reset=again is session[-3:][0]))
    write(writer, maker)
    while finishes and writer.close_more():
        pass
    return given_out


def write(writer: Writer, maker: RowMaker) -> None:
    rows = maker.give()
    before = writer.position()
    newest = (rows.slot, rows.event_time_ms)
    if not rows.slot and before is not None:
        newest = (before.slot, before.event_time_ms)
    writer.write(rows, NOWHERE._replace(slot=newest[0], event_time_ms=newest[1]))
