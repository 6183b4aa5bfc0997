from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from pw_common.service.health import REQUEST_BYTES_MAX, TEXT, HealthServer, PortTaken


@pytest.fixture
async def server() -> AsyncIterator[HealthServer]:
    one = HealthServer({"/livez": lambda: (HTTPStatus.OK, TEXT, b"ok\n")})
    await one.start("127.0.0.1", 0)
    yield one
    await one.stop()


async def ask(server: HealthServer, request: bytes) -> bytes:
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_known_path_is_answered_and_an_unknown_one_lists_what_there_is(
    server: HealthServer,
) -> None:
    assert b"200 OK" in await ask(server, b"GET /livez?x=1 HTTP/1.1\r\n\r\n")
    missing = await ask(server, b"GET /nowhere HTTP/1.1\r\n\r\n")
    assert b"404 Not Found" in missing
    assert b"/livez" in missing


async def test_other_methods_and_noise_are_refused(server: HealthServer) -> None:
    assert b"405" in await ask(server, b"POST /livez HTTP/1.1\r\n\r\n")
    assert b"405" in await ask(server, b"\x00\xff\r\n\r\n")
    assert b"200 OK" not in await ask(server, b"GET /" + b"a" * 4 * REQUEST_BYTES_MAX)


async def test_a_taken_port_is_named(server: HealthServer) -> None:
    host, _, port = server.address.rpartition(":")
    with pytest.raises(PortTaken, match=f"cannot listen on {host}:{port}"):
        await HealthServer({}).start(host, int(port))
