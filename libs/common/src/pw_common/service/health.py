"""`/livez`, `/readyz` and `/metrics` for services that have no other HTTP.

Liveness says that the event loop turns, and nothing about the broker: a broker
outage must not restart every service. Readiness says why when it says no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

REQUEST_BYTES_MAX = 8 * 1024
# For the whole exchange: the head of the request, and reading the answer.
REQUEST_TIMEOUT_S = 5.0
# Over this the oldest connection is closed: a probe is never kept out by idle ones.
CONNECTIONS_MAX = 64
BACKLOG = 256

Reply = tuple[HTTPStatus, str, bytes]
Route = Callable[[], Reply]

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class PortTaken(OSError):
    """The address cannot be listened on; the message says which and what to do."""


class HealthServer:
    """A GET-only HTTP/1.1 server for a handful of fixed paths; one request a connection."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes
        self._server: asyncio.Server | None = None
        # In the order in which they were opened.
        self._open: dict[asyncio.StreamWriter, None] = {}
        self.address = ""

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one, and `address` says which.

        Raises:
            PortTaken: naming the address.
        """
        try:
            self._server = await asyncio.start_server(
                self._answer, host, port, limit=REQUEST_BYTES_MAX, backlog=BACKLOG
            )
        except OSError as error:
            raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from error
        bound = self._server.sockets[0].getsockname()
        self.address = f"{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            first = next(iter(self._open))
            del self._open[first]
            first.transport.abort()
        self._open[writer] = None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await self._exchange(reader, writer)
        except (
            TimeoutError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
        ):
            # A client that sends nothing or too much, does not read or leaves harms only itself.
            writer.transport.abort()
        finally:
            self._open.pop(writer, None)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, kind, body = self._route(head := await reader.readuntil(b"\r\n\r\n"))
        sent = b"" if head.startswith(b"HEAD ") else body
        writer.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + sent
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _route(self, head: bytes) -> Reply:
        parts = head.split(b"\r\n", 1)[0].split(b" ")
        if len(parts) != 3 or parts[0] not in {b"GET", b"HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"GET only\n"
        path = parts[1].split(b"?", 1)[0].decode("latin-1")
        route = self._routes.get(path)
        if route is None:
            known = ", ".join(sorted(self._routes))
            return HTTPStatus.NOT_FOUND, TEXT, f"not here; try {known}\n".encode()
        return route()
