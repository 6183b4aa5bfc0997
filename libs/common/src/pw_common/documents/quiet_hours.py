"""The hours in which a channel passes only what is urgent, as its document has them."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from pw_common.wire.alerts import Severity

TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}")
ZONE_CHARACTERS_MAX: Final = 64
NO_ZONE: Final = "no such time zone; allowed: a name such as Europe/Berlin, UTC, or +02:00"


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """From one time of day to another, over midnight where `to` is the earlier one.

    Within them an alert below `severity_min` waits for their end. `time_zone` is a name such as
    `Europe/Berlin`, `UTC`, or an offset such as `+02:00`.
    """

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    time_zone: str = "UTC"
    severity_min: Severity = "critical"


class BadZone(ValueError):
    """There is no such time zone here."""


def minute_of(time: str) -> int:
    """`HH:MM` as minutes since midnight. Raises ValueError."""
    found = TIME.fullmatch(time)
    if found is None:
        raise ValueError("allowed: 00:00 to 23:59")
    return int(found[1]) * 60 + int(found[2])


def zone_of(name: str) -> tzinfo:
    """A time zone by its name or its offset. Raises BadZone."""
    if name == "UTC":
        return UTC
    if len(name) > ZONE_CHARACTERS_MAX:
        raise BadZone(NO_ZONE)
    if found := OFFSET.fullmatch(name):
        size = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-size if found[1] == "-" else size)
    if ZONE.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass  # No such name, a folder, or no table of zones on this machine.
    raise BadZone(NO_ZONE)


def quiet_problems(quiet: QuietHours) -> list[str]:
    """Everything that is wrong, in sentences with the field in front."""
    found = []
    for name, time in (("from", quiet.start), ("to", quiet.end)):
        try:
            minute_of(time)
        except ValueError as error:
            found.append(f"quiet.{name}: {error}")
    if not found and quiet.start == quiet.end:
        found.append("quiet.to: allowed: another time than `from`")
    try:
        zone_of(quiet.time_zone)
    except BadZone as error:
        found.append(f"quiet.time_zone: {error}")
    return found
