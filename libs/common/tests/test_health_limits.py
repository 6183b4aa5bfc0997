"""Idle, slow and many clients of the health endpoints: probes are answered all the same."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from http import HTTPStatus

import pytest

from pw_common.service import health
from pw_common.service.health import CONNECTIONS_MAX, TEXT, HealthServer


async def serve(body: bytes = b"ok\n") -> tuple[HealthServer, int]:
    server = HealthServer({"/livez": lambda: (HTTPStatus.OK, TEXT, body)})
    await server.start("127.0.0.1", 0)
    return server, int(server.address.rpartition(":")[2])


async def ask(port: int, method: bytes = b"GET") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(method + b" /livez HTTP/1.1\r\n\r\n")
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def until(probe: Callable[[], bool]) -> None:
    for _ in range(500):
        if probe():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


async def test_idle_connections_in_any_number_keep_no_probe_out() -> None:
    server, port = await serve()
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
    assert b"200 OK" in await ask(port)
    assert len(server._open) <= CONNECTIONS_MAX
    for _, writer in idle:
        writer.close()
    await server.stop()


async def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REQUEST_TIMEOUT_S", 0.3)
    server, port = await serve(bytes(32 << 20))
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
        await until(lambda: bool(server._open))
        await until(lambda: not server._open)
    await server.stop()


async def test_a_head_request_is_answered_without_a_body() -> None:
    server, port = await serve()
    answer = await ask(port, b"HEAD")
    assert b"Content-Length: 3\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
    await server.stop()
