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
from pw_history.store.derived import minutes_of
from pw_history.store.schema import MINUTE_MS

# How long after an alert its token's price is looked up.
AFTER_MS: Final = tuple(MINUTE_MS * one for one in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1_440))
ALERT: Final = "event_time_ms, mint, body"
# The span before an alert, as far back as they go after it.
BEFORE: Final = -1


class _Span(NamedTuple):
    """What was traded in a span."""

    close: float
    high: float
    low: float
    trades: int


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
    spans = _spans(reader, rows)
    for number, (time_ms, mint, body) in enumerate(rows):
        stored = StoredAlert(event_time_ms=time_ms, alert=msgspec.Raw(body.encode()))
        if not mint or time_ms < reader.minutes_since_ms:
            yield stored
            continue
        before = spans.get((number, BEFORE))
        end_ms = time_ms + AFTER_MS[-1] + MINUTE_MS
        held = Liquidity(reader, mint, time_ms - AFTER_MS[-1], end_ms) if liquidity else None
        yield msgspec.structs.replace(
            stored,
            quote_mint=SOL_MINT,
            price=before.close if before is not None else None,
            after=tuple(_after(spans, number, time_ms, reader.event_time_ms, held)),
        )


def _spans(reader: Reader, rows: list[tuple[Any, ...]]) -> dict[tuple[int, int], _Span]:
    """What was traded by alert and span: that before it, and that up to each of AFTER_MS."""
    values = {
        "numbers": list(range(len(rows))),
        "mints": [mint for _, mint, _ in rows],
        "begins": [time_ms // MINUTE_MS * MINUTE_MS for time_ms, _, _ in rows],
        "quote": SOL_MINT,
    }
    of = "quote_mint = $quote AND mint IN (SELECT unnest($mints))"
    live = minutes_of(f"{of} AND {reader.open_minutes()}")
    passed = " + ".join(f"(minute_ms - begin_ms >= {one})::INTEGER" for one in AFTER_MS)
    found = reader.rows(
        f"""
        WITH asked AS (
            SELECT unnest($numbers) AS number, unnest($mints) AS mint, unnest($begins) AS begin_ms
        ), parts AS (
            SELECT * FROM minutes WHERE {of}
            AND minute_ms NOT IN (SELECT minute_ms FROM open_minutes)
            UNION ALL {live}
        )
        SELECT
            number, CASE WHEN minute_ms < begin_ms THEN {BEFORE} ELSE {passed} END AS span,
            arg_max(close, minute_ms), max(high), min(low), sum(trades)::BIGINT
        FROM parts JOIN asked ON parts.mint = asked.mint
        AND minute_ms >= begin_ms - {AFTER_MS[-1]} AND minute_ms < begin_ms + {AFTER_MS[-1]}
        GROUP BY number, span
        """,
        values,
    )
    return {(number, span): _Span(*rest) for number, span, *rest in list(found)}


def _after(
    spans: dict[tuple[int, int], _Span],
    number: int,
    time_ms: int,
    now_ms: int,
    held: Liquidity | None,
) -> Iterator[PriceAfter]:
    """A row for each time that has passed, by whole minutes: that of the alert is the first."""
    begin_ms = time_ms // MINUTE_MS * MINUTE_MS
    last = spans.get((number, BEFORE))
    for at, after_ms in enumerate(AFTER_MS):
        if begin_ms + after_ms > now_ms:
            return
        span = spans.get((number, at))
        last = span or last
        yield PriceAfter(
            after_ms=after_ms,
            price=last.close if last is not None else None,
            high=span.high if span is not None else None,
            low=span.low if span is not None else None,
            trades=span.trades if span is not None else 0,
            liquidity_quote_raw=None if held is None else held.at(begin_ms + after_ms),
        )
