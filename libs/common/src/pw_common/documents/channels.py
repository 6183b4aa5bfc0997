"""Where alerts are sent to: the value of the configuration key `channels`.

Secrets are in here because the notifier needs them; the API takes them and never gives them
out again (`redacted_channel`). Whatever way they come in, and when they are read from the store,
the same bounds hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from pw_common.documents.document import (
    ERRORS_MAX,
    BadDocument,
    at_path,
    decode,
    read_either,
    ready,
    unknown_fields,
    unknown_names,
)
from pw_common.documents.quiet_hours import QuietHours, quiet_problems
from pw_common.documents.signing_keys import BadKey, signing_keys
from pw_common.topology.subjects import TOKEN
from pw_common.wire.alerts import AlertKind, Severity

Kind: TypeAlias = Literal["console", "webhook", "discord", "telegram", "ntfy", "slack"]
# The fields that each cannot be without. What is sent to it: the notifier's `core/kinds.py`.
NEEDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "console": (),
    "webhook": ("url", "secret"),
    "discord": ("url",),
    "telegram": ("bot_token", "chat_id"),
    "ntfy": ("url",),
    "slack": ("url",),
}
Delivery: TypeAlias = Literal["at_least_once", "at_most_once"]
CHANNELS_MAX: Final = 32
# 32 channels fit, each with everything at its bound.
CHANNELS_BYTES_MAX: Final = 256 * 1024
URL_CHARACTERS_MAX: Final = 2_048
SECRET_CHARACTERS_MAX: Final = 256
# Room for the old and the new key while one is changed for the other.
SIGNING_CHARACTERS_MAX: Final = 512
TRIGGERS_MAX: Final = 50
TRIGGER: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SECRETS: Final = ("url", "secret", "bot_token", "access_token")
KEPT: Final = "(kept)"
CHAT: Final = re.compile(r"(-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64})")
BOT_TOKEN: Final = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,100}")
# It stands in a header.
ACCESS_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}")
TOPIC: Final = re.compile(r"/[A-Za-z0-9_-]{1,64}")


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel. Empty `triggers` and `kinds` take all.

    `url` is a webhook's, Discord's or Slack's; ntfy's is its server and topic
    (`https://ntfy.sh/TOPIC`), and `access_token` opens a topic that is not open to all.

    `secret` is what a webhook is signed with: `whsec_` and base64, or several such keys with a
    space between them (see `signing_keys`).

    After a crash between sending and knowing it, `at_least_once` sends again and
    `at_most_once` does not. What is older than `late_after_s` goes into one digest; what
    cannot be delivered within `alert_age_max_s` becomes a dead letter; what waits for the end of
    `quiet` hours is no older for that, and comes as one digest.
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
    access_token: str = ""
    quiet: QuietHours | None = None


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """All channels, and who changed them when."""

    entries: tuple[Channel, ...] = ()
    who: str = ""
    at_ms: int = 0


ready(Channels)


def problems(channels: Channels) -> list[str]:
    """Everything that is wrong, in sentences; empty if nothing is. No secret is repeated."""
    found = []
    names = [one.name for one in channels.entries]
    if len(names) > CHANNELS_MAX:
        found.append(f"entries: {len(names)}; allowed: at most {CHANNELS_MAX}")
    twice = sorted({name for name in names[: 2 * CHANNELS_MAX] if names.count(name) > 1})
    found += [f"entries: {name[:32]!a} is named twice" for name in twice]
    for at, one in enumerate(channels.entries[:CHANNELS_MAX]):
        found += [f"entries[{at}] ({one.name[:32]}): {why}" for why in _wrong(one)]
    return found


def read_entries(entries: Any) -> Channels:
    """Channels from the value of `entries`, as far as their form goes. Raises BadDocument.

    `(kept)` may stand for a secret, so their contents are checked afterwards (`problems`).
    """
    if not isinstance(entries, list):
        raise BadDocument(["entries: allowed: a list"])
    if len(entries) > CHANNELS_MAX:
        raise BadDocument([f"entries: {len(entries)}; allowed: at most {CHANNELS_MAX}"])
    errors: list[str] = []
    found: list[Channel] = []
    for at, entry in enumerate(entries):
        errors += unknown_fields(entry, Channel, f"entries[{at}].")
        if isinstance(entry, dict):
            names = QuietHours.__struct_encode_fields__
            errors += unknown_names(entry.get("quiet"), names, f"entries[{at}].quiet.")
        try:
            found.append(msgspec.convert(entry, Channel))
        except msgspec.ValidationError as error:
            errors.append(at_path(error, Channel, f"entries[{at}]."))
        if len(errors) >= ERRORS_MAX:
            break
    if errors:
        raise BadDocument(errors)
    return Channels(entries=tuple(found))


def channels_of(body: bytes) -> Channels:
    """A file of channels, YAML or JSON: `entries:` with a list. Raises BadDocument."""
    document = read_either(body, CHANNELS_BYTES_MAX)
    if document is None:
        # An editor empties a file before it writes it; that says nothing about channels.
        raise BadDocument(["empty; allowed: `entries:` with a list of channels"])
    unknown = unknown_fields(document, Channels, also=("note",))
    if not isinstance(document, dict) or "entries" not in document:
        raise BadDocument(["allowed: `entries:` with a list of channels", *unknown])
    if unknown:
        raise BadDocument(unknown)
    return _checked(read_entries(document["entries"]))


def stored_channels(body: bytes) -> Channels:
    """The stored value of `channels`, if it can be used. Raises BadDocument."""
    return _checked(decode(body, Channels))


def _checked(channels: Channels) -> Channels:
    if wrong := problems(channels):
        raise BadDocument(wrong)
    return channels


def redacted_channel(channel: Channel) -> dict[str, Any]:
    """A channel without its secrets: `(kept)` stands where there is one."""
    fields: dict[str, Any] = msgspec.to_builtins(channel)
    return {**fields, **{name: KEPT if fields[name] else "" for name in SECRETS}}


def with_kept_secrets(new: Channels, old: Channels) -> Channels:
    """What `(kept)` stands for, taken from the stored channel of that name.

    Where the URL changes nothing is kept: what was given for one receiver is not used for
    another. In a `secret` of several keys `(kept)` may stand for those that are there.
    An ntfy token that cannot be kept stays `(kept)`, which `problems` refuses: without one the
    channel would be whole, and would fail at its first alert.
    """
    before = {one.name: one for one in old.entries}
    entries = []
    for one in new.entries:
        was = before.get(one.name)
        if was is not None and one.url not in {KEPT, was.url}:
            was = None
        kept = {name: _kept(one, was, name) for name in SECRETS}
        entries.append(msgspec.structs.replace(one, **kept))
    return msgspec.structs.replace(new, entries=tuple(entries))


def _kept(one: Channel, was: Channel | None, name: str) -> str:
    before: str = getattr(was, name) if was is not None else ""
    if was is None and name == "access_token" and one.kind == "ntfy":
        before = KEPT
    words = getattr(one, name).split(" ") if name == "secret" else [getattr(one, name)]
    return " ".join(filter(None, (before if word == KEPT else word for word in words)))


def _wrong(one: Channel) -> list[str]:
    found = []
    if not TOKEN.fullmatch(one.name):
        found.append(f"name: not a name; allowed: {TOKEN.pattern}")
    found += [
        f"{name}: {why}" for name in NEEDS[one.kind] if (why := _NEEDED[name](getattr(one, name)))
    ]
    if one.kind in _ADDRESSES and not found and (why := _ADDRESSES[one.kind](one.url)):
        found.append(f"url: {why}")
    if one.quiet is not None:
        found += quiet_problems(one.quiet)
    if one.access_token == KEPT:
        found.append("access_token: give it again, or none; none is kept where the URL is new")
    elif one.access_token and not ACCESS_TOKEN.fullmatch(one.access_token):
        found.append("access_token: one word, as the server gives it")
    found += [
        f"{name}: at most {longest} characters, without control characters"
        for name, longest in _TEXTS.items()
        if len(getattr(one, name)) > longest or not getattr(one, name).isprintable()
    ]
    if len(one.triggers) > TRIGGERS_MAX or not all(map(TRIGGER.fullmatch, one.triggers)):
        found.append(f"triggers: at most {TRIGGERS_MAX} names of rules")
    if len(one.kinds) > len(set(one.kinds)):
        found.append("kinds: each once")
    if not 1 <= one.late_after_s <= one.alert_age_max_s <= 7 * 86_400:
        found.append("late_after_s: allowed: 1 <= late_after_s <= alert_age_max_s <= 604800")
    return found


_TEXTS: Final = {
    "url": URL_CHARACTERS_MAX,
    "secret": SIGNING_CHARACTERS_MAX,
    "bot_token": SECRET_CHARACTERS_MAX,
    "chat_id": 64,
    "access_token": SECRET_CHARACTERS_MAX,
}


def _secret_problem(secret: str) -> str:
    if not secret:
        return "a key to sign with; none is kept where the URL is new"
    try:
        signing_keys(secret)
    except BadKey as error:
        return f"allowed: {error}"
    return ""


def _url_problem(url: str) -> str:
    if not url.isprintable():
        return "allowed: one line without control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # Only what is wrong, never the address: it may hold a secret.
        return "not an address" if "port" not in str(error).lower() else "not a port"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "allowed: http:// or https:// with a host"
    if not url.isascii() or " " in url:
        return "allowed: ASCII characters without spaces"
    return "" if port is None or port > 0 else "not a port"


def _topic_problem(url: str) -> str:
    parts = urlsplit(url)
    if TOPIC.fullmatch(parts.path) and not parts.query and not parts.fragment:
        return ""
    # A server of one's own cannot be below a path either.
    return "allowed: the server and one topic, such as https://ntfy.sh/TOPIC"


# What else is wrong with an address of this kind, where it is one.
_ADDRESSES: Final[Mapping[Kind, Callable[[str], str]]] = {"ntfy": _topic_problem}

# What is wrong with a field that a kind needs; empty where nothing is.
_NEEDED: Final[Mapping[str, Callable[[str], str]]] = {
    "url": _url_problem,
    "secret": _secret_problem,
    "bot_token": lambda token: (
        "" if BOT_TOKEN.fullmatch(token) else "as BotFather gives it, digits:letters"
    ),
    "chat_id": lambda chat: "" if CHAT.fullmatch(chat) else "a number or @name",
}
