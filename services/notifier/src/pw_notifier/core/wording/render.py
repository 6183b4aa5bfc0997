"""Alerts as text, in each service's own markup.

Anybody can write a token's name, so every text of an alert comes plain (`plain_alert`), and is
escaped for the service's markup: what arrives is text, in one line where ours was one line.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from standardwebhooks import Webhook

from pw_common.documents.signing_keys import signing_keys
from pw_common.text.plain_text import CUT
from pw_common.wire.alerts import Alert, Severity
from pw_notifier.core.wording.headline import headline
from pw_notifier.core.wording.links import Link

COLOURS: Final = {"info": 0x3B82F6, "warning": 0xF59E0B, "critical": 0xDC2626}
# Discord takes 4,096 characters of description and Telegram 4,096 of text.
TEXT_MAX: Final = 3_500
SEVERITIES: Final = ("info", "warning", "critical")
DIGEST_LINES_MAX: Final = 40
# Room for a digest's own words: an alert's line is never so long that none fits.
DIGEST_FRAME: Final = 60
# Discord takes 25, but 6,000 characters in all.
FIELDS_MAX: Final = 10
FULLWIDTH_AT: Final = "\N{FULLWIDTH COMMERCIAL AT}"
# A colon before a sign that is not a space may make a link or an emoji.
MARKUP: Final = re.compile(r"[\\*_~`|\[\]<#]|:(?=\S)")
LINE_MARKUP: Final = re.compile(r"^(\s*)([->+]|\d+(?=[.)]))", re.MULTILINE)


class Request(NamedTuple):
    """One HTTP request, or a line for the console where `url` is empty."""

    url: str
    body: bytes
    headers: dict[str, str]


def message_id(alerts: Sequence[Alert]) -> str:
    """How a receiver recognises a repeated message: by the id of one alert, or of all of several.

    With the first one's id a digest would pass for that alert, and the others would be dropped.
    """
    if len(alerts) == 1:
        return alerts[0].id
    ids = "\0".join(alert.id for alert in alerts)
    return hashlib.blake2b(ids.encode(), digest_size=16).hexdigest()


def signature(secret: str, message: str, now_s: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks, with one signature for each key of the secret."""
    at, text = datetime.fromtimestamp(now_s, tz=UTC), body.decode()
    signatures = [Webhook(key).sign(message, at, text) for key in signing_keys(secret)]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(signatures),
        "Idempotency-Key": message,
    }


def discord_of(alerts: Sequence[Alert], links: Sequence[Link], *, late: bool) -> dict[str, Any]:
    """The body of Discord's "Execute Webhook"."""
    if late or len(alerts) > 1:
        title = digest_title(alerts, late=late)
        text = digest_of(alerts, late=late, size=lambda line: units_of(_inert(line)))
        embed: dict[str, Any] = {"title": title, "description": discord(text)}
    else:
        embed = _embed(alerts[0], links)
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _embed(alert: Alert, links: Sequence[Link]) -> dict[str, Any]:
    embed: dict[str, Any] = {
        "title": discord(headline(alert)),
        "description": discord(details_of(alert)),
        "color": COLOURS[alert.severity],
        "fields": [
            {
                "name": discord(one.text),
                "value": "unknown" if one.value is None else f"{one.value:g}",
            }
            | {"inline": True}
            for one in alert.conditions[:FIELDS_MAX]
        ],
    }
    if links:
        # The title leads to the first, and a field to each other.
        embed["url"] = links[0].url
        embed["fields"] += [
            {"name": one.label, "value": f"[on your page]({one.url})", "inline": True}
            for one in links[1:]
        ]
    return embed


def telegram_of(alerts: Sequence[Alert], *, late: bool) -> str:
    """A text in Telegram's HTML."""
    # As code, since Telegram makes links of addresses, @names and /commands in any other text.
    if late or len(alerts) > 1:
        title = html.escape(digest_title(alerts, late=late))
        text = _cut(digest_of(alerts, late=late, size=units_of))
        return f"<b>{title}</b>\n<pre>{html.escape(text)}</pre>"
    [alert] = alerts
    lines = [f"<code>{html.escape(headline(alert))}</code>"]
    if details := details_of(alert):
        lines.append(f"<pre>{html.escape(_cut(details))}</pre>")
    lines += [
        f'<a href="{html.escape(url)}">{html.escape(name)}</a>'
        for name, url in alert.links.items()
        if url.startswith("https://")
    ]
    return "\n".join(lines)


def discord(text: str) -> str:
    """A text in which Discord finds no markup, no mention and no link; cut to TEXT_MAX."""
    shown = _cut(_inert(text))
    # A cut must not end in the middle of an escape.
    whole = len(shown) - len(shown.rstrip("\\"))
    return shown[:-1] if whole % 2 else shown


def _inert(text: str) -> str:
    # Mentions are found before escapes are, and another form of @ mentions nobody.
    escaped = MARKUP.sub(r"\\\g<0>", text.replace("@", FULLWIDTH_AT))
    return LINE_MARKUP.sub(r"\1\\\2", escaped)


def units_of(text: str) -> int:
    """Characters as the services count them: a character beyond 16 bits is two."""
    return len(text) + sum(char > "\uffff" for char in text)


def _cut(text: str) -> str:
    """At most TEXT_MAX as the services count it."""
    units = 0
    for at, char in enumerate(text):
        units += 1 if ord(char) <= 0xFFFF else 2
        if units > TEXT_MAX:
            return text[:at]
    return text


def digest_of(
    alerts: Sequence[Alert], *, late: bool, size: Callable[[str], int], text_max: int = TEXT_MAX
) -> str:
    """A line for each alert while there is room, and how many are left out.

    Args:
        size: What a line takes of `text_max` once it is escaped.
    """
    lines = [digest_title(alerts, late=True)] if late else []
    room = text_max - sum(map(size, lines)) - DIGEST_FRAME
    for at, alert in enumerate(alerts):
        line = _line(alert) if at else fitting(_line(alert), room, size)
        room -= size(line) + 1
        if at == DIGEST_LINES_MAX or (at and room < 0):
            lines.append(f"and {len(alerts) - at} more, left out here")
            break
        lines.append(line)
    return "\n".join(lines)


def fitting(text: str, room: int, size: Callable[[str], int]) -> str:
    """A text that takes at most `room`: itself, or its beginning with a sign that it is cut."""
    shown = text
    while size(shown) > room:
        text = text[: len(text) * 15 // 16]
        shown = text + CUT
    return shown


def worst(alerts: Sequence[Alert]) -> Severity:
    """The highest severity among alerts."""
    return max((one.severity for one in alerts), key=SEVERITIES.index)


def digest_title(alerts: Sequence[Alert], *, late: bool) -> str:
    """How many alerts a message is of."""
    return f"{len(alerts)} {'late ' if late else ''}alert{'s' if len(alerts) > 1 else ''}"


def _line(alert: Alert) -> str:
    where = f" {alert.mint}" if alert.mint else ""
    detail = f": {alert.detail}" if alert.detail else ""
    return f"[{alert.severity}] {headline(alert)}{where}{detail}"


def details_of(alert: Alert) -> str:
    """What is known of an alert beside its line one, in lines of plain text."""
    lines = [alert.detail] if alert.detail else []
    if not alert.mint:
        return "\n".join(lines)
    lines += [f"{one.text}: is {one.value:g}" for one in alert.conditions if one.value is not None]
    buyers = [
        f"{one.trader[:8]} {one.volume_sol:.2f} SOL ({one.share:.0%})"
        + (f" {', '.join(one.labels)}" if one.labels else "")
        for one in alert.top_buyers
    ]
    if buyers:
        lines.append("top buyers: " + "; ".join(buyers))
    if alert.market_cap_sol is None:
        lines.append("market cap unknown")
    lines.append(alert.mint)
    return "\n".join(lines)
