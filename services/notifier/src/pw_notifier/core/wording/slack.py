"""What Slack is sent: docs.slack.dev, "Sending messages using incoming webhooks" and "Blocks".

A text of a section has at most 3,000 characters. Slack knows no escape but those of `&`, `<` and
`>`: a sign that would be markup is replaced by its wide form, and what is long stands as code,
where only a backtick is markup. `verbatim` keeps addresses and names from becoming links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pw_common.wire.alerts import Alert
from pw_notifier.core.wording.headline import headline
from pw_notifier.core.wording.links import Link
from pw_notifier.core.wording.render import details_of, digest_of, digest_title, fitting, units_of

SECTION_MAX: Final = 2_900
TITLE_MAX: Final = 500
# Answers about the content of one message. Everything else is about the address.
CONDEMNS: Final = frozenset(
    {
        "invalid_payload",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "too_many_attachments",
        "missing_text_or_fallback_or_attachments",
        "no_text",
        "msg_too_long",
    }
)
ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
BACKTICK: Final = "\N{FULLWIDTH GRAVE ACCENT}"
WIDE: Final = {
    "*": "\N{FULLWIDTH ASTERISK}",
    "_": "\N{FULLWIDTH LOW LINE}",
    "~": "\N{FULLWIDTH TILDE}",
    "`": BACKTICK,
    "@": "\N{FULLWIDTH COMMERCIAL AT}",
    "#": "\N{FULLWIDTH NUMBER SIGN}",
    ":": "\N{FULLWIDTH COLON}",
}
ESCAPED: Final = re.compile("[&<>]")
# A colon before a sign that is not a space may make a link or an emoji.
MARKUP: Final = re.compile(r"[*_~`@#]|:(?=\S)")


def slack_of(alerts: Sequence[Alert], links: Sequence[Link], *, late: bool) -> dict[str, Any]:
    """The body for one alert, or for several as one message.

    `text` is what a phone shows of it before it is opened.
    """
    first = ""
    if late or len(alerts) > 1:
        title = digest_title(alerts, late=late)
        first = f": {headline(alerts[0])}"
        text = digest_of(alerts, late=late, size=_size, text_max=SECTION_MAX)
    else:
        [alert] = alerts
        title, text = headline(alert), details_of(alert)
    shown = fitting(title, TITLE_MAX, lambda one: units_of(_inert(one)))
    # A star without a text would be shown as it is.
    blocks = [_section(f"*{_inert(shown)}*" if shown.strip() else "…")]
    if text:
        blocks.append(_section(f"```{_code(fitting(text, SECTION_MAX, _size))}```"))
    if links:
        blocks.append(_section(" · ".join(f"<{_escaped(one.url)}|{one.label}>" for one in links)))
    return {
        "text": _inert(shown + first) or "…",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _size(text: str) -> int:
    return units_of(_code(text))


def _code(text: str) -> str:
    """A text that ends no block of code."""
    return _escaped(text).replace("`", BACKTICK)


def _inert(text: str) -> str:
    """A text in which Slack finds no markup, no mention and no link."""
    return _escaped(MARKUP.sub(lambda found: WIDE[found.group()], text))


def _escaped(text: str) -> str:
    return ESCAPED.sub(lambda found: ESCAPES[found.group()], text)
