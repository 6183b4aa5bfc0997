"""A receiver that means harm: each behaviour is one way to hold up or fill whoever sends to it."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

BOMB_BYTES = 512 * 1024 * 1024
DRIP_S = 0.1
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@cache
def bomb() -> bytes:
    """Half a gigabyte of zeros as half a megabyte of gzip."""
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1024 * 1024)
    parts = [packer.compress(zeros) for _ in range(BOMB_BYTES // len(zeros))]
    return b"".join(parts) + packer.flush()


async def _gzip_bomb(to: asyncio.StreamWriter) -> None:
    head = f"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb())}\r\n\r\n"
    to.write(head.encode() + bomb())
    await to.drain()


async def _endless_body(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 429 Wait\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        to.write(CHUNK)
        await to.drain()


async def _endless_headers(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        to.write(b"X-More: " + b"y" * 1_000 + b"\r\n")
        await to.drain()


async def _endless_continue(to: asyncio.StreamWriter) -> None:
    while True:
        to.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await to.drain()


async def _cookies(to: asyncio.StreamWriter) -> None:
    for n in range(2_000):
        to.write(
            f"{'' if n else 'HTTP/1.1 503 No' + chr(13) + chr(10)}Set-Cookie: c{n}=v\r\n".encode()
        )
    to.write(b"Content-Length: 0\r\n\r\n")
    await to.drain()


async def _drip_body(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 503 No\r\nContent-Length: 100000\r\n\r\n")
    await _drip(to)


async def _drip_headers(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await _drip(to)


async def _drip(to: asyncio.StreamWriter) -> None:
    while True:
        to.write(b"x")
        await to.drain()
        await asyncio.sleep(DRIP_S)


async def _silent(_to: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _closing(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\nhalf")
    await to.drain()


async def _huge_length(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        to.write(bytes(0x10000))
        await to.drain()


async def _no_http(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/9 \xff\xfe hello\r\n\r\n")
    await to.drain()


async def _odd_wait(to: asyncio.StreamWriter) -> None:
    body = b"[" * 30_000
    to.write(b"HTTP/1.1 429 Wait\r\nRetry-After: \xb2\r\nContent-Length: 30000\r\n\r\n" + body)
    await to.drain()


async def _bad_redirect(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 302 There\r\nLocation: http://[::/x\xff\r\nContent-Length: 0\r\n\r\n")
    await to.drain()


BEHAVIOURS: dict[str, Behaviour] = {
    one.__name__.removeprefix("_"): one
    for one in (
        _gzip_bomb, _endless_body, _endless_headers, _endless_continue, _cookies, _drip_body,
        _drip_headers, _silent, _closing, _huge_length, _no_http, _odd_wait, _bad_redirect,
    )
}  # fmt: skip


@dataclass
class Hostile:
    """Where it listens, and how often each behaviour was met.

    The path names the behaviour; where it names none, `now` does.
    """

    port: int = 0
    now: str = "closing"
    met: Counter[str] = field(default_factory=Counter)

    def url(self, behaviour: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{behaviour}"


@asynccontextmanager
async def hostile_receiver() -> AsyncIterator[Hostile]:
    """Listens on a free port of loopback."""
    hostile = Hostile()
    running: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ")[1].decode().strip("/") or hostile.now
            hostile.met[name] += 1
            await BEHAVIOURS[name](writer)
        except (EOFError, asyncio.LimitOverrunError, ConnectionError, asyncio.CancelledError):
            hostile.met["broken"] += 1
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    hostile.port = server.sockets[0].getsockname()[1]
    try:
        yield hostile
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
