"""A TLS server that knows which certificate each connection showed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pw_common.process.log import Log
from pw_lag_adapter.config import Settings

# A kubelet takes about a minute to bring a renewed Secret; this adds little to it.
LOOK_S = 5.0


class Peers:
    """Client address to verified certificate, for the connections that are open."""

    def __init__(self) -> None:
        self._certificates: dict[tuple[str, int], dict[str, Any] | None] = {}

    def of(self, address: tuple[str, int]) -> dict[str, Any] | None:
        """What this client showed, None where it showed nothing."""
        return self._certificates.get(address)

    def protocol(self) -> type[H11Protocol]:
        """Uvicorn's protocol, which notes certificates here."""
        certificates = self._certificates

        class Noting(H11Protocol):
            """Notes the certificate when a connection is made, forgets it with the connection."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                socket = transport.get_extra_info("ssl_object")
                self.address = tuple(transport.get_extra_info("peername")[:2])
                certificates[self.address] = socket.getpeercert() if socket else None

            def connection_lost(self, exc: Exception | None) -> None:
                certificates.pop(self.address, None)
                super().connection_lost(exc)

        return Noting


class Unsignalled(uvicorn.Server):
    """Leaves signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


def server(app: Any, peers: Peers, settings: Settings, host: str, port: int) -> uvicorn.Server:
    """The server, not started. A certificate of another CA fails in the handshake."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=peers.protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        ssl_certfile=str(settings.certificate_file),
        ssl_keyfile=str(settings.key_file),
        ssl_ca_certs=str(settings.client_ca_file),
        # Without a certificate the handshake goes on, so that the answer can say why: 403.
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
    )
    return Unsignalled(config)


async def follow(server: uvicorn.Server, settings: Settings, log: Log) -> None:
    """Take a renewed certificate for the connections from then on; runs until cancelled.

    A file that cannot be read, or a key that does not fit yet, leaves the old one in use.
    """
    files = (settings.certificate_file, settings.key_file, settings.client_ca_file)
    used = _stamps(files)
    while True:
        await asyncio.sleep(LOOK_S)
        there = _stamps(files)
        context = server.config.ssl
        if there == used or context is None:
            continue
        try:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
            context.load_verify_locations(settings.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            log.warning("certificate_refused", reason=str(error))
        else:
            log.info("certificate_renewed")
            used = there


def _stamps(files: tuple[Path, ...]) -> list[int]:
    return [path.stat().st_mtime_ns if path.is_file() else 0 for path in files]
