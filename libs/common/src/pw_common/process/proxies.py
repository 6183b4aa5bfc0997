"""Which proxy an address is reached by, as the environment says. Pure: it is given the variables.

Loopback is never proxied, whatever the environment says: nothing but this machine answers there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

# What gRPC itself reads, in its order; a plan's endpoint is reached by CONNECT either way.
GRPC: Final = ("grpc_proxy", "https_proxy", "http_proxy")
BY_SCHEME: Final = {
    "http": ("http_proxy", "all_proxy"),
    "https": ("https_proxy", "all_proxy"),
}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: localhost, 127.0.0.0/8, ::1, or any of them mapped."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def proxy_of(url: str, environ: Mapping[str, str], names: Iterable[str] = ()) -> str:
    """The proxy for a URL; empty for none.

    Args:
        names: Variables in the order in which they count, in lower case; by default those of
            the URL's scheme. Each counts in capitals too, as curl and Python take it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host or is_loopback(host):
        return ""
    proxy = next(
        (
            found
            for name in names or BY_SCHEME.get(parts.scheme, ())
            if (found := _of(name, environ))
        ),
        "",
    )
    if not proxy or _is_excepted(host, port, environ):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    # SOCKS is not spoken here.
    return proxy if proxy.startswith(("http://", "https://")) else ""


def _of(name: str, environ: Mapping[str, str]) -> str:
    # Under CGI, HTTP_PROXY comes from the client's `Proxy` header.
    upper = "" if name == "http_proxy" and "REQUEST_METHOD" in environ else name.upper()
    return (environ.get(name) or environ.get(upper, "")).strip()


def _is_excepted(host: str, port: int | None, environ: Mapping[str, str]) -> bool:
    """Whether `no_proxy` names the host: a name and all below it, an address, a network, or `*`."""
    host = host.lower().rstrip(".")
    for raw in _of("no_proxy", environ).split(","):
        one = raw.strip().lower()
        if one == "*":
            return True
        if not one:
            continue
        name, _, only_port = one.rpartition(":") if one.count(":") == 1 else (one, "", "")
        if only_port and only_port != str(port or ""):
            continue
        name = name.removeprefix("*").strip("[]").strip(".")
        if name and (host == name or host.endswith(f".{name}") or _is_within(host, name)):
            return True
    return False


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except (ValueError, TypeError):
        return False
