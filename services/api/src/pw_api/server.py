"""uvicorn inside the service's own event loop: its signals, its log and its end are ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from pw_common.health import PortTaken

GRACE_S = 3
CONNECTIONS_MAX = 256
HEADER_BYTES_MAX = 16 * 1024


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield


class ApiServer:
    """Serves an application; the counterpart of `pw_common.health.HealthServer`."""

    def __init__(self, app: ASGIApp) -> None:
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=GRACE_S,
                limit_concurrency=CONNECTIONS_MAX,
                h11_max_incomplete_event_size=HEADER_BYTES_MAX,
                server_header=False,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.address = ""

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one, and `address` says which.

        Raises:
            PortTaken: naming the address.
        """
        try:
            family = (await asyncio.get_running_loop().getaddrinfo(host, port))[0][0]
            listener = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            why = error.strerror or str(error)
            raise PortTaken(f"cannot listen on {host}:{port}: {why}") from error
        listener.setblocking(False)
        bound = listener.getsockname()
        shown = f"[{bound[0]}]" if family == socket.AF_INET6 else bound[0]
        self.address = f"{shown}:{bound[1]}"
        self._serving = asyncio.create_task(
            self._server.serve(sockets=[listener]), name="http-server"
        )

    async def stop(self) -> None:
        """Answer what is under way, at most GRACE_S long, and close."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
