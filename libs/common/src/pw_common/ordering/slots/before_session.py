"""What fills a gap for which the present session has no clock. Pure.

It is of a session that is over, or lies before all clocks of the present one. Each gap is one
filling, and is timed by its own blocks. A block is stored in several messages, its header in the
last one, so that a slot waits for its header and comes out whole.

| of a filling                      | and                                    | what becomes of it  |
| --------------------------------- | -------------------------------------- | ------------------- |
| of a transaction, without a slot  |                                        | nothing             |
| of a transaction, met before      |                                        | counted as a repeat |
| of a transaction                  | its block's time is known              | comes out           |
| of a transaction                  | it is not                              | waits               |
| a block's header                  | its slot or an earlier one waits       | these come out      |
| (`overdue`, or more than is held) | a slot waits                           | it comes out        |

| a slot that comes out             | its event time                                              |
| --------------------------------- | ----------------------------------------------------------- |
| its header gave a block time      | that one: `block_time_s` * 1,000                            |
| an earlier header of the filling  | the nearest one's, and 400 ms for each slot since, but not  |
| gave one                          | after the next header's                                     |
| neither                           | none: it is counted `too_old`                               |

So event time is a function of what was filled in, not of the session in which it is read. It
rises with the slot as the block times do. A live slot of the same second may be up to 999 ms later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pw_common.ordering.closed_slot import PLACED, ClosedSlot, Kinds, Placed
from pw_common.ordering.dedup import SeenWindow
from pw_common.ordering.event_time import SlotTime, sane_block_time_s
from pw_common.ordering.slots.clocks import Clocks
from pw_common.ordering.slots.open_slots import At, Left, slot_of
from pw_common.ordering.slots.seen import key_of
from pw_common.wire.limits import SLOT_MAX
from pw_common.wire.messages import SlotEvent

# People fill one gap at a time; each remembers at most 36,000 times.
FILLINGS_MAX: Final = 8
# Events that wait for a header: a block has some thousands.
WAITING_MAX: Final = 50_000
# A block's messages are stored within seconds. By the present session's event time.
WAIT_MAX_MS: Final = 600_000
# Of what came out: about 50 MB.
KEYS_MAX: Final = 200_000


class _Filling:
    """One gap: the times of its blocks, and what waits for one."""

    def __init__(self) -> None:
        self.clocks = Clocks()
        self.waits: dict[int, list[Placed]] = {}
        # The session's clock when something of it came last, None until that is known.
        self.touched_ms: int | None = None

    def put(self, event: Placed) -> None:
        self.waits.setdefault(event.slot, []).append(event)

    def head(self, header: SlotEvent) -> None:
        block_time_s = sane_block_time_s(header.block_time_s)
        if block_time_s is not None:
            self.clocks.put(header.slot, block_time_s * 1_000)

    def due(self, through: int) -> list[int]:
        """What waits no longer once the header of slot `through` is there, 0 for none."""
        return sorted(slot for slot in self.waits if slot <= through or self.clocks.has(slot))


class BeforeSession:
    """All fillings, over all sessions; a reader's restart begins a new one.

    Guaranteed is that an event comes out once while it is among the `KEYS_MAX` newest that came
    here since the reader began. One that an older session had delivered comes out once more,
    since what was seen is forgotten with its session: whoever stores must look it up.
    """

    def __init__(self, left: Left, placed: Kinds = PLACED) -> None:
        self._left = left
        self._placed = placed
        self.seen = SeenWindow(slots_max=SLOT_MAX, keys_max=KEYS_MAX)
        # By gap; what was touched longest ago stands first.
        self._fillings: dict[str, _Filling] = {}
        self._waiting = 0

    def take(self, gap: str, events: Iterable[object], at: At) -> list[ClosedSlot]:
        """Take a part of a filling; returns what comes out, in rising order of each filling."""
        placed, headers = self._new_of(events)
        known = self._fillings.pop(gap, None)
        if known is None and not placed and not headers:
            return []
        filling = self._fillings[gap] = known or _Filling()
        filling.touched_ms = None
        for event in placed:
            filling.put(event)
        for header in headers:
            filling.head(header)
        self._waiting += len(placed)
        through = max((header.slot for header in headers), default=0)
        return [*self._out(filling, filling.due(through), at), *self._overfull(at)]

    @property
    def waits(self) -> bool:
        """Whether anything waits for its block's header."""
        return self._waiting > 0

    def overdue(self, clock_ms: int, at: At) -> list[ClosedSlot]:
        """The present session's clock is here: let go what waited too long for a header."""
        if not self._waiting:
            return []
        closed: list[ClosedSlot] = []
        for filling in self._fillings.values():
            if filling.touched_ms is None:
                filling.touched_ms = clock_ms
            # A session of an older history may begin meanwhile.
            if not 0 <= clock_ms - filling.touched_ms <= WAIT_MAX_MS:
                closed += self._out(filling, sorted(filling.waits), at)
        return closed

    def _new_of(self, events: Iterable[object]) -> tuple[list[Placed], list[SlotEvent]]:
        """What has a slot and was not met before; and the headers."""
        placed: list[Placed] = []
        headers: list[SlotEvent] = []
        for event in events:
            if isinstance(event, SlotEvent):
                if event.slot > 0:
                    headers.append(event)
            elif not isinstance(event, self._placed) or event.slot == 0:
                continue
            elif self.seen.first_time(key_of(event), event.slot):
                placed.append(event)
        return placed, headers

    def _overfull(self, at: At) -> list[ClosedSlot]:
        closed: list[ClosedSlot] = []
        while len(self._fillings) > FILLINGS_MAX or self._waiting > WAITING_MAX:
            filling = self._fillings.pop(next(iter(self._fillings)))
            closed += self._out(filling, sorted(filling.waits), at)
        return closed

    def _out(self, filling: _Filling, slots: Iterable[int], at: At) -> list[ClosedSlot]:
        closed = []
        for slot in slots:
            events = filling.waits.pop(slot)
            self._waiting -= len(events)
            event_time_ms = filling.clocks.within(slot)
            if event_time_ms is None:
                self._left.too_old += len(events)
                continue
            self._left.before_session += len(events)
            one = slot_of(events, SlotTime(slot, event_time_ms), at, amends=True)
            closed.append(replace(one, is_before_session=True))
        return closed
