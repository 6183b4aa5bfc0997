"""A broker that asks for users, each with the rights of the shipped file."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pw_common.dev.local_broker import LocalBroker
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.process.log import Log
from pw_provision.apply import apply
from support.broker import running_broker, small_topology
from support.poll import poll_until

RIGHTS = Path(__file__).parents[2] / "deploy/nats-rights.conf"
# For the test itself, which does what provision and API do.
OPERATOR = '\n    { user: operator, password: "for-the-test-only" }\n  ]\n}\n'
WORD = "a-word-for-the-test"


def restrict(broker: LocalBroker) -> None:
    """Have a running broker ask for users, each with the rights of the shipped file."""
    rights, users = re.subn(r"\$PW_[A-Z]+_PASSWORD", f'"{WORD}"', RIGHTS.read_text())
    assert users
    head, _, _ = rights.rpartition("]\n}")
    config = broker.folder / "nats.conf"
    config.write_text(config.read_text() + head.rstrip() + OPERATOR)
    broker.process.send_signal(signal.SIGHUP)


@asynccontextmanager
async def restricted(folder: Path) -> AsyncIterator[tuple[LocalBroker, Bus]]:
    """A restricted broker with its streams, and the bus of a user who may do everything."""
    async with running_broker(folder / "broker") as broker:
        restrict(broker)

        async def asks() -> bool:
            return "Reloaded: authorization users" in log_of(broker)

        await poll_until(asks, "a broker that asks for users")
        bus = await as_user(broker, "operator", "for-the-test-only")
        try:
            await apply(bus, small_topology())
            yield broker, bus
        finally:
            await bus.close()


async def as_user(broker: LocalBroker, user: str, password: str = WORD) -> Bus:
    """The bus of one of its users."""
    return await connect(broker.url, user, Log(user), user=user, password=password)


def log_of(broker: LocalBroker) -> str:
    """What the broker has said; it names each violation."""
    return (broker.folder / "nats.log").read_text(errors="replace")


def login(folder: Path, user: str) -> dict[str, str]:
    """The settings with which a service is this user."""
    word = folder / "password"
    word.write_text(WORD)
    word.chmod(0o600)
    return {"PW_NATS_USER": user, "PW_NATS_PASSWORD_FILE": str(word)}
