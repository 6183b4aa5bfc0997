"""What fills a gap of a session that is over comes out at its own time, and touches no other."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from pw_common.ordering.assembly import Assembly, ClosedSlot
from pw_common.ordering.slots import before_session, clocks
from pw_common.wire.limits import BLOCK_TIME_S_MAX
from pw_common.wire.messages import Batch, Event, SlotEvent

stream: Any = importlib.import_module("support.cut_stream")

BEGIN_MS = stream.BEGIN_S * 1_000
GAP = "main:1:10-40"


def header(slot: int, after_s: int | None) -> SlotEvent:
    time_s = None if after_s is None else stream.BEGIN_S + after_s
    return SlotEvent(slot=slot, parent=slot - 1, block_time_s=time_s)


class Reader:
    """Sends messages one after the other; each claims the slot before its own."""

    def __init__(self) -> None:
        self.assembly = Assembly(sources=("main",))
        self.sent = 0

    def live(self, slots: Iterable[int], *, epoch: int = 1) -> list[ClosedSlot]:
        """A trade and a header of each slot."""
        return [
            closed
            for slot in slots
            for closed in self.send(
                stream.swap(100_000 * epoch + slot, slot),
                header(slot, slot),
                epoch=epoch,
                frontier_slot=slot - 1,
            )
        ]

    def fill(self, *events: Event, gap: str = GAP, epoch: int = 1) -> list[ClosedSlot]:
        """A message that fills a gap of session 1."""
        return self.send(*events, gap=gap, epoch=epoch)

    def send(self, *events: Event, **changed: Any) -> list[ClosedSlot]:
        self.sent += 1
        one: Batch = msgspec.structs.replace(
            stream.batch(self.sent, events, 0), tx_id=f"m{self.sent}", **changed
        )
        return self.assembly.add(one, 1_000, self.sent)


def in_second_session() -> Reader:
    """Session 1 is over; the second one has closed its slots 1 to 19, and 20 is open."""
    reader = Reader()
    reader.live(range(1, 9))
    reader.live(range(1, 21), epoch=2)
    return reader


def came_out(closed: Iterable[ClosedSlot]) -> list[tuple[int, int, list[str]]]:
    """Slot, milliseconds since the beginning, and trades, of what lies before the session."""
    found = []
    for one in closed:
        assert (one.amends, one.is_before_session, one.reset) == (True, True, False)
        trades = [swap.signature for swap in one.swaps]
        found.append((one.slot, one.event_time_ms - BEGIN_MS, trades))
    return found


def sig(number: int) -> str:
    signature: str = stream.swap(number, 1).signature
    return signature


def test_a_filled_slot_of_a_session_that_is_over_comes_out_at_its_own_block_time() -> None:
    reader = in_second_session()
    # One has the number of a slot that closed, one of the open one, one of none yet.
    filled = (stream.swap(1, 12), stream.swap(2, 20), stream.swap(3, 33))
    headers = (header(12, 50), header(20, 53), header(33, 58))
    assert came_out(reader.fill(*headers, *filled)) == [
        (12, 50_000, [sig(1)]),
        (20, 53_000, [sig(2)]),
        (33, 58_000, [sig(3)]),
    ]
    assert (reader.assembly.before_session, reader.assembly.too_old) == (3, 0)
    # The present session's slots are as if nothing had been filled.
    (twentieth,) = reader.live([21], epoch=2)
    assert [swap.signature for swap in twentieth.swaps] == [sig(200_020)]
    assert (twentieth.slot, twentieth.amends, twentieth.is_before_session) == (20, False, False)


def test_a_block_in_several_messages_waits_for_its_header_and_comes_out_whole() -> None:
    reader = in_second_session()
    assert reader.fill(stream.swap(2, 12)) == []
    assert reader.live([21], epoch=2)[0].is_before_session is False
    assert reader.fill(stream.swap(1, 12)) == []
    assert came_out(reader.fill(header(12, 50), stream.swap(3, 12))) == [
        (12, 50_000, [sig(1), sig(2), sig(3)])
    ]
    # What comes after its header, by another attempt, does not wait.
    assert came_out(reader.fill(stream.swap(4, 12))) == [(12, 50_000, [sig(4)])]


def test_a_block_in_whose_midst_a_session_begins_comes_out_at_its_own_time_too() -> None:
    reader = in_second_session()
    assert reader.fill(stream.swap(1, 12)) == []
    reader.live(range(500, 503), epoch=3)
    assert came_out(reader.fill(header(12, 50))) == [(12, 50_000, [sig(1)])]


def test_a_slot_without_a_block_time_is_timed_by_the_nearest_earlier_one_and_by_no_later() -> None:
    reader = in_second_session()
    closed = reader.fill(
        header(10, 50), stream.swap(1, 11), header(13, 60), stream.swap(2, 15),
        stream.swap(3, 39), header(40, 61), stream.swap(4, 41), header(42, None),
    )  # fmt: skip
    assert came_out(closed) == [
        (11, 50_400, [sig(1)]),
        (15, 60_800, [sig(2)]),
        # 400 ms a slot would lie after the block that follows it.
        (39, 61_000, [sig(3)]),
        (41, 61_400, [sig(4)]),
    ]


def test_times_of_another_gap_or_out_of_bounds_tell_nothing() -> None:
    reader = in_second_session()
    reader.fill(header(10, 50), gap="main:1:10-10")
    impossible = SlotEvent(slot=11, parent=10, block_time_s=BLOCK_TIME_S_MAX + 1)
    assert reader.fill(stream.swap(1, 11), impossible, gap="main:1:11-40") == []
    assert (reader.assembly.too_old, reader.assembly.before_session) == (1, 0)


def test_what_waits_for_no_header_is_let_go_ten_minutes_of_the_session_later() -> None:
    reader = in_second_session()
    reader.fill(header(10, 50))
    assert reader.fill(stream.swap(1, 12)) == []
    assert reader.fill(stream.swap(2, 14), gap="main:1:14-14") == []
    later_s = before_session.WAIT_MAX_MS // 1_000
    closed = reader.live([21 + later_s - 2], epoch=2)
    assert not any(one.amends for one in closed)
    closed = [one for one in reader.live([22 + later_s], epoch=2) if one.amends]
    assert closed == []
    closed = [one for one in reader.live([23 + later_s], epoch=2) if one.amends]
    assert came_out(closed) == [(12, 50_800, [sig(1)])]
    assert reader.assembly.too_old == 1


def test_what_waits_is_bounded_and_what_waits_longest_is_let_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(before_session, "WAITING_MAX", 100)
    reader = in_second_session()
    gaps = [f"main:1:{number}-{number}" for number in range(before_session.FILLINGS_MAX + 1)]
    for number, gap in enumerate(gaps[:-1]):
        assert reader.fill(header(10, number), gap=gap) == []
        assert reader.fill(stream.swap(number, 12), gap=gap) == []
    # The first was touched again since, so that the second goes.
    assert reader.fill(header(9, 0), gap=gaps[0]) == []
    assert came_out(reader.fill(stream.swap(90, 12), gap=gaps[-1])) == [(12, 1_800, [sig(1)])]
    many = [stream.swap(1_000 + number, 12) for number in range(before_session.WAITING_MAX - 1)]
    closed = reader.fill(*many, gap=gaps[-1])
    assert [len(one.swaps) for one in closed] == [1] * (before_session.FILLINGS_MAX - 1)
    assert reader.assembly.too_old == 0


def test_a_trade_that_is_filled_twice_is_a_repeat_over_sessions_too() -> None:
    reader = in_second_session()
    again = (header(12, 50), stream.swap(1, 12))
    assert len(reader.fill(*again)) == 1
    before = reader.assembly.repeats
    assert reader.fill(*again) == []
    reader.live(range(500, 503), epoch=3)
    assert reader.fill(*again, gap="main:1:12-12") == []
    assert reader.assembly.repeats == before + 2


def test_slot_zero_is_no_slot_of_a_gap() -> None:
    reader = in_second_session()
    assert reader.fill(header(0, 50), stream.swap(1, 0), header(12, 51)) == []
    assert (reader.assembly.too_old, reader.assembly.before_session) == (0, 0)


def test_what_is_filled_before_the_first_clock_of_its_own_session_begins_no_session() -> None:
    reader = Reader()
    # The first two slots that close have no time, so that none closed with one.
    for slot in (50, 51, 52):
        assert reader.send(header(slot, None), frontier_slot=slot - 1) == []
    assert came_out(reader.fill(header(12, 5), stream.swap(1, 12))) == [(12, 5_000, [sig(1)])]
    (first,) = reader.live([60, 61])[:1]
    assert (first.slot, first.reset) == (60, True)
    # A header tells the time of what the clocks do not reach, and of nothing else.
    amended = reader.fill(header(60, 5), stream.swap(2, 60), stream.swap(3, 13), header(13, 6))
    assert came_out(amended[:1]) == [(13, 6_000, [sig(3)])]
    assert [(one.slot, one.event_time_ms, one.is_before_session) for one in amended[1:]] == [
        (60, first.event_time_ms, False)
    ]


def test_what_lies_before_the_two_hours_of_clocks_comes_out_at_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clocks, "CLOCKS_MAX", 20)
    reader = Reader()
    reader.live(range(1, 2 * clocks.CLOCKS_MAX + 4))
    (filled,) = reader.fill(header(12, 5), stream.swap(1, 12))
    assert came_out([filled]) == [(12, 5_000, [sig(1)])]


def test_a_reader_that_begins_among_fillings_waits_for_the_first_word_of_a_source() -> None:
    reader = Reader()
    assert reader.fill(stream.swap(1, 12), header(12, 5)) == []
    # The answer to a message that is sent again names none.
    assert reader.send(source="", epoch=0) == []
    assert reader.fill(stream.swap(2, 13), header(13, 6)) == []
    closed = reader.live([500], epoch=2)
    assert came_out(closed) == [(12, 5_000, [sig(1)]), (13, 6_000, [sig(2)])]
    (first,) = reader.live([501], epoch=2)
    assert (first.slot, first.reset, len(first.swaps)) == (500, True, 1)


def test_a_session_that_begins_while_a_filling_waits_is_not_where_a_restart_reads() -> None:
    reader = in_second_session()
    reader.fill(stream.swap(10, 10))
    reader.live(range(1, 4), epoch=3)
    # What waits was read before it.
    assert reader.assembly.session_start is None
    assert came_out(reader.fill(header(10, 10))) == [(10, 10_000, [sig(10)])]
    reader.live(range(1, 4), epoch=4)
    assert reader.assembly.session_start is not None
