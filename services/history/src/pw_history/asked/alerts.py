"""Alerts as they were stored, and what their tokens cost afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from pw_common.wire.history import (
    ROWS_MAX,
    SOL_MINT,
    AlertAsked,
    AlertsAsked,
    PriceAfter,
    StoredAlert,
)
from pw_history.asked.pools import Liquidity
from pw_history.asked.reader import Reader
from pw_history.store.derived import IN_ORDER, PRICE, VALUED, minutes_of
from pw_history.store.schema import HOUR_MS, MINUTE_MS

# How long after an alert its token's price is looked up.
AFTER_MS: Final = tuple(
    MINUTE_MS * one for one in (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 480, 1_440)
)
# One alert may have half a megabyte: bodies are read a few at a time.
BODIES: Final = 16
ALERT: Final = "event_time_ms, mint, id"
# The span before an alert, as far back as they go after it.
BEFORE: Final = -1


class _Span(NamedTuple):
    """What was traded in a span."""

    close: float
    high: float
    low: float
    trades: int


class _Asked(NamedTuple):
    """An alert, and where what followed it begins."""

    number: int
    mint: str
    time_ms: int
    # Whether the swaps of its minute are still kept, and so can be split at the alert.
    is_exact: bool

    @property
    def minute_ms(self) -> int:
        return _minute(self.time_ms)

    @property
    def before_ms(self) -> int:
        """Whole minutes before this are of the time before the alert."""
        return self.minute_ms if self.is_exact else self.minute_ms + MINUTE_MS

    @property
    def since_ms(self) -> int:
        """What followed is counted from here."""
        return self.time_ms if self.is_exact else self.minute_ms + MINUTE_MS

    def end_ms(self, after_ms: int) -> int:
        """The end of the minute in which so much time has passed."""
        return -(-(self.time_ms + after_ms) // MINUTE_MS) * MINUTE_MS


def alerts_of(reader: Reader, asked: AlertsAsked) -> Iterator[StoredAlert]:
    """Newest first."""
    where = ["event_time_ms >= $first_ms", "event_time_ms < $end_ms"]
    values: dict[str, Any] = {"first_ms": asked.first_ms, "end_ms": asked.end_ms}
    if asked.mint is not None:
        where.append("list_contains(mints, $mint)")
        values["mint"] = asked.mint
    if asked.trigger is not None:
        where.append("trigger = $trigger")
        values["trigger"] = asked.trigger
    if asked.kinds:
        where.append("list_contains($kinds, kind)")
        values["kinds"] = list(asked.kinds)
    if asked.before is not None:
        where.append("(event_time_ms, id) < ($before_ms, $before_id)")
        values |= {"before_ms": asked.before.event_time_ms, "before_id": asked.before.id}
    query = f"""
        SELECT {ALERT} FROM alerts WHERE {" AND ".join(where)}
        ORDER BY event_time_ms DESC, id DESC LIMIT {min(asked.limit, ROWS_MAX)}
    """
    yield from _with_prices(reader, list(reader.rows(query, values)))


def alert_of(reader: Reader, asked: AlertAsked) -> Iterator[StoredAlert]:
    """One, or none."""
    query = f"SELECT {ALERT} FROM alerts WHERE id = $id"
    rows = list(reader.rows(query, {"id": asked.id}))
    yield from _with_prices(reader, rows, liquidity=True)


def _with_prices(
    reader: Reader, rows: list[tuple[Any, ...]], *, liquidity: bool = False
) -> Iterator[StoredAlert]:
    """Alerts with what followed: all of them are looked up at once, in one pass over minutes.

    `liquidity` costs a pass for each.
    """
    asked = {
        number: _Asked(number, mint, time_ms, is_exact=_minute(time_ms) >= reader.swaps_since_ms)
        for number, (time_ms, mint, _) in enumerate(rows)
        if mint and time_ms >= reader.minutes_since_ms
    }
    spans = _spans(reader, list(asked.values()))
    for number, (time_ms, mint, body) in enumerate(_with_bodies(reader, rows)):
        stored = StoredAlert(event_time_ms=time_ms, alert=msgspec.Raw(body.encode()))
        one = asked.get(number)
        if one is None:
            yield stored
            continue
        before = spans.get((number, BEFORE))
        end_ms = one.end_ms(AFTER_MS[-1])
        held = Liquidity(reader, mint, time_ms - AFTER_MS[-1], end_ms) if liquidity else None
        yield msgspec.structs.replace(
            stored,
            quote_mint=SOL_MINT,
            price=before.close if before is not None else None,
            since_ms=one.since_ms,
            after=tuple(_after(spans, one, reader.event_time_ms, held)),
        )


def _with_bodies(reader: Reader, rows: list[tuple[Any, ...]]) -> Iterator[tuple[int, str, str]]:
    """The same rows, each with the alert itself in place of its id."""
    for begin in range(0, len(rows), BODIES):
        part = rows[begin : begin + BODIES]
        query = "SELECT id, body FROM alerts WHERE id IN (SELECT unnest($ids))"
        bodies = dict(reader.rows(query, {"ids": [one for *_, one in part]}))
        for time_ms, mint, name in part:
            yield time_ms, mint, bodies[name]


def _spans(reader: Reader, asked: list[_Asked]) -> dict[tuple[int, int], _Span]:
    """What was traded by alert and span: that before it, and that up to each of AFTER_MS."""
    spans = {(number, span): one for number, span, one in _whole_minutes(reader, asked)}
    hours = {one.minute_ms // HOUR_MS for one in asked if one.is_exact}
    for hour in sorted(hours):
        these = [one for one in asked if one.is_exact and one.minute_ms // HOUR_MS == hour]
        for number, later, found in _own_minutes(reader, these):
            key = (number, 0 if later else BEFORE)
            rest = spans.get(key)
            if rest is None or not later:
                spans[key] = found
            else:
                spans[key] = _Span(
                    rest.close,
                    max(rest.high, found.high),
                    min(rest.low, found.low),
                    rest.trades + found.trades,
                )
    return spans


def _whole_minutes(reader: Reader, asked: list[_Asked]) -> list[tuple[int, int, _Span]]:
    """By alert: the minutes before its own, and those after it."""
    values = {
        "numbers": [one.number for one in asked],
        "mints": [one.mint for one in asked],
        "until": [one.before_ms for one in asked],
        "minutes": [one.minute_ms for one in asked],
        "ends": [one.end_ms(0) for one in asked],
        "quote": SOL_MINT,
    }
    of = "quote_mint = $quote AND mint IN (SELECT unnest($mints))"
    live = minutes_of(f"{of} AND {reader.open_minutes()}")
    passed = " + ".join(f"(minute_ms - end_ms >= {one})::INTEGER" for one in AFTER_MS)
    found = reader.rows(
        f"""
        WITH asked AS (
            SELECT unnest($numbers) AS number, unnest($mints) AS mint,
                unnest($until) AS before_ms, unnest($minutes) AS own_ms, unnest($ends) AS end_ms
        ), parts AS (
            SELECT * FROM minutes WHERE {of}
            AND minute_ms NOT IN (SELECT minute_ms FROM open_minutes)
            UNION ALL {live}
        )
        SELECT
            number, CASE WHEN minute_ms < before_ms THEN {BEFORE} ELSE {passed} END AS span,
            arg_max(close, minute_ms), max(high), min(low), sum(trades)::BIGINT
        FROM parts JOIN asked ON parts.mint = asked.mint
        AND minute_ms >= own_ms - {AFTER_MS[-1]} AND minute_ms < end_ms + {AFTER_MS[-1]}
        AND (minute_ms < before_ms OR minute_ms > own_ms)
        GROUP BY number, span
        """,
        values,
    )
    return [(number, span, _Span(*rest)) for number, span, *rest in found]


def _own_minutes(reader: Reader, asked: list[_Asked]) -> list[tuple[int, bool, _Span]]:
    """By alert of an hour: the swaps of its own minute up to it, and those later than it."""
    values = {
        "numbers": [one.number for one in asked],
        "mints": [one.mint for one in asked],
        "times": [one.time_ms for one in asked],
        "minutes": [one.minute_ms for one in asked],
        "quote": SOL_MINT,
    }
    # Times and names are bounded by themselves too: so the file is not read beyond them.
    first_ms = min(one.minute_ms for one in asked)
    end_ms = max(one.minute_ms for one in asked) + MINUTE_MS
    values |= {"least": min(one.mint for one in asked), "most": max(one.mint for one in asked)}
    found = reader.rows(
        f"""
        WITH asked AS (
            SELECT unnest($numbers) AS number, unnest($mints) AS asked_mint,
                unnest($times) AS time_ms, unnest($minutes) AS own_ms
        ), valued AS (
            SELECT {PRICE} AS price, * FROM swaps
            WHERE event_time_ms >= {first_ms} AND event_time_ms < {end_ms}
            AND mint BETWEEN $least AND $most AND quote_mint = $quote AND {VALUED}
        )
        SELECT
            number, event_time_ms > time_ms AS later, last(price ORDER BY {IN_ORDER}),
            max(price), min(price), count(*)
        FROM valued JOIN asked ON mint = asked_mint
        AND event_time_ms >= own_ms AND event_time_ms < own_ms + {MINUTE_MS}
        GROUP BY number, later
        """,
        values,
    )
    return [(number, later, _Span(*rest)) for number, later, *rest in found]


def _after(
    spans: dict[tuple[int, int], _Span], one: _Asked, now_ms: int, held: Liquidity | None
) -> Iterator[PriceAfter]:
    """A row for each time that has passed."""
    last = spans.get((one.number, BEFORE))
    for at, after_ms in enumerate(AFTER_MS):
        end_ms = one.end_ms(after_ms)
        if end_ms > now_ms:
            return
        span = spans.get((one.number, at))
        last = span or last
        yield PriceAfter(
            after_ms=after_ms,
            end_ms=end_ms,
            price=last.close if last is not None else None,
            high=span.high if span is not None else None,
            low=span.low if span is not None else None,
            trades=span.trades if span is not None else 0,
            liquidity_quote_raw=None if held is None else held.at(end_ms),
        )


def _minute(time_ms: int) -> int:
    return time_ms // MINUTE_MS * MINUTE_MS
