"""uvicorn inside the service's own event loop: its signals, its log and its end are ours."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from pw_api.http.connections import RESERVE, Connections, Limits
from pw_api.http.guard import GuardedProtocol
from pw_common.service.health import PortTaken

GRACE_S = 3
HEADER_BYTES_MAX = 16 * 1024
BACKLOG = 256
KEEP_ALIVE_S = 5
# Files that the service needs beside connections: the broker, the log, the listener itself.
OTHER_FILES = 64


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service."""
        yield


async def _nothing() -> None:
    return


class ApiServer:
    """Serves an application; the counterpart of `pw_common.service.health.HealthServer`."""

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits | None = None,
        on_stopped: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._on_stopped = on_stopped
        self._connections = Connections(_within_files(limits or Limits()))
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                http=partial(GuardedProtocol, connections=self._connections),  # type: ignore[arg-type]
                # What clients send wrong is counted, not logged: they could fill the disk.
                log_level="error",
                access_log=False,
                # Our own setting says whom to believe about addresses.
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=KEEP_ALIVE_S,
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
            listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
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
        """Answer what is under way, at most GRACE_S long, and close; then `on_stopped`."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
        await self._on_stopped()


def _within_files(limits: Limits) -> Limits:
    """No more connections than files may be open, so that accepting never lacks a file."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits
    room = max(1, files - OTHER_FILES - RESERVE)
    return replace(limits, connections_max=min(limits.connections_max, room))
