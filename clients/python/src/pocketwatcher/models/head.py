"""How far history has come, and what is missing in what was asked for."""

from __future__ import annotations

from pocketwatcher.models.decoding import Model


class Hole(Model, frozen=True, kw_only=True):
    """A time of which something is missing; `why` says why, in a sentence.

    `first_ms` and `last_ms` are event time in ms since 1970, `first_slot` and `last_slot` the slots
    that were not seen, both ends included; each None where that is not known. `gap` is the id of a
    recorded gap, which may be filled one day; empty where a stream was trimmed before it was read.
    """

    first_ms: int | None = None
    last_ms: int | None = None
    why: str = ""
    gap: str = ""
    first_slot: int | None = None
    last_slot: int | None = None


class HistoryHead(Model, frozen=True, kw_only=True):
    """How far history has come, since when it keeps what, and what is missing (`holes`).

    `slot` is the newest one that it has read, and `event_time_ms` that slot's time. The oldest swap
    that is kept is of `swaps_since_ms`, the oldest candle of `minutes_since_ms`; None where there
    is none. `holes` are those in the time that was asked about, newest first, at most 100.
    `behind_s` is how many seconds its reading lies behind, `swaps` how many it keeps in all.
    """

    slot: int
    event_time_ms: int
    swaps_since_ms: int | None = None
    minutes_since_ms: int | None = None
    holes: tuple[Hole, ...] = ()
    behind_s: float = 0.0
    swaps: int = 0
