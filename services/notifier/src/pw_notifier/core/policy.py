"""Which alerts a channel takes, and what an answer means: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from pw_common.documents.channels import Channel, Kind
from pw_common.ordering.backoff import Backoff
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.text.redact import redacted_url
from pw_common.wire.alerts import Alert, of_detector
from pw_notifier.core.kinds import WAYS, Said
from pw_notifier.core.quiet import QUIET_S, quiet_ms, quiet_until_ms

LEVELS: Final = {"info": 0, "warning": 1, "critical": 2}
RETRY_FIRST_S: Final = 1.0
RETRY_MAX_S: Final = 60.0
RETRY: Final = Backoff(RETRY_FIRST_S, RETRY_MAX_S)
RETRY_AFTER_MAX_S: Final = 3_600.0
NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?")
# Failures of the moment, which the service's next answer may not show.
PASSING: Final = frozenset({408, 425})
# What a correctly configured receiver may say about one body. Everything else below 500 is about
# where, how or as whom we ask, so it would be the same for every alert.
CONDEMNS: Final = frozenset({400, 413})
Fate: TypeAlias = Literal["send", "late", "expired", "unwanted", "quiet"]


class Sent(NamedTuple):
    """Delivered."""


class Retry(NamedTuple):
    """Not delivered: try again after this long at the earliest; None lets us choose.

    `held`: the fault is the channel's, and until a person has seen to it every alert would fail.
    `unsure`: it may have arrived all the same, since there was no answer.
    """

    why: str
    after_s: float | None = None
    held: bool = False
    unsure: bool = False


class Refused(NamedTuple):
    """This one message will never be taken."""

    why: str


class Moved(NamedTuple):
    """Telegram gave the group another id: send it there."""

    chat_id: str
    why: str


Answer: TypeAlias = Sent | Retry | Refused


def about_channel(name: str) -> str:
    """The trigger of an alert that says how a channel fails."""
    return f"channel_{name}"


def fate_of(
    channel: Channel, alert: Alert, stored_ms: int, now_ms: int, *, freed_ms: int = 0
) -> Fate:
    """What to do with an alert at this moment.

    Args:
        freed_ms: When the channel's former quiet hours were edited; 0 where they never were.
    """
    if LEVELS[alert.severity] < LEVELS[channel.severity_min]:
        return "unwanted"
    if channel.kinds and alert.kind not in channel.kinds:
        return "unwanted"
    if of_detector(alert) and channel.triggers and alert.trigger not in channel.triggers:
        return "unwanted"
    if not alert.mint and alert.trigger == about_channel(channel.name):
        # It would wait for the very thing that it reports.
        return "unwanted"
    if held_until_ms(channel, alert, now_ms):
        return "quiet"
    since_ms = stored_ms
    if stored_ms < freed_ms:
        # Nobody knows how much of it the former hours held up: its time begins again, once the
        # broker has handed it out.
        since_ms = min(now_ms, freed_ms + int(1_000 * QUIET_S))
    if _age_s(channel, alert, since_ms, now_ms) > channel.alert_age_max_s:
        return "expired"
    if stored_ms < freed_ms or held_until_ms(channel, alert, stored_ms):
        # What came in the quiet hours goes out as one at their end.
        return "late"
    return "late" if now_ms - stored_ms > 1_000 * channel.late_after_s else "send"


def held_until_ms(channel: Channel, alert: Alert, at_ms: int) -> int:
    """When the quiet hours end that hold an alert up at a moment; 0 where none do."""
    quiet = channel.quiet
    if quiet is None or LEVELS[alert.severity] >= LEVELS[quiet.severity_min]:
        return 0
    return quiet_until_ms(quiet, at_ms)


def _age_s(channel: Channel, alert: Alert, since_ms: int, now_ms: int) -> float:
    """For how long an alert could have been sent: not while quiet hours held it up."""
    age_ms, quiet = now_ms - since_ms, channel.quiet
    waits = quiet is not None and LEVELS[alert.severity] < LEVELS[quiet.severity_min]
    if quiet is not None and waits and age_ms > 1_000 * channel.alert_age_max_s:
        age_ms -= quiet_ms(quiet, since_ms, now_ms)
    return age_ms / 1_000


def meaning(
    status: int, headers: Mapping[str, str], body: str, *, kind: Kind = "webhook"
) -> Answer | Moved:
    """What a service said. Nothing in an answer can fail: anybody may have written it.

    429 carries `Retry-After` in seconds; Discord says `retry_after` in its JSON as well,
    Telegram `parameters.retry_after`.
    """
    if 200 <= status < 300:
        return Sent()
    said = _said(body)
    if status == 429:
        return Retry("asked to wait (429)", _retry_after_s(headers, said))
    why = f"answered {status}{_words(said, body)}"
    if status in PASSING or status >= 500:
        return Retry(why)
    if 300 <= status < 400:
        return Retry(f"answered {status}{_where(headers)}: it has moved", held=True)
    way = WAYS[kind]
    if status == 400 and (chat_id := way.moved(said)):
        return Moved(chat_id, why)
    if status in CONDEMNS and (status == 413 or way.condemns(said)):
        return Refused(why)
    return Retry(why, held=True)


def wait_s(tries: int, asked_s: float | None, jitter: float) -> float:
    """How long to wait after the n-th failure; `jitter` is 0..1, and only ever adds."""
    own_s = RETRY.longest_s(tries)
    waited = max(own_s, min(asked_s or 0.0, RETRY_AFTER_MAX_S))
    return waited * (1 + 0.2 * jitter)


def _said(body: str) -> Said:
    try:
        return msgspec.json.decode(body, type=Said)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        # Not JSON, nested without end, or a number without end.
        return Said(words=body.strip()[:ERROR_CHARS_MAX])


def _words(said: Said, body: str) -> str:
    """The service's own words, from its JSON where it has any; one short line of plain text."""
    named = (said.description, said.message, said.detail, said.error)
    words = next((one for one in named if isinstance(one, str) and one.strip()), body)
    return f": {plain_text(words, ERROR_CHARS_MAX)}" if words else ""


def _where(headers: Mapping[str, str]) -> str:
    """Where a redirect leads, without the parts of its address that may be secret."""
    location = headers.get("location", "")
    if "://" not in location:
        return ""
    return f" (to {plain_text(redacted_url(location[:2_000]), ERROR_CHARS_MAX)})"


def _retry_after_s(headers: Mapping[str, str], said: Said) -> float | None:
    values: list[Any] = [headers.get("retry-after", ""), said.retry_after]
    if isinstance(said.parameters, dict):
        values.append(said.parameters.get("retry_after"))
    return max((seconds for one in values if (seconds := _seconds(one)) is not None), default=None)


def _seconds(value: object) -> float | None:
    """Seconds as a number or as digits, never more than we would wait; None for anything else."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return float(min(value, RETRY_AFTER_MAX_S))
