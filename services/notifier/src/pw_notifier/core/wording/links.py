"""Where a message leads: the chart of its token, and this instance's page that says why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pw_common.wire.alerts import Alert

# The first of these that an alert carries.
CHARTS: Final = ("dexscreener", "birdeye", "solscan")
# Nothing in it ends a link in any service's markup.
ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~:/?@!$&*+,;=%#-]*)?")
LINK_CHARS_MAX: Final = 400
MINT: Final = re.compile("[1-9A-HJ-NP-Za-km-z]{32,44}")
# A token's page, below the address of the pages.
PAGES_OF_TOKENS: Final = "/token/"
# Names that end so are known in one network only.
PRIVATE: Final = frozenset({"local", "localhost", "internal", "lan", "home", "corp", "arpa"})


class Link(NamedTuple):
    """One word, and where it leads."""

    label: str
    url: str


def links_of(alerts: Sequence[Alert], page_url: str) -> tuple[Link, ...]:
    """The links of a message about one alert of a token; a message about several has none.

    Args:
        page_url: Where people reach this instance's pages; empty where that is not known.
    """
    if len(alerts) != 1 or not MINT.fullmatch(alerts[0].mint):
        return ()
    [alert] = alerts
    chart = next((alert.links[name] for name in CHARTS if name in alert.links), "")
    why = f"{page_url.rstrip('/')}{PAGES_OF_TOKENS}{alert.mint}" if page_url else ""
    return tuple(one for one in (Link("Chart", chart), Link("Why", why)) if is_address(one.url))


def is_address(url: str) -> bool:
    """Whether a text can be a link wherever we write one."""
    return len(url) <= LINK_CHARS_MAX and bool(ADDRESS.fullmatch(url))


def is_public(url: str) -> bool:
    """Whether an address looks as if it were reached from everywhere.

    Telegram refuses a message with a button that leads to `localhost` (BUTTON_URL_INVALID).
    """
    host = ""
    try:
        host = urlsplit(url).hostname or ""
        return ip_address(host).is_global
    except ValueError:
        pass
    _, dot, last = host.rstrip(".").rpartition(".")
    return bool(dot) and last.isalpha() and last.lower() not in PRIVATE
