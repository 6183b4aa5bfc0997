"""The API's settings: what every service reads, and its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
        "File with the token that every /api request must carry; unset: no token is asked",
        default=None,
        check=st.readable_file,
    )
    recent_swaps_max: int = setting(
        "PW_API_RECENT_SWAPS_MAX",
        "How many swaps the API keeps in memory for /api/v1/swaps",
        default=20_000,
        check=st.between(1, 1_000_000),
    )
