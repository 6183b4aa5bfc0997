"""An HTTP client that reads only so much, a slice at a time, whatever the other side sends.

httpcore bounds one header block, but not how many `100 Continue` come before it: at full speed
they would take a core, and every other channel's turn, until the deadline.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable
from http.cookiejar import CookieJar
from typing import Any, Final

import httpcore
import httpx

from pw_common.process.proxies import proxy_of

# Beside the body: a header block as long as httpcore takes one, and what frames the chunks.
HEAD_BYTES_MAX: Final = 128 * 1024
PORT_MAX: Final = 65_535
SLICE_BYTES: Final = 8 * 1024


class _Stream(httpcore.AsyncNetworkStream):
    """Counts what is read since the last write, that is for one answer."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, bytes_max: int) -> None:
        self._stream = stream
        self._bytes_max = bytes_max
        self._left = bytes_max

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._left <= 0:
            raise httpcore.ReadError("more than an answer may have")
        found = await self._stream.read(min(max_bytes, self._left, SLICE_BYTES), timeout)
        self._left -= len(found)
        # What is there already would be read on and on, without a turn for anybody else.
        await asyncio.sleep(0)
        return found

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._left = self._bytes_max
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            secure = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            # The deadline of the exchange; httpcore closes only after an error of its own.
            await self._stream.aclose()
            raise
        return _Stream(secure, self._bytes_max)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.AnyIOBackend):
    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if not 0 < port <= PORT_MAX:
            raise httpcore.ConnectError("no such port")
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._bytes_max)


class _Transport(httpx.AsyncHTTPTransport):
    def __init__(self, body_bytes_max: int, trusted: ssl.SSLContext, proxy: str = "") -> None:
        super().__init__(trust_env=False)
        backend = _Backend(body_bytes_max + HEAD_BYTES_MAX)
        self._pool = _pool(trusted, backend, httpx.Proxy(proxy) if proxy else None)


def _pool(
    trusted: ssl.SSLContext, backend: _Backend, proxy: httpx.Proxy | None
) -> httpcore.AsyncConnectionPool:
    if proxy is None:
        return httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=backend,
        )
    return httpcore.AsyncHTTPProxy(
        proxy_url=httpcore.URL(
            scheme=proxy.url.raw_scheme,
            host=proxy.url.raw_host,
            port=proxy.url.port,
            target=proxy.url.raw_path,
        ),
        proxy_auth=proxy.raw_auth,
        ssl_context=trusted,
        max_connections=100,
        max_keepalive_connections=20,
        keepalive_expiry=5.0,
        network_backend=backend,
    )


class _Routed(httpx.AsyncBaseTransport):
    """Each address by the proxy that the environment names for it, loopback always directly."""

    def __init__(self, body_bytes_max: int) -> None:
        self._body_bytes_max = body_bytes_max
        self._trusted = trusted_certificates()
        self._by_proxy = {"": _Transport(body_bytes_max, self._trusted)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = proxy_of(str(request.url), os.environ)
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = _Transport(self._body_bytes_max, self._trusted, proxy)
        return await self._by_proxy[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        for one in self._by_proxy.values():
            await one.aclose()


def trusted_certificates() -> ssl.SSLContext:
    """What certificates are checked with: the CAs of SSL_CERT_FILE, else those of certifi."""
    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError):
        # As OpenSSL itself takes a file that is not there.
        return httpx.create_ssl_context(trust_env=False)


class _NoCookies(CookieJar):
    """Keeps nothing: a receiver could otherwise fill our memory a cookie at a time."""

    def extract_cookies(self, *_: Any) -> None:
        return

    def add_cookie_header(self, *_: Any) -> None:
        return


def bounded_client(body_bytes_max: int = 64 * 1024) -> httpx.AsyncClient:
    """The only way in which a client for `exchange` is made: nothing encoded, no redirects."""
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
        cookies=_NoCookies(),
        timeout=None,  # noqa: S113 - `exchange` has one deadline for everything
        transport=_Routed(body_bytes_max),
    )
