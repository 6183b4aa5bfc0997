"""Every setting of ingest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from pw_common.process.proxies import is_loopback
from pw_common.service import settings as st
from pw_common.service.run import CommonSettings
from pw_common.service.settings import setting
from pw_common.text.redact import keep_secret
from pw_common.wire.coverage import PROGRAMS
from pw_common.wire.heartbeat import SourceKind
from pw_geyser.geyser_pb2 import SubscribeRequest
from pw_ingest import checks
from pw_ingest.core.endpoints.plausible import SLOT_MS_MIN
from pw_ingest.core.subscription.ladder import Rung
from pw_ingest.core.subscription.programs import (
    MODES,
    Program,
    ladder,
    read_programs,
)
from pw_rpc.header import read_header

# Debian's whole list of CAs has 0.2 MB.
CA_BYTES_MAX = 4 * 1024 * 1024
IN_CLEAR = (
    "its token would cross the network in clear: use https://, or allow it with "
    "--x-token-in-clear (PW_INGEST_IN_CLEAR=true)"
)


@dataclass(frozen=True)
class Endpoint:
    """Where a source is, and the x-token that it asks for; empty for none."""

    url: str
    token: str = field(repr=False)
    # PEM of the CAs that its certificate is checked with; None: those that gRPC brings.
    roots: bytes | None = field(default=None, repr=False)
    # A JSON-RPC node, which is asked for blocks; its secret is in a header, or in the URL.
    is_rpc: bool = False
    header: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def redacted(self) -> str:
        """The endpoint without anything secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{endpoint_port(self.url)}"


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What ingest reads beside the common settings."""

    endpoint: str = setting(
        "PW_INGEST_ENDPOINT",
        "Yellowstone endpoint: http://host:port, or https:// for TLS; several, comma separated. "
        "This or PW_INGEST_RPC_URL",
        default="",
        check=checks.unless_empty(st.url("http", "https")),
    )
    rpc_url: str = setting(
        "PW_INGEST_RPC_URL",
        "A JSON-RPC node to ask for blocks instead: http:// or https://, with its key",
        default="",
        check=checks.unless_empty(checks.one_node),
    )
    rpc_header_file: Path | None = setting(
        "PW_INGEST_RPC_HEADER_FILE",
        "File with the header that the node asks for, as one line: `x-api-key: SECRET`",
        default=None,
        check=checks.header_file,
    )
    rpc_rate: float = setting(
        "PW_INGEST_RPC_RATE",
        "Requests a second that the node's plan allows; below 3.4 blocks are left out",
        default=8.0,
        check=st.between(0.1, 1_000),
    )
    rpc_daily: int = setting(
        "PW_INGEST_RPC_DAILY",
        "Requests a day that the plan allows, spread over the day; 0: no budget",
        default=0,
        check=st.between(0, 10**9),
    )
    rpc_follow: str = setting(
        "PW_INGEST_RPC_FOLLOW",
        "Instead of whole blocks, what names these: addresses, comma separated, a file with one a "
        f"line, or `{checks.WATCHED}` for the watch list",
        default="",
        check=checks.unless_empty(checks.follow),
    )
    rpc_in_flight: int = setting(
        "PW_INGEST_RPC_IN_FLIGHT",
        "Blocks that are asked for at a time",
        default=4,
        check=st.between(1, 16),
    )
    endpoints_use: str = setting(
        "PW_INGEST_ENDPOINTS_USE",
        "With several endpoints: standby (one at a time) or race (all, the first copy wins)",
        default="standby",
        check=st.one_of("standby", "race"),
    )
    source_kind: str = setting(
        "PW_INGEST_SOURCE_KIND",
        "live: slots and times are bounded by our clock; recorded: captures, of any time and pace",
        default="live",
        check=st.one_of("live", "recorded"),
    )
    recorded_endpoints: str = setting(
        "PW_INGEST_RECORDED_ENDPOINTS",
        "Endpoints that play recordings: a source of these alone is recorded, whatever its kind",
        default="",
    )
    slot_ms_min: int = setting(
        "PW_INGEST_SLOT_MS_MIN",
        "The shortest slot time of the chain, in ms; lower it for a fast test network",
        default=SLOT_MS_MIN,
        check=st.between(1, 60_000),
    )
    source: str = setting(
        "PW_SOURCE", "Name of this source in subjects", default="main", check=checks.one_token
    )
    token_file: str = setting(
        "PW_INGEST_TOKEN_FILE",
        "File with the endpoint's x-token; several, comma separated, in the endpoints' order",
        default="",
        check=checks.token_files,
    )
    token_in_clear: bool = setting(
        "PW_INGEST_IN_CLEAR",
        "Send a token over http:// to another host, where everyone on the way reads it",
        default=False,
    )
    ca_file: Path | None = setting(
        "PW_INGEST_CA_FILE",
        "PEM with the CAs that https:// endpoints are checked with; unset: SSL_CERT_FILE, else "
        "those of gRPC",
        default=None,
        check=st.ca_file,
    )
    programs: str = setting(
        "PW_INGEST_PROGRAMS",
        "successful, token-programs, programs (the packaged list), a programs.yaml, all-non-vote "
        "or all; unset: successful for a new source, programs for one of an older version",
        default="",
        check=checks.programs,
    )
    with_failed: bool = setting(
        "PW_INGEST_WITH_FAILED",
        "Ask for failed transactions too, beside successful, token-programs or a list",
        default=False,
    )
    filter_retry_s: float = setting(
        "PW_INGEST_FILTER_RETRY_S",
        "How long until an endpoint is asked again for a subscription that it refused",
        default=900.0,
        check=st.between(1, 86_400),
    )
    filter_accounts_max: int = setting(
        "PW_INGEST_FILTER_ACCOUNTS_MAX",
        "Accounts that the endpoint takes in one filter; 0: no limit",
        default=0,
        check=st.between(0, 10_000),
    )
    stale_s: float = setting(
        "PW_INGEST_STALE_S",
        "A stream is dropped after this long without any message, pings included",
        default=30.0,
        check=st.between(1, 600),
    )
    commitment: str = setting(
        "PW_INGEST_COMMITMENT",
        "How settled a transaction must be",
        default="confirmed",
        check=st.one_of("processed", "confirmed", "finalized"),
    )
    archive_dir: Path | None = setting(
        "PW_INGEST_ARCHIVE_DIR",
        "Keep raw updates here as captures; unset: no archive",
        default=None,
    )
    archive_minutes: float = setting(
        "PW_INGEST_ARCHIVE_MINUTES",
        "Length of one archive file in minutes",
        default=10.0,
        check=st.between(0.01, 24 * 60),
    )
    archive_bytes_max: int = setting(
        "PW_INGEST_ARCHIVE_BYTES_MAX",
        "Size of the whole archive in bytes: the oldest files leave first",
        default=10 * 1024**3,
        check=st.between(1024**2, 2**50),
    )
    archive_hours_max: float = setting(
        "PW_INGEST_ARCHIVE_HOURS_MAX",
        "Age at which archive files leave, in hours",
        default=24.0,
        check=st.between(0.1, 24 * 365),
    )

    @property
    def kind(self) -> SourceKind:
        """What the source is, by these settings alone: nothing that it sends changes it."""
        if self.rpc_url:
            return "recorded" if self.source_kind == "recorded" else "live"
        recorded = {one.strip() for one in self.recorded_endpoints.split(",")}
        urls = {one.strip() for one in self.endpoint.split(",")}
        return "recorded" if self.source_kind == "recorded" or urls <= recorded else "live"

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint with its token; one token serves all."""
        if self.rpc_url:
            file = self.rpc_header_file
            header = None if file is None else read_header(file)
            keep_secret(self.rpc_url, *([] if header is None else [header[1]]))
            return (Endpoint(self.rpc_url, "", is_rpc=True, header=header),)
        urls = [one.strip() for one in self.endpoint.split(",")]
        files = [Path(one.strip()) for one in self.token_file.split(",") if one.strip()]
        tokens = [one.read_text(encoding="utf-8").strip() for one in files]
        keep_secret(*urls, *tokens)
        if len(tokens) == 1:
            tokens = tokens * len(urls)
        tokens += [""] * (len(urls) - len(tokens))
        roots = trusted_roots(self.ca_file, os.environ) if _is_secure(urls) else None
        return tuple(Endpoint(url, token, roots) for url, token in zip(urls, tokens, strict=False))

    def together(self) -> list[st.Problem]:
        """What only endpoints and tokens together show."""
        problems = self._rpc_problems()
        if problems:
            return problems
        try:
            endpoints = self.endpoints()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            return [st.Problem("PW_INGEST_TOKEN_FILE", f"or SSL_CERT_FILE cannot be read: {why}")]
        for one in endpoints:
            host = urlsplit(one.url).hostname or ""
            in_clear = one.url.startswith("http:") and not is_loopback(host)
            if one.token and in_clear and not self.token_in_clear:
                shown = repr(st.shown_raw("PW_INGEST_ENDPOINT", one.url))
                problems.append(st.Problem("PW_INGEST_ENDPOINT", IN_CLEAR, shown))
        return problems

    def _rpc_problems(self) -> list[st.Problem]:
        """What of a node does not go together."""
        if not self.rpc_url:
            if self.rpc_follow:
                return [st.Problem("PW_INGEST_RPC_FOLLOW", "belongs to PW_INGEST_RPC_URL")]
            if not self.endpoint:
                why = "is missing: a Yellowstone endpoint, or PW_INGEST_RPC_URL for a node"
                return [st.Problem("PW_INGEST_ENDPOINT", why)]
            return []
        problems = []
        # Where a deployment names the demo's player by default, the node is what was chosen.
        recorded = {one.strip() for one in self.recorded_endpoints.split(",")}
        if not {one.strip() for one in self.endpoint.split(",")} <= {"", *recorded}:
            why = "and PW_INGEST_ENDPOINT are two sources: choose one"
            problems.append(st.Problem("PW_INGEST_RPC_URL", why))
        if self.commitment == "processed":
            why = "processed: a node gives blocks once they are confirmed or finalized"
            problems.append(st.Problem("PW_INGEST_COMMITMENT", why))
        parts = urlsplit(self.rpc_url)
        # Nodes take their key in any of these places; a path may be one as well.
        has_secret = bool(
            self.rpc_header_file or parts.query or parts.username or parts.path.strip("/")
        )
        in_clear = parts.scheme == "http" and not is_loopback(parts.hostname or "")
        if has_secret and in_clear and not self.token_in_clear:
            shown = repr(st.shown_raw("PW_INGEST_RPC_URL", self.rpc_url))
            problems.append(st.Problem("PW_INGEST_RPC_URL", IN_CLEAR, shown))
        return problems

    def request(self) -> SubscribeRequest:
        """The subscription that these settings ask for."""
        return self.rungs()[0].request

    def rungs(self, unset: str = PROGRAMS) -> list[Rung]:
        """That subscription, then the narrower ones for an endpoint that refuses it.

        Args:
            unset: The mode where the settings name none.
        """
        mode = self.programs or unset
        return ladder(
            mode=mode if mode in MODES else PROGRAMS,
            programs=self._program_list(),
            commitment=self.commitment,
            accounts_max=self.filter_accounts_max,
            with_failed=self.with_failed,
        )

    def _program_list(self) -> tuple[Program, ...]:
        if self.programs not in {"", *MODES}:
            return read_programs(Path(self.programs).read_text(encoding="utf-8"))
        packaged = files("pw_ingest").joinpath("programs.yaml")
        return read_programs(packaged.read_text(encoding="utf-8"))


def trusted_roots(ca_file: Path | None, environ: Mapping[str, str]) -> bytes | None:
    """The CAs of a setting, else of SSL_CERT_FILE, which gRPC itself does not read.

    Raises:
        OSError: there is no such file.
    """
    path = ca_file or environ.get("SSL_CERT_FILE", "")
    if not path:
        return None
    with Path(path).open("rb") as file:
        return file.read(CA_BYTES_MAX)


def _is_secure(urls: list[str]) -> bool:
    return any(one.startswith("https:") for one in urls)


def endpoint_port(endpoint: str) -> int:
    """The port of an endpoint, with the scheme's default."""
    parts = urlsplit(endpoint)
    return parts.port or (443 if parts.scheme == "https" else 80)
