"""Every setting of the lag adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pw_common.service import settings as st
from pw_common.service.run import CommonSettings
from pw_common.service.settings import setting


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What the adapter reads beside the common settings."""

    listen: str = setting(
        "PW_LAG_ADAPTER_LISTEN",
        "TLS address for the API server",
        default="0.0.0.0:6443",
        check=st.listen_address,
    )
    certificate_file: Path = setting(
        "PW_LAG_ADAPTER_CERT_FILE", "Our certificate, PEM", check=st.readable_file
    )
    key_file: Path = setting("PW_LAG_ADAPTER_KEY_FILE", "Its key, PEM", check=st.readable_file)
    client_ca_file: Path = setting(
        "PW_LAG_ADAPTER_CLIENT_CA_FILE",
        "The front proxy's CA (requestheader-client-ca-file), PEM",
        check=st.readable_file,
    )
    client_names: str = setting(
        "PW_LAG_ADAPTER_CLIENT_NAMES",
        "Common names that may ask, comma separated (requestheader-allowed-names)",
        default="front-proxy-client,aggregator,kube-apiserver-proxy",
    )
