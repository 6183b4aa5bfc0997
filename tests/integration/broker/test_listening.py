"""Who listens is heard of by the broker before it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.connection import connect
from pw_common.jetstream.requests import answer_questions, listen
from pw_common.process.log import Log

INFO = (
    b'INFO {"server_id":"x","version":"2.12.0","proto":1,"headers":true,"max_payload":1048576}\r\n'
)


async def answering(bus: Bus, subject: str) -> Any:
    async def nothing(_: object) -> None: ...

    return await answer_questions(bus, subject, "test", nothing)


@pytest.mark.parametrize("subscribed", [listen, answering])
async def test_the_broker_has_the_subscription_before_the_last_thing_that_is_waited_for(
    subscribed: Callable[[Bus, str], Awaitable[Any]],
) -> None:
    said: list[bytes] = []

    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The protocol's first lines: it notes in which order verbs come, and answers pings."""
        writer.write(INFO)
        while line := await reader.readline():
            said.append(line.split()[0])
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(broker, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        bus = await connect(f"nats://127.0.0.1:{port}", "test", Log("test"))
        try:
            await subscribed(bus, "anything")
            assert b"SUB" in said
            assert said.index(b"SUB") < len(said) - 1 - said[::-1].index(b"PING")
        finally:
            await bus.close()
