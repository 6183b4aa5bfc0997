"""An event from a file, with what stood beside it, and the bounds that its numbers keep.

Lines and Parquet may hold anything, and no parser of ours has made it: a number that no chain
has is refused here, before it comes into a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from pw_common.documents.document import at_path
from pw_common.wire.limits import BLOCK_TIME_S_MAX, SLOT_MAX
from pw_common.wire.messages import (
    Event,
    QuoteTrade,
    RoundTrip,
    SlotEvent,
    Swap,
    TokenCreated,
    Transfer,
)
from pw_common.wire.pools import PoolEvent

U8: Final = (0, 2**8 - 1)
U32: Final = (0, 2**32 - 1)
U64: Final = (0, 2**64 - 1)
# From here on a float is not one whole number alone: its neighbours were rounded to it.
FLOAT_EXACT_END: Final = 2**53
# The kinds of events by their tag.
KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (Swap, SlotEvent, TokenCreated, PoolEvent, Transfer, QuoteTrade, RoundTrip)
}
_BOUNDS: Final = {
    "slot": (1, SLOT_MAX),
    "parent": (0, SLOT_MAX),
    "block_time_s": (0, BLOCK_TIME_S_MAX),
    "event_time_ms": (0, BLOCK_TIME_S_MAX * 1_000),
    "session": U32,
    "ordinal": U32,
    "index": U32,
    "route_hops": U32,
    "confidence": (0, 1),
    "lamports": U64,
    "quote_change_raw": (-U64[1], U64[1]),
}


class Place(NamedTuple):
    """Where something stood: a file, and the line or row in it."""

    file: str
    at: str

    def __str__(self) -> str:
        return f"{self.file}: {self.at}"


class Beside(msgspec.Struct):
    """What a line or a row may say beside its event; all else that it says is the event's."""

    type: str = ""
    event_time_ms: int | None = None
    session: int | None = None
    amended: bool | None = None


class Dated(NamedTuple):
    """An event. `event_time_ms` is its slot's time and `session` its session, where it says so.

    `gives_way`: its time may differ from that of others in its slot, and lie before that of an
    earlier slot. What filled a gap has the whole second of its block.
    """

    event: Event
    place: Place
    event_time_ms: int | None = None
    session: int | None = None
    gives_way: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """Session and slot: what events are in the order of."""
        return self.session or 0, self.event.slot


def _bounds_of(kind: type[msgspec.Struct]) -> tuple[tuple[str, float, float], ...]:
    bounds = []
    for name in kind.__struct_fields__:
        if name in _BOUNDS:
            bounds.append((name, *_BOUNDS[name]))
        elif name.endswith("_raw"):
            bounds.append((name, *U64))
        elif name.endswith("decimals"):
            bounds.append((name, *U8))
    return tuple(bounds)


_CHECKED: Final[tuple[type[msgspec.Struct], ...]] = (*KINDS.values(), Beside)
_BOUNDS_BY_KIND: Final = {kind: _bounds_of(kind) for kind in _CHECKED}


def problem_of(event: msgspec.Struct) -> str:
    """What number of an event is out of bounds, and what is allowed; empty where none is."""
    for name, low, high in _BOUNDS_BY_KIND[type(event)]:
        value = getattr(event, name)
        # Written so that what is not a number is out of bounds.
        if value is not None and not low <= value <= high:
            long = isinstance(value, int) and abs(value) > U64[1]
            shown = "a number of over 64 bits" if long else value
            return f"{name}: {shown}; allowed: {low} to {high}"
    return ""


def has_long(event: msgspec.Struct) -> bool:
    """Whether it has a whole number that a float may not hold."""
    values = (getattr(event, name) for name in event.__struct_fields__)
    return any(isinstance(one, int) and abs(one) >= FLOAT_EXACT_END for one in values)


def inexact_of(event: msgspec.Struct, said: Mapping[str, Any]) -> str:
    """What number of an event was said in a way that may mean another one; empty where none was.

    Args:
        said: The values that it was read from.
    """
    for name in event.__struct_fields__:
        value, from_ = getattr(event, name), said.get(name)
        if not isinstance(value, int) or abs(value) < FLOAT_EXACT_END:
            continue
        is_digits = isinstance(from_, str) and from_.removeprefix("-").isdecimal()
        if not isinstance(from_, int) and not is_digits:
            return f"{name}: {from_!r} is not exact; allowed from 2^53 on: whole digits"
    return ""


def in_words(error: Exception, kind: type[msgspec.Struct]) -> str:
    """What msgspec says of a value that was read as this kind, with the field in front."""
    return "nested too deep" if isinstance(error, RecursionError) else at_path(error, kind)
