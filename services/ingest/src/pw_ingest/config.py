"""Every setting of ingest."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from pw_common import settings as st
from pw_common.run import CommonSettings
from pw_common.settings import setting
from pw_common.subjects import TOKEN
from pw_geyser.geyser_pb2 import SubscribeRequest
from pw_ingest.core.programs import (
    ALL,
    ALL_NON_VOTE,
    BadPrograms,
    Program,
    read_programs,
    subscription,
)


def _one_token(value: str) -> str | None:
    return None if TOKEN.match(value) else f"allowed: {TOKEN.pattern}"


def _programs(value: str) -> str | None:
    if value in {"", ALL, ALL_NON_VOTE}:
        return None
    try:
        read_programs(Path(value).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return f"allowed: {ALL_NON_VOTE}, {ALL}, or a YAML file ({error})"
    except BadPrograms as error:
        return str(error)
    return None


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What ingest reads beside the common settings."""

    endpoint: str = setting(
        "PW_INGEST_ENDPOINT",
        "Yellowstone gRPC endpoint: http://host:port, or https:// for TLS",
        check=st.url("http", "https"),
    )
    source: str = setting(
        "PW_SOURCE", "Name of this source in subjects", default="main", check=_one_token
    )
    token_file: Path | None = setting(
        "PW_INGEST_TOKEN_FILE",
        "File with the endpoint's x-token",
        default=None,
        check=st.readable_file,
    )
    programs: str = setting(
        "PW_INGEST_PROGRAMS",
        "all-non-vote, all (votes and failures too), or a programs.yaml; default: the packaged one",
        default="",
        check=_programs,
    )
    filter_accounts_max: int = setting(
        "PW_INGEST_FILTER_ACCOUNTS_MAX",
        "Accounts that the endpoint takes in one filter; 0: no limit",
        default=0,
        check=st.between(0, 10_000),
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
    def endpoint_shown(self) -> str:
        """The endpoint without anything secret."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.hostname}:{endpoint_port(self.endpoint)}"

    def request(self) -> SubscribeRequest:
        """The subscription that these settings ask for."""
        return subscription(
            mode=self.programs,
            programs=self._program_list(),
            commitment=self.commitment,
            accounts_max=self.filter_accounts_max,
        )

    def _program_list(self) -> tuple[Program, ...]:
        if self.programs in {ALL, ALL_NON_VOTE}:
            return ()
        if self.programs:
            return read_programs(Path(self.programs).read_text(encoding="utf-8"))
        packaged = files("pw_ingest").joinpath("programs.yaml")
        return read_programs(packaged.read_text(encoding="utf-8"))


def endpoint_port(endpoint: str) -> int:
    """The port of an endpoint, with the scheme's default."""
    parts = urlsplit(endpoint)
    return parts.port or (443 if parts.scheme == "https" else 80)
