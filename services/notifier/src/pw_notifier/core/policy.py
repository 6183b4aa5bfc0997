"""Which alerts a channel takes, and what an answer means: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from pw_common.alerts import Alert, of_detector
from pw_common.channels import Channel
from pw_common.plain_text import ERROR_CHARS_MAX, plain_text

LEVELS: Final = {"info": 0, "warning": 1, "critical": 2}
RETRY_FIRST_S: Final = 1.0
RETRY_MAX_S: Final = 60.0
RETRY_AFTER_MAX_S: Final = 3_600.0
NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?")
# What a change of the configuration may heal: asked again, slowly.
CONFIGURED_WRONG: Final = frozenset({401, 403, 404, 410})

Fate: TypeAlias = Literal["send", "late", "expired", "unwanted"]


class Sent(NamedTuple):
    """Delivered."""


class Retry(NamedTuple):
    """Not delivered: try again after this long at the earliest; None lets us choose."""

    why: str
    after_s: float | None = None


class Refused(NamedTuple):
    """Never to be delivered in this form."""

    why: str


Answer: TypeAlias = Sent | Retry | Refused


def fate_of(channel: Channel, alert: Alert, stored_ms: int, now_ms: int) -> Fate:
    """What becomes of an alert at this moment."""
    if LEVELS[alert.severity] < LEVELS[channel.severity_min]:
        return "unwanted"
    if channel.kinds and alert.kind not in channel.kinds:
        return "unwanted"
    if of_detector(alert) and channel.triggers and alert.trigger not in channel.triggers:
        return "unwanted"
    age_s = (now_ms - stored_ms) / 1_000
    if age_s > channel.alert_age_max_s:
        return "expired"
    return "late" if age_s > channel.late_after_s else "send"


class _Waits(msgspec.Struct):
    """What Discord and Telegram say beside a 429; everything else is passed over."""

    retry_after: Any = None
    parameters: Any = None


def meaning(status: int, headers: Mapping[str, str], body: str) -> Answer:
    """What a service said. Nothing in an answer can fail: anybody may have written it.

    429 carries `Retry-After` in seconds; Discord says `retry_after` in its JSON as well,
    Telegram `parameters.retry_after`.
    """
    if 200 <= status < 300:
        return Sent()
    if status == 429:
        return Retry("asked to wait (429)", _retry_after_s(headers, body))
    if status in CONFIGURED_WRONG:
        return Retry(f"refused with {status}: is the channel set up right?", RETRY_MAX_S)
    if status in {408, 425} or status >= 500:
        return Retry(f"answered {status}")
    return Refused(f"answered {status}: {plain_text(body, ERROR_CHARS_MAX)}")


def wait_s(tries: int, asked_s: float | None, jitter: float) -> float:
    """How long to wait after the n-th failure; `jitter` is 0..1, and only ever adds."""
    own_s = min(RETRY_MAX_S, RETRY_FIRST_S * float(2 ** min(tries, 10)))
    waited = max(own_s, min(asked_s or 0.0, RETRY_AFTER_MAX_S))
    return waited * (1 + 0.2 * jitter)


def _retry_after_s(headers: Mapping[str, str], body: str) -> float | None:
    told: list[Any] = [headers.get("retry-after", "")]
    try:
        waits = msgspec.json.decode(body, type=_Waits)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        waits = _Waits()  # Not JSON, nested without end, or a number without end.
    told.append(waits.retry_after)
    if isinstance(waits.parameters, dict):
        told.append(waits.parameters.get("retry_after"))
    return max((seconds for one in told if (seconds := _seconds(one)) is not None), default=None)


def _seconds(told: object) -> float | None:
    """Seconds as a number or as digits, never more than we would wait; None for anything else."""
    if isinstance(told, str) and NUMBER.fullmatch(told):
        told = float(told)
    if isinstance(told, bool) or not isinstance(told, int | float) or not told >= 0:
        return None
    return float(min(told, RETRY_AFTER_MAX_S))
