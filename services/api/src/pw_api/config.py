"""The API's settings: what every service reads, and its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pw_api.core.access import hosts_problem
from pw_api.core.peers import networks
from pw_api.http.connections import CONNECTIONS_MAX, PER_PEER_MAX, Limits
from pw_common.service import settings as st
from pw_common.service.run import CommonSettings
from pw_common.service.settings import setting


def _cidrs(value: str) -> str | None:
    try:
        networks(value)
    except ValueError as error:
        return f"allowed: networks as 10.0.0.0/8, comma separated ({error})"
    return None


@dataclass(frozen=True)
class Settings(CommonSettings):
    """Read once at start by `pw_common.service.settings.load`."""

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
        "Ask for no token: anyone who reaches the port can read and change everything",
        default=False,
    )
    api_hosts: str = setting(
        "PW_API_HOSTS",
        "Names that /api answers to beside localhost, comma separated: name, name:port, or "
        "https://name behind a proxy that ends TLS",
        default="",
        check=hosts_problem,
    )
    connections_max: int = setting(
        "PW_API_CONNECTIONS_MAX",
        "How many connections the API holds; over it the connection that is idle for longest goes",
        default=CONNECTIONS_MAX,
        check=st.between(8, 100_000),
    )
    connections_per_peer_max: int = setting(
        "PW_API_CONNECTIONS_PER_PEER_MAX",
        "How many of them, and of requests under way, one address may have",
        default=PER_PEER_MAX,
        check=st.between(4, 100_000),
    )
    trusted_proxies: str = setting(
        "PW_API_TRUSTED_PROXIES",
        "Networks (CIDRs) of proxies: not capped, and believed about whom they ask for",
        default="",
        check=_cidrs,
    )

    demo: bool = setting(
        "PW_API_DEMO",
        "Say on the page that what it shows is a generated market",
        default=False,
    )
    pw_command: str = setting(
        "PW_API_PW_COMMAND",
        "How pw is called here: the page of the demo shows its commands with it, none without",
        default="",
    )

    def limits(self) -> Limits:
        """What connections may do."""
        return Limits(
            connections_max=self.connections_max,
            per_peer_max=self.connections_per_peer_max,
            trusted=networks(self.trusted_proxies),
        )
