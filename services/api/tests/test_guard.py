"""What clients do wrong on a real socket: each loses its own connection, and nothing else."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from pw_api.core.peers import client_of, networks, peer_of
from pw_api.http.connections import RESERVE, Limits
from pw_api.http.server import ApiServer

STATUS = b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT: dict[str, Any] = {
    "head_s": 0.3,
    "body_s": 0.3,
    "answer_s": 0.6,
    "stall_s": 0.3,
    "reserve_s": 0.2,
}


@dataclass
class Served:
    """A server, why it ended connections, and what its application is held by."""

    port: int
    closed: Counter[str] = field(default_factory=Counter)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[str] = field(default_factory=list)


async def answer(send: Any, body: bytes, kind: bytes = b"text/plain") -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Served]:
    served = Served(0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        served.clients.append(scope["client"][0])
        if scope["path"] == "/wait":
            await served.go_on.wait()
        if scope["path"] == "/large":
            await answer(send, bytes(32 << 20))
            return
        if scope["path"] == "/events":
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
            await served.go_on.wait()
            await send({"type": "http.response.body", "body": b": end\n\n"})
            return
        if scope["path"] == "/flood":
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            message = await asyncio.wait_for(flooding(receive, send), 20)
            assert message["type"] == "http.disconnect"
            return
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
        await answer(send, b"ok")

    def count(why: str) -> None:
        served.closed[why] += 1

    server = ApiServer(app, Limits(**{"on_closed": count, **limits}))
    await server.start("127.0.0.1", 0)
    served.port = int(server.address.rpartition(":")[2])
    try:
        yield served
    finally:
        served.go_on.set()
        await server.stop()


async def flooding(receive: Any, send: Any) -> Any:
    gone = asyncio.create_task(receive())
    while True:
        if gone.done() and gone.result()["type"] == "http.disconnect":
            return gone.result()
        if gone.done():
            gone = asyncio.create_task(receive())
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        await asyncio.sleep(0)


async def until(probe: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if probe():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


async def connect(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", served.port)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that still comes until the connection ends."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""


async def ask(served: Served, request: bytes) -> bytes:
    reader, writer = await connect(served)
    writer.write(request)
    try:
        return await rest(reader)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"", "head_timeout"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", "head_timeout"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", "body_timeout"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "body_timeout",
        ),
        (b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n", "answer_timeout"),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "an answer that never comes"],
)
async def test_what_never_comes_to_its_end_is_ended(request_: bytes, why: str) -> None:
    async with serving(**SHORT) as served:
        assert b"200 OK" not in await ask(served, request_)
        assert served.closed == {why: 1}


async def test_a_head_that_trickles_has_no_longer_than_one_that_does_not() -> None:
    async with serving(**SHORT) as served:
        reader, writer = await connect(served)
        ended = asyncio.create_task(rest(reader))
        began_s = asyncio.get_running_loop().time()
        while not ended.done():
            writer.write(b"a")
            await asyncio.wait({ended}, timeout=0.02)
        writer.close()
        assert asyncio.get_running_loop().time() - began_s < 5
        assert served.closed == {"head_timeout": 1}


async def test_a_body_that_nobody_reads_is_not_taken_for_ever() -> None:
    async with serving(**SHORT) as served:
        reader, writer = await connect(served)
        writer.write(b"POST /wait HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        ended = asyncio.create_task(rest(reader))
        while not ended.done():
            writer.write(b"1\r\na\r\n")
            await asyncio.wait({ended}, timeout=0.02)
        writer.close()
        assert served.closed == {"body_timeout": 1}


@pytest.mark.parametrize("path", [b"/large", b"/flood"])
async def test_a_client_that_does_not_read_its_answer_is_given_up(path: bytes) -> None:
    async with serving(**SHORT) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            await until(lambda: served.closed == {"slow_reader": 1})


async def test_answers_that_nobody_reads_take_no_more_memory_than_is_allowed() -> None:
    async with serving(buffered_bytes_max=40 << 20) as served:
        clients = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(4)]
        for client in clients:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: served.closed["buffers_full"] == 3)
        for client in clients:
            client.close()


async def test_a_stream_of_events_may_stay_and_silence_between_requests_may_not() -> None:
    async with serving(**SHORT) as served:
        reader, writer = await connect(served)
        writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"hello" in await reader.readuntil(b"hello")
        await asyncio.sleep(1.0)
        served.go_on.set()
        assert b"end" in await reader.readuntil(b"end")
        # The same connection waits for its next request, for no longer than any other.
        assert served.closed == {}
        await rest(reader)
        assert served.closed == {"head_timeout": 1}
        writer.close()


async def test_many_idle_connections_leave_the_api_answering() -> None:
    async with serving() as served:
        idle = [await connect(served) for _ in range(300)]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
            for path in ("/api/v1/status", "/livez"):
                found = await client.get(path, timeout=1.0)
                assert found.status_code == 200, found.text
        for _, writer in idle:
            writer.close()
        assert served.closed["displaced"] > 200


async def test_over_the_caps_health_answers_and_all_else_is_a_503_that_says_when() -> None:
    async with serving(connections_max=8, per_peer_max=4) as served:
        busy = [await connect(served) for _ in range(4)]
        for _, writer in busy:
            writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(served.clients) == 4)
        limits = httpx.Limits(max_keepalive_connections=0)
        url = f"http://127.0.0.1:{served.port}"
        async with httpx.AsyncClient(base_url=url, limits=limits) as client:
            refused = await client.get("/api/v1/status")
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) > 0
            assert "Too many connections" in refused.json()["detail"]
            idle = [await connect(served) for _ in range(2 * RESERVE)]
            for path in ("/livez", "/readyz", "/metrics"):
                assert (await client.get(path, timeout=1.0)).status_code == 200
            served.go_on.set()
            for reader, _ in busy:
                assert b"200" in await reader.readuntil(b"\r\n")
        for _, writer in (*busy, *idle):
            writer.close()


async def test_behind_a_trusted_proxy_each_client_has_its_own_share() -> None:
    trusted = networks("127.0.0.0/8")
    async with serving(per_peer_max=4, trusted=trusted) as served:
        proxied = (
            b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"X-Forwarded-For: 6.6.6.6, %s\r\n\r\n"
        )
        busy = [await connect(served) for _ in range(5)]
        for _, writer in busy:
            writer.write(proxied % (b"/wait", b"9.9.9.9"))
        # The fifth of one client is refused, another client's is not.
        refused = [asyncio.create_task(rest(reader)) for reader, _ in busy]
        done, _ = await asyncio.wait(refused, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        (answered,) = done
        assert b"503" in answered.result()
        assert b"9.9.9.9" in answered.result()
        assert b"200 OK" in await ask(served, proxied % (b"/", b"8.8.8.8"))
        assert served.clients == ["9.9.9.9"] * 4 + ["8.8.8.8"]
        served.go_on.set()
        await asyncio.gather(*refused)
        for _, writer in busy:
            writer.close()


async def test_an_address_in_a_header_means_nothing_without_a_trusted_proxy() -> None:
    async with serving() as served:
        await ask(served, b"GET / HTTP/1.0\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
        assert served.clients == ["127.0.0.1"]


def test_the_client_behind_proxies_is_the_last_hop_that_is_no_proxy() -> None:
    trusted = networks("10.0.0.0/8, fd00::/8")
    assert client_of("1.2.3.4", ["5.6.7.8"], trusted) == "1.2.3.4"
    assert client_of("10.0.0.1", ["6.6.6.6, 5.6.7.8, 10.0.0.9"], trusted) == "5.6.7.8"
    assert client_of("10.0.0.1", ["6.6.6.6", "5.6.7.8:4711"], trusted) == "5.6.7.8"
    assert client_of("fd00::1", ["[2001:db8::7]:99"], trusted) == "2001:db8::7"
    assert client_of("10.0.0.1", ["5.6.7.8, junk"], trusted) == "10.0.0.1"
    assert client_of("10.0.0.1", [], trusted) == "10.0.0.1"
    assert peer_of("2001:db8::7") == peer_of("2001:db8::8") != peer_of("2001:db8:1::7")
    assert peer_of("::ffff:1.2.3.4") == "1.2.3.4"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01", b"400 Bad Request"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            b"400",
        ),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b""),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000 + b"\r\n\r\n", b""),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b""),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"200 OK",
        ),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (3 * STATUS, b"200 OK"),
        (STATUS + b"nonsense\r\n\r\n", b"200 OK"),
        (b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n", b""),
    ],
)
async def test_odd_requests_end_their_own_connection_and_nothing_else(
    request_: bytes, expected: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(**SHORT) as served:
        assert expected in await ask(served, request_)
        assert b"200 OK" in await ask(served, b"GET / HTTP/1.0\r\n\r\n")
    assert "Traceback" not in caplog.text


async def test_pipelined_requests_are_answered_one_after_the_other() -> None:
    async with serving(**SHORT) as served:
        assert (await ask(served, 3 * STATUS)).count(b"200 OK") == 3


async def test_no_more_connections_are_held_than_files_may_be_open() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64 + RESERVE + 9, hard))
    try:
        server = ApiServer(lambda *_: None, Limits(connections_max=5_000))  # type: ignore[arg-type]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server._connections.limits.connections_max == 9
