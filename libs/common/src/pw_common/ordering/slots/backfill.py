"""What fills a recorded gap: late by nature, so it amends slots that are closed. Pure.

| the event of a filling       | its slot                  | what becomes of it                   |
| ---------------------------- | ------------------------- | ------------------------------------ |
| a block's header             | any                       | may mend a break of the chain        |
| of a transaction             | open, or 0                | as any other (`open_slots.py`)       |
| of a transaction, met before | closed                    | counted as a repeat                  |
| of a transaction             | closed, within the clocks | amends its slot                      |
| of a transaction             | closed, before all clocks | timed by its block: `before_session` |

A slot that never closed, since all of it was missing, is timed by those around it.
"""

from __future__ import annotations

from dataclasses import replace

from pw_common.ordering.closed_slot import ClosedSlot, Placed
from pw_common.ordering.event_time import SlotTime
from pw_common.ordering.slots.before_session import BeforeSession
from pw_common.ordering.slots.open_slots import At, OpenSlots
from pw_common.ordering.slots.seen import key_of
from pw_common.wire.messages import Batch, SlotEvent


def fill(slots: OpenSlots, before: BeforeSession, batch: Batch, at: At) -> list[ClosedSlot]:
    """Take a filling; returns amended slots in rising order, then the breaks that it mends."""
    amended: dict[int, list[Placed]] = {}
    unclocked: list[Placed | SlotEvent] = []
    for event in batch.events:
        if isinstance(event, SlotEvent):
            slots.breaks.fill(event.slot, event.parent)
            unclocked.append(event)
        if not isinstance(event, slots.placed) or not 0 < event.slot <= slots.closed:
            slots.put(event)
        elif slots.seen.first_time(key_of(event), event.slot):
            amended.setdefault(event.slot, []).append(event)
        else:
            slots.count_repeat(event)
    closed = []
    for slot in sorted(amended):
        event_time_ms = slots.clocks.within(slot)
        if event_time_ms is None:
            unclocked += amended[slot]
            continue
        closed.append(slots.slot(amended[slot], SlotTime(slot, event_time_ms), at, amends=True))
    mends = slots.breaks.mended()
    if mends and slots.clock is not None:
        closed.append(replace(slots.slot([], slots.clock, at, amends=True), mends=mends))
    return [*before.take(batch.gap, unclocked, at), *closed]
