"""Events in the order of slots become closed slots, as the assembly makes them of batches.

The order within a slot, repeats, breaks of the chain and event time are those of `pw_common`.
What is left is where a slot's time comes from:

| what a slot has                             | its event time                               |
| ------------------------------------------- | -------------------------------------------- |
| an event with `event_time_ms`               | that; it may not go back                     |
| only such as give way (`Dated.gives_way`)   | the latest; where it goes back, that of the  |
|                                             | slot before                                  |
| else a `slot.v1` with a block time          | by the rule for captures (`event_time.py`)   |
| neither, after a slot with a time           | by the same rule: 400 ms for each slot       |
| neither, at the beginning of a session      | left out, once a later slot has a time       |
| neither, and so the next `LEADING_MAX`      | 400 ms for each slot of the chain, from 1970 |
| a time, after slots that were counted so    | `BadInput`                                   |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final, NamedTuple

from pw_cli.offline.bad_input import BadInput
from pw_cli.offline.dated import Dated
from pw_common.ordering.closed_slot import PLACED, ClosedSlot, Placed, TxPosition
from pw_common.ordering.event_time import SLOT_MS, SlotTime, next_slot_time
from pw_common.ordering.slots.open_slots import At, Left, OpenSlots
from pw_common.wire.messages import SlotEvent, Swap

# Slots without a time that wait for one that has it: a block's header comes right after it.
LEADING_MAX: Final = 64
# Mainnet has at most a few thousand in a slot.
SLOT_EVENTS_MAX: Final = 200_000
_AT: Final = At(TxPosition(0, 0), 0)

# Says a sentence to whoever runs the command.
Say = Callable[[str], None]


class _Ready(NamedTuple):
    """A slot whose events are placed, and what is said of its time: `late_ms` gives way."""

    slot: int
    events: list[Placed]
    header: SlotEvent | None
    given_ms: int | None
    late_ms: int | None
    last: Dated
    is_broken: bool


def slots_of(events: Iterable[Dated], say: Say) -> Iterator[ClosedSlot]:
    """Closed slots, in order; each session begins with empty windows.

    Args:
        events: By session and slot; within a slot in any order.
        say: Told of slots that are left out, and where no time is known.

    Raises:
        BadInput: the times of a slot differ, or go back, or begin too late; a slot holds too much.
    """
    said: set[str] = set()

    def say_once(what: str) -> None:
        if what not in said:
            said.add(what)
            say(what)

    for _, of_session in groupby(events, key=_session_of):
        session = SessionSlots(say_once)
        for slot, of_slot in groupby(of_session, key=_slot_of):
            yield from session.add(slot, of_slot)
        yield from session.end()


def _session_of(one: Dated) -> int:
    return one.key[0]


def _slot_of(one: Dated) -> int:
    return one.key[1]


class SessionSlots:
    """The slots of one session."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._slots = OpenSlots(Left())
        self._clock: SlotTime | None = None
        # The last slot whose time gives way to no other.
        self._firm: SlotTime | None = None
        # Slots at the beginning without a time, until it is known whether any has one.
        self._leading: list[_Ready] = []
        self._is_counted = False

    def add(self, slot: int, events: Iterable[Dated]) -> Iterator[ClosedSlot]:
        """The next slot; a slot in which nothing counts gives none."""
        ready = self._placed(slot, events)
        if ready is None:
            return
        times = ready.given_ms, ready.late_ms, _block_time_s(ready)
        has_time = any(one is not None for one in times)
        if self._is_counted and has_time:
            raise BadInput(
                f"{ready.last.place}: slot {slot} has a time, and the slots before it had none; "
                "allowed: from the first slot on, or none at all"
            )
        if self._clock is not None:
            yield self._closed(ready)
        elif has_time:
            yield from self._begin(ready)
        else:
            self._leading.append(ready)
            if len(self._leading) > LEADING_MAX:
                yield from self.end()

    def end(self) -> Iterator[ClosedSlot]:
        """No slot so far has a time, and none is waited for any more."""
        if not self._leading:
            return
        self._is_counted = True
        first = self._leading[0].slot
        self._say(
            "nothing says when the slots were (no event_time_ms, no slot.v1 with a block time): "
            f"each is taken for {SLOT_MS} ms, counted from slot 0 at 1970-01-01"
        )
        self._clock = SlotTime(first - 1, (first - 1) * SLOT_MS)
        leading, self._leading = self._leading, []
        for ready in leading:
            yield self._closed(ready)

    def _begin(self, ready: _Ready) -> Iterator[ClosedSlot]:
        """The first slot with a time: what came before is left out, as it is of captures."""
        left = sum(len(one.events) for one in self._leading)
        self._leading = []
        if left:
            self._say(f"left out {left} events before slot {ready.slot}, the first with a time")
        yield self._closed(ready)

    def _placed(self, slot: int, events: Iterable[Dated]) -> _Ready | None:
        """What counts of a slot; None where nothing does."""
        placed: list[Placed] = []
        header: SlotEvent | None = None
        timed: Dated | None = None
        late_ms: int | None = None
        last: Dated | None = None
        for number, one in enumerate(events):
            if number == SLOT_EVENTS_MAX:
                raise BadInput(f"{one.place}: over {SLOT_EVENTS_MAX} events in slot {slot}")
            last = one
            if one.event_time_ms is not None and one.gives_way:
                late_ms = max(one.event_time_ms, late_ms or 0)
            elif one.event_time_ms is not None:
                _check_same(timed, one)
                timed = one
            if isinstance(one.event, SlotEvent):
                header = one.event
            elif isinstance(one.event, PLACED) and self._is_new(one.event):
                placed.append(one.event)
        if last is None or (header is None and not placed):
            return None
        if header is not None:
            self._slots.breaks.block(slot, header.parent)
        is_broken = self._slots.breaks.close(slot)
        given_ms = None if timed is None else timed.event_time_ms
        return _Ready(slot, placed, header, given_ms, late_ms, timed or last, is_broken)

    def _is_new(self, event: Placed) -> bool:
        # Each kind may count the events of a transaction for itself.
        kind = "" if isinstance(event, Swap) else type(event).__name__
        return self._slots.seen.first_time((kind, event.signature, event.ordinal), event.slot)

    def _closed(self, ready: _Ready) -> ClosedSlot:
        self._clock = self._time_of(ready)
        if ready.given_ms is not None or ready.late_ms is None:
            self._firm = self._clock
        closed = self._slots.slot(ready.events, self._clock, _AT)
        return replace(closed, is_broken=True) if ready.is_broken else closed

    def _time_of(self, ready: _Ready) -> SlotTime:
        before, firm = self._clock, self._firm
        if ready.given_ms is None and ready.late_ms is None:
            return next_slot_time(before, ready.slot, _block_time_s(ready))
        if ready.given_ms is not None and firm is not None and ready.given_ms < firm.event_time_ms:
            raise BadInput(
                f"{ready.last.place}: event_time_ms {ready.given_ms} of slot {ready.slot} is "
                f"before that of slot {firm.slot}, {firm.event_time_ms}; "
                "allowed: times that rise with the slots"
            )
        said_ms = ready.late_ms if ready.given_ms is None else ready.given_ms
        least_ms = 0 if before is None else before.event_time_ms
        return SlotTime(ready.slot, max(least_ms, said_ms or 0))


def _block_time_s(ready: _Ready) -> int | None:
    return None if ready.header is None else ready.header.block_time_s


def _check_same(timed: Dated | None, one: Dated) -> None:
    if timed is not None and timed.event_time_ms != one.event_time_ms:
        raise BadInput(
            f"{one.place}: event_time_ms {one.event_time_ms} in slot {one.event.slot}, and "
            f"{timed.event_time_ms} at {timed.place.at}; allowed: one time for a slot"
        )
