"""The API's settings: what every service reads, and its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pw_api.core.access import hosts_problem
from pw_common import settings as st
from pw_common.run import CommonSettings
from pw_common.settings import setting


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Read once at start by `pw_common.settings.load`."""

    http_listen: str = setting(
        "PW_HTTP_LISTEN",
        "Address of /livez, /readyz and /metrics; port 0 takes a free one",
        default="127.0.0.1:8080",
        check=st.listen_address,
    )
    api_token_file: Path | None = setting(
        "PW_API_TOKEN_FILE",
        "File with the token that every /api request must carry; required unless PW_API_NO_TOKEN",
        default=None,
    )
    api_token_make: bool = setting(
        "PW_API_TOKEN_MAKE",
        "Make that file, with a new token, at the first start that does not find it",
        default=False,
    )
    api_no_token: bool = setting(
        "PW_API_NO_TOKEN",
        "Ask for no token: whoever reaches the port may read and change everything",
        default=False,
    )
    api_hosts: str = setting(
        "PW_API_HOSTS",
        "Names that /api answers to beside localhost, comma separated: name, name:port, or "
        "https://name behind a proxy that ends TLS",
        default="",
        check=hosts_problem,
    )
    recent_swaps_max: int = setting(
        "PW_API_RECENT_SWAPS_MAX",
        "How many swaps the API keeps in memory for /api/v1/swaps",
        default=20_000,
        check=st.between(1, 1_000_000),
    )
