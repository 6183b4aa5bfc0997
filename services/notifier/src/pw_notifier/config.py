"""Every setting of the notifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pw_common.service import settings as st
from pw_common.service.run import CommonSettings
from pw_common.service.settings import setting
from pw_notifier.core.wording.links import is_address


def _page_url(value: str) -> str | None:
    if wrong := st.url("http", "https")(value):
        return wrong
    parts = urlsplit(value)
    if not is_address(value) or "@" in parts.netloc or parts.query or parts.fragment:
        # It stands in messages: a password in it would be everybody's.
        return "allowed: an address without user, ? and #, such as https://pw.example.org"
    return None


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What the notifier reads beside the common settings."""

    channels_file: Path | None = setting(
        "PW_NOTIFIER_CHANNELS_FILE",
        "YAML with channels, used while none are set through the API",
        # Read again every second: a file that is not there yet, or no longer, ends nothing.
        default=None,
    )
    deadman_url_file: Path | None = setting(
        "PW_NOTIFIER_DEADMAN_URL_FILE",
        "File with a URL that is fetched every 30 s while all is well",
        default=None,
        check=st.readable_file,
    )
    telegram_url: str = setting(
        "PW_NOTIFIER_TELEGRAM_URL",
        "Where the Telegram Bot API answers",
        default="https://api.telegram.org",
        check=st.url("http", "https"),
    )
    page_url: str | None = setting(
        "PW_NOTIFIER_PAGE_URL",
        "Where people reach the pages, for links in messages; unset: no link that says why",
        default=None,
        check=_page_url,
    )
