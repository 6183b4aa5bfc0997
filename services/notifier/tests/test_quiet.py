"""In quiet hours only what is urgent goes out; nothing that waits for their end is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_common.documents.channels import Channel, Channels, channels_of, problems
from pw_common.documents.document import BadDocument
from pw_common.documents.quiet_hours import QuietHours, minute_of, zone_of
from pw_common.wire.alerts import Alert, Severity
from pw_notifier.core.policy import fate_of, held_until_ms
from pw_notifier.core.quiet import quiet_ms, quiet_until_ms, waits_until_ms

BERLIN = QuietHours(start="22:00", end="07:00", time_zone="Europe/Berlin")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def at(text: str) -> int:
    """`2026-01-15T23:00+01:00` in ms since 1970."""
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


def utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%m-%d %H:%M")


def ends(quiet: QuietHours, text: str) -> str:
    """When the quiet hours of a moment end, in UTC; nothing where they do not hold."""
    until_ms = quiet_until_ms(quiet, at(text))
    return utc(until_ms) if until_ms else ""


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-01-15T21:59:59.999+01:00", ""),
        ("2026-01-15T22:00+01:00", "01-16 06:00"),
        ("2026-01-16T00:00+01:00", "01-16 06:00"),
        ("2026-01-16T06:59:59.999+01:00", "01-16 06:00"),
        ("2026-01-16T07:00+01:00", ""),
        ("2026-07-16T03:00+02:00", "07-16 05:00"),
        # Summer time begins at 2 on the 29th and ends at 3 on the 25th: the wall clock counts.
        ("2026-03-28T22:00+01:00", "03-29 05:00"),
        ("2026-03-29T03:30+02:00", "03-29 05:00"),
        ("2026-10-24T22:00+02:00", "10-25 06:00"),
        ("2026-10-25T02:30+02:00", "10-25 06:00"),
        ("2026-10-25T02:30+01:00", "10-25 06:00"),
    ],
)
def test_quiet_hours_go_over_midnight_and_by_the_clock_on_the_wall(moment: str, end: str) -> None:
    assert ends(BERLIN, moment) == end


def test_an_hour_that_the_clock_skips_or_repeats_makes_quiet_hours_longer() -> None:
    until = QuietHours(start="01:00", end="02:30", time_zone="Europe/Berlin")
    assert ends(until, "2026-03-29T01:30+01:00") == "03-29 01:30"
    assert ends(until, "2026-10-25T01:30+02:00") == "10-25 01:30"
    since = QuietHours(start="02:30", end="05:00", time_zone="Europe/Berlin")
    assert ends(since, "2026-03-29T01:30+01:00") == "03-29 03:00"
    assert ends(since, "2026-03-29T03:00+02:00") == "03-29 03:00"
    assert ends(since, "2026-10-25T02:30+02:00") == "10-25 04:00"


times = st.integers(0, 1_439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
zones = st.sampled_from(["UTC", "+00:00", "+05:45", "-09:30", "+14:00", "-12:00"])
plain = st.builds(QuietHours, start=times, end=times, time_zone=zones).filter(
    lambda quiet: quiet.start != quiet.end
)
moments = st.integers(0, 60 * 24 * 60).map(lambda minute: 1_790_000_000_000 + minute * MINUTE_MS)


def is_quiet(quiet: QuietHours, at_ms: int) -> bool:
    """By the time of day alone."""
    local = datetime.fromtimestamp(at_ms / 1_000, zone_of(quiet.time_zone))
    minute = local.hour * 60 + local.minute
    start, end = minute_of(quiet.start), minute_of(quiet.end)
    return start <= minute < end if start < end else minute >= start or minute < end


@given(plain, moments)
def test_where_no_clock_is_set_the_time_of_day_decides(quiet: QuietHours, at_ms: int) -> None:
    until_ms = quiet_until_ms(quiet, at_ms)
    assert bool(until_ms) is is_quiet(quiet, at_ms)
    if until_ms:
        assert at_ms < until_ms <= at_ms + DAY_MS
        assert is_quiet(quiet, until_ms - MINUTE_MS)
        assert not is_quiet(quiet, until_ms)


@given(plain, moments, st.integers(0, 3 * 24 * 60))
def test_the_quiet_part_of_a_time_is_counted(quiet: QuietHours, at_ms: int, minutes: int) -> None:
    each = sum(is_quiet(quiet, at_ms + n * MINUTE_MS) for n in range(minutes))
    # A moment may lie within a minute.
    assert abs(quiet_ms(quiet, at_ms, at_ms + minutes * MINUTE_MS) - each * MINUTE_MS) <= MINUTE_MS


@given(
    st.builds(QuietHours, start=times, end=times, time_zone=st.just("Europe/Berlin")).filter(
        lambda quiet: quiet.start != quiet.end
    ),
    st.integers(at("2026-03-01T00:00+00:00"), at("2026-11-30T00:00+00:00")),
    st.integers(0, 40 * DAY_MS),
)
def test_no_time_is_more_quiet_than_it_is_long(
    quiet: QuietHours, from_ms: int, length_ms: int
) -> None:
    assert 0 <= quiet_ms(quiet, from_ms, from_ms + length_ms) <= length_ms
    until_ms = quiet_until_ms(quiet, from_ms)
    assert until_ms == 0 or from_ms < until_ms <= from_ms + DAY_MS + HOUR_MS


def alert(severity: Severity = "warning") -> Alert:
    return Alert(
        id="1" * 32, episode="e", n=0, kind="opened", trigger="t", severity=severity, slot=1,
        opened_slot=1, event_time_ms=0, mint="M" * 43,
    )  # fmt: skip


def channel(**more: Any) -> Channel:
    return Channel(name="one", kind="console", quiet=BERLIN, **more)


EVENING, NIGHT = at("2026-01-15T21:30+01:00"), at("2026-01-15T23:00+01:00")
BEFORE, MORNING = at("2026-01-16T06:59+01:00"), at("2026-01-16T07:00+01:00")


def test_at_night_only_what_is_urgent_goes_out() -> None:
    assert fate_of(channel(), alert("critical"), NIGHT, NIGHT + 1) == "send"
    assert fate_of(channel(), alert("warning"), NIGHT, NIGHT + 1) == "quiet"
    assert held_until_ms(channel(), alert("warning"), NIGHT) == MORNING
    assert fate_of(channel(), alert("warning"), EVENING, EVENING + 1) == "send"
    loud = Channel(
        name="one", kind="console", quiet=msgspec.structs.replace(BERLIN, severity_min="warning")
    )
    assert fate_of(loud, alert("warning"), NIGHT, NIGHT + 1) == "send"
    assert fate_of(loud, alert("info"), NIGHT, NIGHT + 1) == "quiet"


def test_in_the_morning_all_that_came_at_night_is_one_digest() -> None:
    for stored_ms in (NIGHT, BEFORE, MORNING - 1):
        assert fate_of(channel(), alert(), stored_ms, MORNING) == "late"
    assert fate_of(channel(), alert(), MORNING, MORNING) == "send"
    # A critical one of the night went out at once.
    assert fate_of(channel(), alert("critical"), MORNING - 1, MORNING) == "send"


def test_an_alert_grows_no_older_while_quiet_hours_hold_it_up() -> None:
    one = channel(late_after_s=60, alert_age_max_s=3_600)
    # Half an hour of its hour was over when the night began.
    assert fate_of(one, alert(), EVENING, BEFORE) == "quiet"
    assert fate_of(one, alert(), EVENING, MORNING + 30 * MINUTE_MS) == "late"
    assert fate_of(one, alert(), EVENING, MORNING + 30 * MINUTE_MS + 1) == "expired"
    assert fate_of(one, alert(), NIGHT, MORNING + HOUR_MS) == "late"
    assert fate_of(one, alert(), NIGHT, MORNING + HOUR_MS + 1) == "expired"
    # What is urgent never waited.
    assert fate_of(one, alert("critical"), NIGHT, NIGHT + HOUR_MS + 1) == "expired"
    years = timedelta(days=3_000) // timedelta(milliseconds=1)
    assert fate_of(one, alert(), EVENING - years, MORNING) == "expired"


def test_what_waited_for_hours_that_an_edit_took_away_is_one_digest_and_no_dead_letter() -> None:
    one = channel(late_after_s=60, alert_age_max_s=3_600)
    later = msgspec.structs.replace(BERLIN, start="05:00")
    loud = msgspec.structs.replace(BERLIN, severity_min="warning")
    edited_ms = NIGHT + 3 * HOUR_MS
    for quiet in (None, later, loud):
        new = msgspec.structs.replace(one, quiet=quiet)

        def fate(stored_ms: int, now_ms: int, new: Channel = new) -> str:
            return fate_of(new, alert(), stored_ms, now_ms, freed_ms=edited_ms)

        assert fate(NIGHT, edited_ms) == "late"
        assert fate(edited_ms - 1, edited_ms) == "late"
        assert fate(edited_ms, edited_ms) == "send"
        # It is handed out 15 s later at the most, and is as old as any other an hour after.
        assert fate(NIGHT, edited_ms + HOUR_MS + 15_000) == "late"
        assert fate(NIGHT, edited_ms + HOUR_MS + 15_001) == "expired"
    assert fate_of(one, alert(), NIGHT, MORNING + HOUR_MS, freed_ms=edited_ms) == "late"
    assert fate_of(one, alert(), NIGHT, MORNING + HOUR_MS + 1, freed_ms=edited_ms) == "expired"


def test_what_waited_has_a_minute_after_the_end_of_quiet_hours_or_an_edit_of_them() -> None:
    over = MORNING + MINUTE_MS
    for at_ms in (NIGHT, BEFORE, MORNING, over - 1):
        assert waits_until_ms(BERLIN, 0, at_ms) == over
    assert waits_until_ms(BERLIN, 0, over) == waits_until_ms(BERLIN, 0, EVENING) == 0
    assert waits_until_ms(None, NIGHT, NIGHT + MINUTE_MS - 1) == NIGHT + MINUTE_MS
    assert waits_until_ms(None, NIGHT, NIGHT + MINUTE_MS) == waits_until_ms(None, 0, NIGHT) == 0
    assert waits_until_ms(BERLIN, EVENING, NIGHT) == over


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"start": "24:00"}, "quiet.from: allowed: 00:00 to 23:59"),
        ({"end": "7:00"}, "quiet.to: allowed: 00:00 to 23:59"),
        ({"end": "22:00"}, "quiet.to: allowed: another time than `from`"),
        ({"time_zone": "Europe"}, "quiet.time_zone: no such time zone"),
        ({"time_zone": "Mars/Olympus"}, "quiet.time_zone: no such time zone"),
        ({"time_zone": "../../etc/passwd"}, "quiet.time_zone: no such time zone"),
        ({"time_zone": "+24:00"}, "quiet.time_zone: no such time zone"),
        ({"time_zone": "\x00"}, "quiet.time_zone: no such time zone"),
        ({"time_zone": "A" * 10_000}, "quiet.time_zone: no such time zone"),
        ({"time_zone": ""}, "quiet.time_zone: no such time zone"),
    ],
)
def test_hours_and_zones_that_are_none_are_refused(more: dict[str, str], why: str) -> None:
    quiet = msgspec.structs.replace(BERLIN, **more)
    entry = Channel(name="one", kind="console", quiet=quiet)
    (found,) = problems(Channels(entries=(entry,)))
    assert found.startswith(f"entries[0] (one): {why}")


@given(st.text(max_size=40))
def test_whatever_is_given_as_a_zone_is_one_or_is_refused(name: str) -> None:
    entry = Channel(
        name="one", kind="console", quiet=msgspec.structs.replace(BERLIN, time_zone=name)
    )
    if not problems(Channels(entries=(entry,))):
        quiet_until_ms(msgspec.structs.replace(BERLIN, time_zone=name), NIGHT)


def test_a_document_has_them_as_from_and_to_and_no_other_field() -> None:
    text = b"""entries:
- name: one
  kind: console
  quiet: {from: "22:00", to: "07:00", time_zone: Europe/Berlin}
"""
    assert channels_of(text).entries[0].quiet == BERLIN
    with pytest.raises(BadDocument) as error:
        channels_of(text.replace(b"time_zone", b"zone"))
    assert "entries[0].quiet.'zone': no such field; there are: from, to" in str(error.value)
    with pytest.raises(BadDocument) as error:
        channels_of(text.replace(b'"22:00"', b"22"))
    assert "entries[0].quiet.from" in str(error.value)
