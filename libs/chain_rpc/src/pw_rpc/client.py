"""The HTTP client for nodes: no redirects, no environment but its proxies, checked certificates."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx

from pw_common.process.proxies import proxy_of
from pw_common.service import settings as st

_place_problem = st.url("http", "https")
# Without an example such as host:port behind the scheme, which logs would blank out as a URL.
URL_ALLOWED = "allowed: http:// or https://, a host that can exist, and a port of 1 to 65535 if any"


def url_problem(url: str) -> str | None:
    """What is wrong with a node's URL, without quoting it: it may hold a key. Pure."""
    if "," in url:
        return "one node only"
    if any(one.isspace() for one in url):
        return "allowed: a URL without spaces or line ends"
    if not url.isprintable():
        return "allowed: one line without control characters"
    if _place_problem(url):
        return URL_ALLOWED
    try:
        # The client's own reading is stricter, and what a resolver is asked for is IDNA.
        parsed = httpx.URL(url)
        parsed.raw_host.decode("ascii").encode("idna")
        # Read back as well, since a name that only looks like IDNA does not survive that.
        _ = parsed.host
    except (httpx.InvalidURL, ValueError):
        return URL_ALLOWED
    return None


def certificates(ca_file: Path | None = None) -> ssl.SSLContext:
    """What certificates are checked with: a file, else SSL_CERT_FILE, else those of certifi.

    Raises:
        OSError: the file cannot be read, or holds none.
    """
    if ca_file is not None:
        return ssl.create_default_context(cafile=str(ca_file))
    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError):
        # OpenSSL itself treats a missing file like this.
        return httpx.create_ssl_context(trust_env=False)


def node_client(
    url: str,
    environ: Mapping[str, str],
    *,
    header: tuple[str, str] | None = None,
    ca_file: Path | None = None,
) -> httpx.AsyncClient:
    """A client for one node. `header` is the secret that it asks for."""
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        verify=certificates(ca_file),
        proxy=proxy_of(url, environ) or None,
        headers=dict([header]) if header else None,
    )
