"""The first connection to a broker, and how it goes on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError

from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.text.redact import keep_secret, redacted, redacted_url

# Once connected it goes on trying for ever.
CLIENT_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 2,
    "reconnect_time_wait": 0.25,
    "max_reconnect_attempts": -1,
    "ping_interval": 5,
    "max_outstanding_pings": 2,
    "pending_size": 8 * 1024 * 1024,
}


async def connect(
    url: str,
    service: str,
    log: Log,
    *,
    user: str | None = None,
    password: str | None = None,
    ca_file: Path | None = None,
    closed: asyncio.Event | None = None,
    wait_s: float = 10.0,
    on_trouble: Callable[[str], None] = lambda _what: None,
    bus: Bus | None = None,
) -> Bus:
    """Connect, and keep reconnecting for ever once connected.

    Args:
        url: One or several `nats://host:port`, comma separated.
        ca_file: What a TLS broker's certificate is checked with; unset: the system's CAs, or
            those of SSL_CERT_FILE.
        closed: Set when the connection is closed for good.
        wait_s: How long to wait for the first connection.
        on_trouble: Called with whatever may have cost a core subscriber a message: the
            client's own drops (SlowConsumerError) and disconnections.
        bus: A bus made before, without a connection: it gets this connection.

    Raises:
        BrokerAway: nothing answered within `wait_s`.
    """
    shown = redacted_url(url)
    keep_secret(*_secrets_of(url), password or "")
    if not all(map(_is_address, url.split(","))):
        # The client's own error may quote it, and with it half a password.
        raise BrokerAway(f"{shown} cannot be read as nats://host:port, or several with commas")
    trusted = _trusted(ca_file)
    client = Client()
    made = bus if bus is not None else Bus(client, log)
    watch = _Watch(made, shown, on_trouble, closed)
    options = {
        **CLIENT_OPTIONS,
        "servers": [one.strip() for one in url.split(",")],
        "name": f"pw-{service}",
        "user": user,
        "password": password,
        "inbox_prefix": f"_INBOX_{service}".encode(),
        "tls": trusted,
    }
    try:
        await _first(client, options, watch, wait_s)
    except (NatsError, OSError, TimeoutError) as error:
        raise BrokerAway(
            f"no broker at {shown} within {wait_s:g} s ({watch.last or type(error).__name__}): "
            "is nats-server running there, and is PW_NATS_URL right?"
        ) from error
    made.open(client)
    return made


async def _first(client: Client, options: dict[str, Any], watch: _Watch, wait_s: float) -> None:
    """Connect for the first time; close what is left of a failed attempt."""
    connecting = asyncio.create_task(
        client.connect(
            error_cb=watch.on_error,
            disconnected_cb=watch.on_disconnect,
            reconnected_cb=watch.on_reconnect,
            closed_cb=watch.on_close,
            **options,
        ),
        name="connect",
    )
    try:
        await asyncio.wait({connecting}, timeout=wait_s)
        if not connecting.done():
            raise TimeoutError
        connecting.result()
        watch.opened = True
    finally:
        await end_tasks(connecting)
        if not watch.opened:
            await client.close()


class _Watch:
    """What the client says of its connection; until that is open, its last error is kept."""

    def __init__(
        self,
        bus: Bus,
        redacted_url: str,
        on_trouble: Callable[[str], None],
        closed: asyncio.Event | None,
    ) -> None:
        self._bus = bus
        self._redacted_url = redacted_url
        self._on_trouble = on_trouble
        self._closed = closed
        self.opened = False
        self.last = ""

    async def on_error(self, error: Exception) -> None:
        # A refused certificate says more than the broken connection that follows from it.
        if self.opened or "certificate" not in self.last.lower():
            self.last = redacted(f"{type(error).__name__}: {error}")
        if self.opened:
            self._bus.log.warning("broker_error", reason=self.last)
            self._on_trouble(type(error).__name__)

    async def on_disconnect(self) -> None:
        if self._bus.closing or not self.opened:
            return
        self._on_trouble("disconnected")
        self._bus.log.warning("broker_disconnected", url=self._redacted_url)

    async def on_reconnect(self) -> None:
        self._bus.log.info("broker_reconnected", url=self._redacted_url)

    async def on_close(self) -> None:
        if self._closed is not None and self.opened:
            self._closed.set()


def _trusted(ca_file: Path | None) -> ssl.SSLContext | None:
    try:
        return None if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
    except (ssl.SSLError, OSError) as error:
        raise BrokerAway(f"{ca_file} holds no certificates that TLS can use") from error


def _is_address(one: str) -> bool:
    try:
        parts = urlsplit(one.strip() if "://" in one else f"nats://{one.strip()}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _secrets_of(url: str) -> list[str]:
    """The user part of each address: a user and a password, or a token."""
    return [one.strip() for one in url.split(",") if "@" in one]
