"""Which days anything is kept of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pw_common.wire.history import ROWS_MAX, Day, DaysAsked
from pw_history.asked.reader import Reader, within
from pw_history.store.schema import HOUR_MS

DAY_MS: Final = 24 * HOUR_MS


def days_of(reader: Reader, asked: DaysAsked) -> Iterator[Day]:
    """Newest first."""
    day = f"// {DAY_MS} * {DAY_MS}"
    rows = reader.rows(
        f"""
        WITH counts AS (
            SELECT hour_ms {day} AS day, swaps::BIGINT AS swaps, 0 AS created, 0 AS alerts
            FROM closed_hours WHERE hour_ms NOT IN (FROM open_hours)
            UNION ALL
            SELECT event_time_ms {day}, count(*), 0, 0 FROM swaps
            WHERE {within(reader.open_hours, HOUR_MS)} GROUP BY 1
            UNION ALL SELECT event_time_ms {day}, 0, count(*), 0 FROM tokens GROUP BY 1
            UNION ALL SELECT event_time_ms {day}, 0, 0, count(*) FROM alerts
            WHERE kind = 'opened' GROUP BY 1
        )
        SELECT day, sum(swaps)::BIGINT, sum(created)::BIGINT, sum(alerts)::BIGINT
        FROM counts WHERE day < $before_ms
        GROUP BY day ORDER BY day DESC LIMIT {min(asked.limit, ROWS_MAX)}
        """,
        {"before_ms": asked.before_ms},
    )
    for begin_ms, swaps, created, alerts in rows:
        yield Day(begin_ms=begin_ms, swaps=swaps, tokens_created=created, alerts=alerts)
