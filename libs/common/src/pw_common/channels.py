"""Where alerts are sent to: the value of the configuration key `channels`.

Secrets are in here because the notifier needs them; the API takes them and never gives them
out again (`shown`).
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from pw_common.alerts import AlertKind, Severity
from pw_common.subjects import TOKEN

Kind: TypeAlias = Literal["console", "webhook", "discord", "telegram"]
Delivery: TypeAlias = Literal["at_least_once", "at_most_once"]
CHANNELS_MAX: Final = 32
SECRETS: Final = ("url", "secret", "bot_token")
KEPT: Final = "(kept)"
CHAT: Final = re.compile(r"^(-?\d{1,20}|@[A-Za-z0-9_]{3,64})$")
BOT_TOKEN: Final = re.compile(r"^\d{1,20}:[A-Za-z0-9_-]{10,100}$")


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel. Empty `triggers` and `kinds` take all; `url` is a webhook's or Discord's.

    After a crash between sending and knowing it, `at_least_once` sends again and
    `at_most_once` does not. What is older than `late_after_s` goes into one digest; what
    cannot be delivered within `alert_age_max_s` becomes a dead letter.
    """

    name: str
    kind: Kind
    enabled: bool = True
    severity_min: Severity = "info"
    triggers: tuple[str, ...] = ()
    kinds: tuple[AlertKind, ...] = ()
    delivery: Delivery = "at_least_once"
    late_after_s: int = 120
    alert_age_max_s: int = 86_400
    url: str = ""
    secret: str = ""
    bot_token: str = ""
    chat_id: str = ""


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """All channels, and who changed them when."""

    entries: tuple[Channel, ...] = ()
    who: str = ""
    at_ms: int = 0


def problems(channels: Channels) -> list[str]:
    """Everything that is wrong, in sentences; empty where nothing is. No secret is repeated."""
    found = []
    names = [one.name for one in channels.entries]
    if len(names) > CHANNELS_MAX:
        found.append(f"{len(names)} channels; allowed: at most {CHANNELS_MAX}")
    found += [f"{name}: named twice" for name in sorted({n for n in names if names.count(n) > 1})]
    for one in channels.entries:
        found += [f"{one.name}: {why}" for why in _wrong(one)]
    return found


def shown(channel: Channel) -> dict[str, Any]:
    """A channel without its secrets: `(kept)` stands where there is one."""
    fields: dict[str, Any] = msgspec.to_builtins(channel)
    return {**fields, **{name: KEPT if fields[name] else "" for name in SECRETS}}


def with_kept_secrets(new: Channels, old: Channels) -> Channels:
    """What `(kept)` stands for, taken from the channel of that name as it was."""
    before = {one.name: one for one in old.entries}
    entries = []
    for one in new.entries:
        was = before.get(one.name)
        kept = {
            name: getattr(was, name) if was is not None else ""
            for name in SECRETS
            if getattr(one, name) == KEPT
        }
        entries.append(msgspec.structs.replace(one, **kept))
    return msgspec.structs.replace(new, entries=tuple(entries))


def _wrong(one: Channel) -> list[str]:
    found = []
    if not TOKEN.match(one.name):
        found.append(f"not a name; allowed: {TOKEN.pattern}")
    if one.kind in {"webhook", "discord"}:
        parts = urlsplit(one.url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            found.append("url: allowed: http:// or https:// with a host")
    if one.kind == "webhook" and len(one.secret) < 16:
        found.append("secret: at least 16 characters, to sign with")
    if one.kind == "telegram":
        if not BOT_TOKEN.match(one.bot_token):
            found.append("bot_token: as BotFather gives it, digits:letters")
        if not CHAT.match(one.chat_id):
            found.append("chat_id: a number or @name")
    if not 1 <= one.late_after_s <= one.alert_age_max_s <= 7 * 86_400:
        found.append("allowed: 1 <= late_after_s <= alert_age_max_s <= 604800")
    return found
