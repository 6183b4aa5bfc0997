"""The slots of one session: what is open, and what closed. Pure.

| the event                         | its slot | what becomes of it                     |
| --------------------------------- | -------- | -------------------------------------- |
| a block's header, the first       | open     | gives the slot its time and its parent |
| a block's header, another         | open     | nothing, whatever it says              |
| a block's header                  | closed   | nothing                                |
| of a transaction, without a slot  | 0        | nothing: no window has it              |
| of a transaction, met before      | any      | counted as a repeat                    |
| of a transaction                  | open     | in its slot, in chain order            |
| of a transaction                  | closed   | counted `late`                         |
| of a transaction, in a filled gap | closed   | amends its slot (`backfill.py`)        |

A slot closes once, in rising order, when the watermark has reached it. Its event time is fixed
then, from the time of the slot before and its own block time. Until one slot has its time,
nothing can be timed, and what closes before is counted `untimed`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pw_common.ordering.closed_slot import (
    CHAIN_ORDER,
    PLACED,
    WITH_POOLS,
    ClosedSlot,
    Kinds,
    Placed,
    TxPosition,
)
from pw_common.ordering.dedup import SeenWindow
from pw_common.ordering.event_time import SlotTime, next_slot_time, sane_block_time_s
from pw_common.ordering.slots.breaks import Breaks
from pw_common.ordering.slots.clocks import Clocks
from pw_common.ordering.slots.seen import SeenBy, key_of
from pw_common.wire.messages import (
    Batch,
    QuoteTrade,
    RoundTrip,
    SlotEvent,
    Swap,
    TokenCreated,
    Transfer,
)
from pw_common.wire.pools import PoolEvent


@dataclass
class Left:
    """Events in no slot of the present session; of repeats, swaps are counted apart too."""

    late: int = 0
    untimed: int = 0
    too_old: int = 0
    repeats: int = 0
    # These came out before the session: `before_session.py`.
    before_session: int = 0
    repeated_swaps: int = 0


class At(NamedTuple):
    """Where reading is: the message of PW_TX that is taken, and its batch in PW_SWAP."""

    tx_position: TxPosition
    swap_seq: int


class OpenSlots:
    """A new object for each session; `left` goes on counting, `placed` is what a slot may hold."""

    def __init__(self, left: Left, placed: Kinds = PLACED) -> None:
        self._left = left
        self.placed = placed
        self._open: dict[int, list[Placed]] = {}
        self._times: dict[int, int | None] = {}
        self._seen_by = SeenBy()
        self._is_first = True
        self.seen = SeenWindow()
        self.breaks = Breaks()
        self.clocks = Clocks()
        # The newest slot that closed, 0 for none, and when.
        self.closed = 0
        self.clock: SlotTime | None = None

    def take(self, batch: Batch) -> None:
        """Put the events of a batch into their slots."""
        self._put_all(batch.events)
        self._seen_by.note(batch, self.closed)

    def _put_all(self, events: Iterable[object]) -> None:
        """What `put` does for each: most are swaps of an open slot, which come first here."""
        first_time, closed, open_slots = self.seen.first_time, self.closed, self._open
        for event in events:
            if type(event) is not Swap or event.slot <= closed:
                self.put(event)
                continue
            slot = event.slot
            if first_time(event.signature if event.ordinal == 0 else key_of(event), slot):
                placed = open_slots.get(slot)
                if placed is None:
                    open_slots[slot] = [event]
                else:
                    placed.append(event)
            else:
                self._left.repeated_swaps += 1

    def put(self, event: object) -> None:
        """Put one event where the table says."""
        if isinstance(event, SlotEvent):
            if event.slot > self.closed and event.slot not in self._times:
                self._times[event.slot] = sane_block_time_s(event.block_time_s)
                self.breaks.block(event.slot, event.parent)
            return
        if not isinstance(event, self.placed) or event.slot == 0:
            return
        if not self.seen.first_time(key_of(event), event.slot):
            self.count_repeat(event)
            return
        if event.slot <= self.closed:
            self._left.late += 1
            return
        self._open.setdefault(event.slot, []).append(event)

    def count_repeat(self, event: object) -> None:
        """An event was met before."""
        self._left.repeated_swaps += isinstance(event, Swap)

    def close(self, watermark: int, at: At) -> list[ClosedSlot]:
        """Close what is complete: every slot up to the watermark, in order."""
        due = sorted({slot for slot in (*self._open, *self._times) if slot <= watermark})
        closed = []
        for slot in due:
            events = self._open.pop(slot, [])
            block_time_s = self._times.pop(slot, None)
            self.closed = slot
            is_broken = self.breaks.close(slot)
            if self.clock is None and block_time_s is None:
                self._left.untimed += len(events)
                continue
            self.clock = next_slot_time(self.clock, slot, block_time_s)
            self.clocks.note(slot, self.clock.event_time_ms)
            one = self.slot(events, self.clock, at)
            closed.append(replace(one, is_broken=True) if is_broken else one)
        return closed

    def close_all(self, at: At) -> list[ClosedSlot]:
        """The session ends: whatever is open closes as it is."""
        return self.close(max([0, *self._open, *self._times]), at)

    def slot(
        self, events: list[Placed], clock: SlotTime, at: At, *, amends: bool = False
    ) -> ClosedSlot:
        """A slot with these events; the first one of a session says so."""
        reset, self._is_first = self._is_first, False
        filters = self._seen_by.take(clock.slot)
        return slot_of(events, clock, at, reset=reset, amends=amends, filters=filters)


def slot_of(
    events: list[Placed],
    clock: SlotTime,
    at: At,
    *,
    reset: bool = False,
    amends: bool = False,
    filters: tuple[tuple[str, str], ...] = (),
) -> ClosedSlot:
    """A slot that holds these events, in chain order."""
    events.sort(key=CHAIN_ORDER)
    by_kind: dict[type, list[Any]] = {kind: [] for kind in WITH_POOLS}
    for event in events:
        by_kind[type(event)].append(event)
    return ClosedSlot(
        clock.slot,
        clock.event_time_ms,
        reset,
        tuple(by_kind[Swap]),
        tuple(by_kind[TokenCreated]),
        tuple(by_kind[QuoteTrade]),
        tuple(by_kind[Transfer]),
        tuple(by_kind[RoundTrip]),
        at.tx_position,
        at.swap_seq,
        amends,
        filters,
        pools=tuple(by_kind[PoolEvent]),
    )
