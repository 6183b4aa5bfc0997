"""Which proxy an address is reached by: never one for loopback, whatever the environment says."""

from __future__ import annotations

import pytest

from pw_common.process.proxies import GRPC, is_loopback, proxy_of

ALL = {
    name: "http://proxy.example:3128"
    for base in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")
    for name in (base, base.upper())
}
LOOPBACK = ("127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "a.localhost", "[::1]",
            "[::ffff:127.0.0.1]")  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_is_never_proxied(host: str, scheme: str) -> None:
    assert is_loopback(host)
    assert proxy_of(f"{scheme}://{host}:8080/x", ALL) == ""
    assert proxy_of(f"{scheme}://{host}:8080/x", ALL, GRPC) == ""


@pytest.mark.parametrize("host", ["127.0.0.1.example.org", "notlocalhost", "10.0.0.1", "[fe80::1]"])
def test_what_only_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)
    assert proxy_of(f"http://{host}/", ALL) == "http://proxy.example:3128"


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_small_letters_and_capitals_count(name: str) -> None:
    assert proxy_of("https://h.example:443", {name: "p.example:1"}) == "http://p.example:1"


def test_small_letters_come_first_and_grpc_has_its_own_order() -> None:
    both = {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1", "GRPC_PROXY": "http://c:1"}
    assert proxy_of("https://h.example", both) == "http://a:1"
    assert proxy_of("https://h.example", both, GRPC) == "http://c:1"
    # gRPC reaches a plain endpoint too by whichever there is.
    assert proxy_of("http://h.example", {"https_proxy": "http://a:1"}, GRPC) == "http://a:1"
    assert proxy_of("http://h.example", {"https_proxy": "http://a:1"}) == ""


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "http://h.example", True),
        ("h.example", "http://h.example", True),
        (".example", "http://h.example", True),
        ("example", "http://h.example", True),
        ("*.example", "http://h.example", True),
        ("ample", "http://h.example", False),
        ("a.example, h.example", "http://H.EXAMPLE", True),
        ("h.example:80", "http://h.example:8080", False),
        ("h.example:8080", "http://h.example:8080", True),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("fd00::/8", "http://[fd12::1]:80", True),
        (",, ,", "http://h.example", False),
    ],
)
def test_no_proxy_excepts_names_networks_and_ports(no_proxy: str, url: str, direct: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        assert (proxy_of(url, {"http_proxy": "http://p:1", name: no_proxy}) == "") is direct


def test_what_cannot_be_used_is_no_proxy() -> None:
    assert proxy_of("http://h.example", {"http_proxy": "socks5://p:1"}) == ""
    assert proxy_of("http://h.example", {"http_proxy": "  "}) == ""
    assert proxy_of("http://[::1", ALL) == ""
    # Under CGI this comes from a client's header.
    assert proxy_of("http://h.example", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}) == ""
