"""What ntfy is sent: docs.ntfy.sh/publish, "Publish as JSON" and "Limitations".

A message of 4,096 bytes or more becomes an attachment, which most servers refuse, and the whole
JSON may have twice that. So the message is cut by the bytes that it takes in JSON. A phone makes
links of addresses in it, whoever wrote them: they lose what makes them one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from pw_common.wire.alerts import Alert
from pw_notifier.core.wording.headline import headline
from pw_notifier.core.wording.links import Link
from pw_notifier.core.wording.render import (
    FULLWIDTH_AT,
    details_of,
    digest_of,
    digest_title,
    fitting,
    worst,
)

MESSAGE_BYTES_MAX: Final = 3_600
TITLE_BYTES_MAX: Final = 200
# Of five; 4 and 5 ring longer, and 5 stays on top.
PRIORITIES: Final = {"info": 3, "warning": 4, "critical": 5}
# Shown as pictures before the title.
TAGS: Final = {"info": "information_source", "warning": "warning", "critical": "rotating_light"}
# Codes (`server/errors.go`) for the content of one message: priority, not UTF-8, an attachment
# that the server does not take because the message was too long, JSON, buttons.
CONDEMNS: Final = frozenset({40007, 40011, 40014, 40017, 40018})
# A dot before a letter, the dots of 1.2.3.4, and the colon of http://.
LINKING: Final = re.compile(r"\.(?=[^\W\d_])|(?<=\d)\.(?=\d+\.)|:(?=//)")
STAND_INS: Final = {".": "\N{ONE DOT LEADER}", ":": "\N{FULLWIDTH COLON}"}


def address_of(url: str) -> tuple[str, str]:
    """The address to publish at, and the topic, of a channel's `https://ntfy.sh/TOPIC`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/", parts.path.lstrip("/")


def ntfy_of(
    topic: str, alerts: Sequence[Alert], links: Sequence[Link], *, late: bool
) -> dict[str, Any]:
    """The JSON for one alert, or for several as one message."""
    severity = worst(alerts)
    body: dict[str, Any] = {
        "topic": topic,
        "priority": PRIORITIES[severity],
        "tags": [TAGS[severity]],
    }
    if late or len(alerts) > 1:
        title = digest_title(alerts, late=late)
        text = digest_of(alerts, late=late, size=_bytes, text_max=MESSAGE_BYTES_MAX)
    else:
        [alert] = alerts
        # A message without text would read "triggered".
        title, text = headline(alert), details_of(alert) or alert.severity
    if links:
        # A touch on the message leads to why, where that is known.
        body["click"] = links[-1].url
        body["actions"] = [{"action": "view", "label": one.label, "url": one.url} for one in links]
    body["title"] = fitting(_inert(title), TITLE_BYTES_MAX, _bytes)
    body["message"] = fitting(_inert(text), MESSAGE_BYTES_MAX, _bytes)
    return body


def _bytes(text: str) -> int:
    return len(msgspec.json.encode(_inert(text)))


def _inert(text: str) -> str:
    """A text in which a phone finds no address."""
    shown = LINKING.sub(lambda found: STAND_INS[found.group()], text)
    return shown.replace("@", FULLWIDTH_AT)
