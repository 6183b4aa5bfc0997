"""When a channel's quiet hours are, in UTC: the clock comes in as a value. Pure.

A time of day that the clock skips or repeats when summer time begins or ends is taken so that the
quiet hours are the longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final

from pw_common.documents.quiet_hours import QuietHours, minute_of, zone_of

# What waits for longer has expired long ago.
DAYS_MAX: Final = 400
DAY: Final = timedelta(days=1)
# What quiet hours hold up waits at the broker, and is looked at this often: an edit may end them.
QUIET_S: Final = 15.0
# At their end what they held up is handed out again, and goes out in digests.
AFTER_QUIET_MS: Final = 60_000


def quiet_until_ms(quiet: QuietHours, at_ms: int) -> int:
    """When the quiet hours that hold at a moment end; 0 outside of them."""
    ends = [end_ms for start_ms, end_ms in _spans(quiet, at_ms, at_ms) if start_ms <= at_ms]
    return max((end_ms for end_ms in ends if at_ms < end_ms), default=0)


def waits_until_ms(quiet: QuietHours | None, freed_ms: int, at_ms: int) -> int:
    """Until when alerts may wait that quiet hours hold up, or did until just now; 0 if none may.

    Args:
        freed_ms: When an edit put these hours, or none, in the place of others; 0 where none did.
    """
    ends = [freed_ms]
    if quiet is not None:
        # A minute ago they may have held, and what they held is not sent yet.
        ends += [quiet_until_ms(quiet, one) for one in (at_ms, at_ms - AFTER_QUIET_MS)]
    last_ms = max(ends) + AFTER_QUIET_MS
    return last_ms if max(ends) and last_ms > at_ms else 0


def quiet_ms(quiet: QuietHours, from_ms: int, to_ms: int) -> int:
    """How much of a time lies within quiet hours."""
    whole, counted_ms = 0, from_ms
    for start_ms, end_ms in _spans(quiet, from_ms, to_ms):
        # Where the clock is set, one night's hours may reach into the next one's.
        begin_ms = max(start_ms, counted_ms)
        if (last_ms := min(end_ms, to_ms)) > begin_ms:
            whole += last_ms - begin_ms
            counted_ms = last_ms
    return whole


def _spans(quiet: QuietHours, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """The quiet hours of every day that may reach into a time: first and after the last ms."""
    zone = zone_of(quiet.time_zone)
    start, end = minute_of(quiet.start), minute_of(quiet.end)
    last = datetime.fromtimestamp(to_ms / 1_000, zone).date()
    first = datetime.fromtimestamp(from_ms / 1_000, zone).date() - DAY
    day = max(first, last - DAYS_MAX * DAY)
    while day <= last:
        begins = [_at_ms(quiet, day, start, fold) for fold in (0, 1)]
        ends = [_at_ms(quiet, day if end > start else day + DAY, end, fold) for fold in (0, 1)]
        yield min(begins), max(ends)
        day += DAY


def _at_ms(quiet: QuietHours, day: date, minute: int, fold: int) -> int:
    time = time_of_day(minute // 60, minute % 60)
    local = datetime.combine(day, time, zone_of(quiet.time_zone)).replace(fold=fold)
    return int(local.astimezone(UTC).timestamp() * 1_000)
