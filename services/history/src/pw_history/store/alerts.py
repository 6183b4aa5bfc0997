"""Alerts as they were stored, and what their tokens cost afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pw_common.wire.history import (
    ROWS_MAX,
    SOL_MINT,
    AlertAsked,
    AlertsAsked,
    PriceAfter,
    StoredAlert,
)
from pw_history.store.derived import minutes_of
from pw_history.store.pools import Liquidity
from pw_history.store.reader import Reader
from pw_history.store.schema import MINUTE_MS

# How long after an alert its token's price is looked up.
AFTER_MS: Final = tuple(MINUTE_MS * one for one in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1_440))
ALERT: Final = "event_time_ms, mint, body"


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
    for row in list(reader.rows(query, values)):
        yield _with_prices(reader, row)


def alert_of(reader: Reader, asked: AlertAsked) -> Iterator[StoredAlert]:
    """One, or none."""
    query = f"SELECT {ALERT} FROM alerts WHERE id = $id"
    for row in list(reader.rows(query, {"id": asked.id})):
        yield _with_prices(reader, row)


def _with_prices(reader: Reader, row: tuple[Any, ...]) -> StoredAlert:
    time_ms, mint, body = row
    stored = StoredAlert(event_time_ms=time_ms, alert=msgspec.Raw(body.encode()))
    if not mint or time_ms < reader.minutes_since_ms:
        return stored
    minutes = list(_minutes(reader, mint, time_ms))
    liquidity = Liquidity(reader, mint, time_ms - AFTER_MS[-1], time_ms + AFTER_MS[-1] + MINUTE_MS)
    at = [one for one in minutes if one[0] < time_ms // MINUTE_MS * MINUTE_MS]
    return msgspec.structs.replace(
        stored,
        quote_mint=SOL_MINT,
        price=at[-1][3] if at else None,
        after=tuple(_after(minutes, liquidity, time_ms, reader.event_time_ms)),
    )


def _minutes(reader: Reader, mint: str, time_ms: int) -> Iterator[tuple[Any, ...]]:
    """Begin, high, low, close and trades of a token's minutes around an alert, oldest first."""
    values = {
        "mint": mint,
        "quote": SOL_MINT,
        "first_ms": time_ms - AFTER_MS[-1],
        "end_ms": time_ms + AFTER_MS[-1] + MINUTE_MS,
    }
    of = "mint = $mint AND quote_mint = $quote"
    live = minutes_of(f"{of} AND {reader.open_minutes()}")
    return reader.rows(
        f"""
        WITH parts AS (
            SELECT * FROM minutes WHERE {of}
            AND minute_ms NOT IN (SELECT minute_ms FROM open_minutes)
            UNION ALL {live}
        )
        SELECT minute_ms, high, low, close, trades FROM parts
        WHERE minute_ms >= $first_ms AND minute_ms < $end_ms ORDER BY minute_ms
        """,
        values,
    )


def _after(
    minutes: list[tuple[Any, ...]], liquidity: Liquidity, time_ms: int, now_ms: int
) -> Iterator[PriceAfter]:
    """A row for each time that has passed, by whole minutes: that of the alert is the first."""
    begin_ms = time_ms // MINUTE_MS * MINUTE_MS
    since_ms = begin_ms
    for after_ms in AFTER_MS:
        until_ms = begin_ms + after_ms
        if until_ms > now_ms:
            return
        past = [one for one in minutes if one[0] < until_ms]
        span = [one for one in past if one[0] >= since_ms]
        yield PriceAfter(
            after_ms=after_ms,
            price=past[-1][3] if past else None,
            high=max((one[1] for one in span), default=None),
            low=min((one[2] for one in span), default=None),
            trades=sum(one[4] for one in span),
            liquidity_quote_raw=liquidity.at(until_ms),
        )
        since_ms = until_ms
