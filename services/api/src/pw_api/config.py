"""The API's settings: what every service reads, and its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pw_api.core.access import hosts_problem
from pw_api.core.peers import networks
from pw_api.http.connections import CONNECTIONS_MAX, PER_PEER_MAX, Limits
from pw_common.process.proxies import is_loopback
from pw_common.service import settings as st
from pw_common.service.run import CommonSettings
from pw_common.service.settings import setting
from pw_rpc.header import BadHeader, read_header

FACTS_URL = "PW_API_FACTS_RPC_URL"
FACTS_URL_FILE = "PW_API_FACTS_RPC_URL_FILE"
URL_BYTES_MAX = 4_096
IN_CLEAR = "its key would cross the network in clear: use https://"


def _cidrs(value: str) -> str | None:
    try:
        networks(value)
    except ValueError as error:
        return f"allowed: networks as 10.0.0.0/8, comma separated ({error})"
    return None


def _unless_empty(check: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    return lambda value: check(value) if value else None


def _one_node(value: str) -> str | None:
    return "one node only" if "," in value else st.url("http", "https")(value)


def _header_file(value: Path) -> str | None:
    try:
        read_header(value)
    except BadHeader as error:
        return str(error)
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"
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

    facts_rpc_url: str = setting(
        FACTS_URL,
        "A JSON-RPC node, with its key, to ask for what is not in the stream: names, supply, "
        "authorities, extensions; without it nobody is asked",
        default="",
        check=_unless_empty(_one_node),
    )
    facts_rpc_url_file: Path | None = setting(
        FACTS_URL_FILE,
        "File with that URL instead: its key then stands in no environment",
        default=None,
    )
    facts_rpc_header_file: Path | None = setting(
        "PW_API_FACTS_RPC_HEADER_FILE",
        "File with the header that this node asks for, as one line: `x-api-key: SECRET`",
        default=None,
        check=_unless_empty(_header_file),
    )
    facts_rpc_rate: float = setting(
        "PW_API_FACTS_RPC_RATE",
        "How many tokens a second this node is asked about, by each replica",
        default=1.0,
        check=st.between(0.01, 100),
    )

    def together(self) -> list[st.Problem]:
        """What only the node's settings together show."""
        file = self.facts_rpc_url_file
        if file is not None and self.facts_rpc_url:
            return [st.Problem(FACTS_URL_FILE, f"and {FACTS_URL} are set: choose one")]
        try:
            url = self.node_url()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            return [st.Problem(FACTS_URL_FILE, f"cannot be read: {why}")]
        env = FACTS_URL if file is None else FACTS_URL_FILE
        if file is not None and (why := _one_node(url)):
            return [st.Problem(env, f"holds no URL of a node: {why}")]
        parts = urlsplit(url)
        # Nodes take their key in any of these places; a path may be one as well.
        has_secret = bool(
            self.facts_rpc_header_file or parts.query or parts.username or parts.path.strip("/")
        )
        if has_secret and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            return [st.Problem(env, IN_CLEAR, repr(st.shown_raw(FACTS_URL, url)))]
        return []

    def node_url(self) -> str:
        """The node that is asked for facts; empty for none. Raises OSError, UnicodeDecodeError."""
        if self.facts_rpc_url_file is None:
            return self.facts_rpc_url
        with self.facts_rpc_url_file.open("rb") as file:
            return file.read(URL_BYTES_MAX).decode("ascii").strip()

    def limits(self) -> Limits:
        """What connections may do."""
        return Limits(
            connections_max=self.connections_max,
            per_peer_max=self.connections_per_peer_max,
            trusted=networks(self.trusted_proxies),
        )
