"""Who is asking, and how many requests each has. Pure.

A peer is an IPv4 address or an IPv6 /64, since one machine has all addresses of the latter.
Behind a trusted proxy the peer is the last address in X-Forwarded-For that is no trusted
proxy itself: what stands before it is the client's own claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]
IPV6_PREFIX: Final = 64
# Proxies in a row that are looked through.
HOPS_MAX: Final = 16


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Comma separated CIDRs. Raises ValueError, naming what is not a CIDR."""
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


def is_trusted(host: str, trusted: Networks) -> bool:
    """Whether an address is one of the trusted proxies."""
    address = _address(host)
    return address is not None and any(address in network for network in trusted)


def peer_of(host: str) -> str:
    """What connections and requests are counted by; another kind of name stands for itself."""
    address = _address(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return host if address is None else str(address)


def client_of(host: str, forwarded: Iterable[str], trusted: Networks) -> str:
    """The address that is counted for a request: the peer's own, or behind a trusted proxy
    the last untrusted hop.

    Args:
        forwarded: Every X-Forwarded-For header, in order.
    """
    if not is_trusted(host, trusted):
        return host
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    for hop in reversed(hops[-HOPS_MAX:]):
        address = _address(_without_port(hop))
        if address is None:
            # Not an address: whatever stands before it is no better known.
            return host
        if not is_trusted(str(address), trusted):
            return str(address)
        host = str(address)
    return host


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class Slots:
    """A number of permits of which one peer can only have a part."""

    def __init__(self, *, total: int, each: int) -> None:
        self.total = total
        self.each = each
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many permits are taken."""
        return self._taken.total()

    def take(self, peer: str) -> str:
        """Take a permit; returns an empty text, or why there is none."""
        if self._taken[peer] >= self.each:
            return f"{self.each} are open from {peer}"
        if self.taken >= self.total:
            return f"{self.total} are open"
        self._taken[peer] += 1
        return ""

    def give_back(self, peer: str) -> None:
        """Free a permit that was taken."""
        self._taken[peer] -= 1
        if self._taken[peer] <= 0:
            del self._taken[peer]
