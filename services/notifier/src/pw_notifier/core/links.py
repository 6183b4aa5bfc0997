"""Where a message leads: the chart of its token."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pw_common.wire.alerts import Alert

# The first of these that an alert carries.
CHARTS: Final = ("dexscreener", "birdeye", "solscan")
# Nothing in it ends a link in any service's markup.
ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[!-;=?-\[\]_a-z~]*)?")


LINK_CHARS_MAX: Final = 400


class Link(NamedTuple):
    """One word, and where it leads."""

    label: str
    url: str


def links_of(alert: Alert) -> tuple[Link, ...]:
    """The links of a message about one alert, the most useful first."""
    chart = next((alert.links[name] for name in CHARTS if name in alert.links), "")
    return (Link("Chart", chart),) if _is_address(chart) else ()


def _is_address(url: str) -> bool:
    return len(url) <= LINK_CHARS_MAX and bool(ADDRESS.fullmatch(url))
