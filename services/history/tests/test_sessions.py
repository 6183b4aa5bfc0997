"""Sessions are counted once each, whatever is filled in, and what is missing stays known."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.history import SwapsAsked
from pw_history.asked.reader import Reader
from pw_history.core.rows import Missing, RowMaker, Session
from pw_history.store.writer import Writer
from support.filled_history import opened, slot_of, swap
from support.kept_world import BEGIN_MS, NOWHERE

BEFORE = replace(slot_of(5, 0, [swap(5, 5)], amends=True), is_before_session=True)


@pytest.mark.parametrize("known", [None, Session(4, 1, BEGIN_MS)])
def test_what_was_filled_in_before_a_session_neither_begins_nor_ends_one(
    known: Session | None,
) -> None:
    maker = RowMaker(known)
    maker.take(BEFORE)
    maker.take(ClosedSlot(7, BEGIN_MS + 7, True, (swap(7, 7),)))
    rows = maker.give()
    assert rows.swaps["session"] == [0, 1 if known is None else 4]
    assert [one.number for one in rows.sessions] == ([1] if known is None else [])


def test_something_missing_is_said_until_it_is_a_hole_though_the_writer_dies_meanwhile() -> None:
    position = NOWHERE._replace(slot=3, event_time_ms=BEGIN_MS + 3)
    with opened() as connection:
        maker = RowMaker(None)
        maker.take(slot_of(1, 0, [swap(1, 1)]))
        maker.take(slot_of(3, 0, [swap(3, 3)]))
        maker.miss("trimmed")
        rows = maker.give()
        assert rows.missing == Missing("trimmed", 3, BEGIN_MS + 3)
        Writer(connection).write(rows, position)
        [hole] = Reader(connection).head(SwapsAsked(first_ms=BEGIN_MS + 9)).holes
        assert (hole.why, hole.first_slot, hole.last_slot) == ("trimmed", 3, None)
        # Another process: it reads on after what is missing.
        writer = Writer(connection)
        maker = RowMaker(writer.session(), last=(position.slot, position.event_time_ms))
        maker.miss(writer.missing())
        maker.take(slot_of(9, 0, [swap(9, 9)]))
        writer.write(maker.give(), position._replace(slot=9, event_time_ms=BEGIN_MS + 9))
        [hole] = Reader(connection).head().holes
        assert (hole.why, hole.first_slot, hole.last_slot) == ("trimmed", 3, 9)
        assert writer.missing() == ""


def test_a_gap_has_the_times_of_the_slots_around_it_that_are_known_however_many_there_are() -> None:
    with opened() as connection:
        connection.execute(
            "INSERT INTO clock SELECT 25 * one, 10 * one FROM range(1, 200001) AS r(one)"
        )
        connection.execute(
            "INSERT INTO gaps SELECT one, 'main', 2500 * one - 10, 2500 * one, 'cut', one > 2000 "
            "FROM range(1, 2100) AS r(one)"
        )
        began_s = time.process_time()
        found = Reader(connection).head(SwapsAsked(first_ms=1_000, end_ms=2_500)).holes
        # With a look at the whole clock for each gap it was ten times as long.
        assert time.process_time() - began_s < 2
        assert [(one.gap, one.first_ms, one.last_ms) for one in found] == [
            ("2", 1_990, 2_010),
            ("1", 990, 1_010),
        ]
        connection.execute("INSERT INTO gaps VALUES ('all', 'main', 1, 9000000, 'cut', false)")
        [*_, widest] = Reader(connection).head(SwapsAsked(first_ms=1_000, end_ms=2_500)).holes
        assert (widest.gap, widest.first_ms, widest.last_ms) == ("all", None, None)
