"""What `pw up` asks of its services may be answered by anything: it takes it and goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from pw_cli.up.options.access import Access
from pw_cli.up.options.plan import Spec
from pw_cli.up.processes.probe import counters, is_live, is_ready, status_of
from pw_cli.up.processes.processes import ASIDE_WAIT_FIRST_S, Child, start, stop, watch
from pw_cli.up.processes.system import System
from pw_cli.up.screen.figures import line
from pw_cli.up.screen.outlet import Outlet
from pw_cli.up.screen.progress import Progress
from support.poll import poll_until


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# What a port may say, and what is said of it.
ODD: dict[str, tuple[bytes, str]] = {
    "503 in plain text": (http(b"Service Unavailable", "503 Service Unavailable"), "HTTP 503"),
    "401": (http(b"{}", "401 Unauthorized"), "HTTP 401"),
    "HTML": (http(b"<html></html>"), "not JSON"),
    "nothing": (http(b""), "not JSON"),
    "half JSON": (http(b'{"mode":"running","serv'), "not JSON"),
    "bytes": (http(b"\xff\xfe\x00"), "not JSON"),
    "a list": (http(b"[1]"), "not a JSON object"),
    "deep": (http(b"[" * 200_000), "not JSON"),
    "no mode": (http(b"{}"), "not a status"),
    "services": (http(b'{"mode":"running","services":7}'), "not a status"),
    "rates": (http(b'{"mode":"r","services":[{"service":"a","rates":{"x":1}}]}'), "not a status"),
    "totals": (http(b'{"mode":"running","totals":["gaps"]}'), "not a status"),
    "words": (http(b'{"mode":7,"why":"none"}'), "not a status"),
    "a redirect": (http(b"", "302 Found", "Location: http://127.0.0.1:1/"), "HTTP 302"),
    "a cut body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "RemoteProtocolError"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "RemoteProtocolError"),
    "closed": (b"", "RemoteProtocolError"),
    "gzip": (http(b"\x1f\x8b\x08", "200 OK", "Content-Encoding: gzip"), "not JSON"),
}


@asynccontextmanager
async def port_that_says(said: bytes, *, then: str = "close") -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1)
            writer.write(said)
            while then == "repeat":
                writer.write(b"x" * 65_536)
                await writer.drain()
            while then == "drip":
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
            if then == "hold":
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def shown(port: int) -> tuple[str, str]:
    """What is told of the API at this port, and the line that a person sees."""
    async with httpx.AsyncClient(trust_env=False) as client:
        system = SimpleNamespace(client=client, api=f"http://127.0.0.1:{port}", access=Access())
        progress = Progress(cast("System", system), as_json=True)
        status = await progress._status()  # noqa: SLF001 - what is shown now and then
        # The others take it as well.
        assert await status_of(client, port) is None
        assert isinstance(await is_ready(client, port), bool)
        assert isinstance(await is_live(client, port), bool)
        assert isinstance(await counters(client, port), dict)
        progress.close()
        return "; ".join(status["why"]), line(status)


@pytest.mark.parametrize("name", ODD)
async def test_any_answer_that_is_not_a_status_is_shown_as_an_api_that_does_not_answer(
    name: str,
) -> None:
    said, why = ODD[name]
    async with port_that_says(said) as port:
        told, text = await shown(port)
    assert told.startswith("the API does not answer (")
    assert "retrying" in told
    assert why in told
    assert text.startswith("api away")


@pytest.mark.parametrize(
    ("begin", "then"),
    [
        (b"", "hold"),
        (b"", "drip"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", "drip"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "drip"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "repeat"),
    ],
)
async def test_an_answer_without_end_is_given_up_soon(begin: bytes, then: str) -> None:
    began_s = asyncio.get_running_loop().time()
    async with port_that_says(begin, then=then) as port:
        told, _ = await shown(port)
    assert "does not answer (" in told
    # Five questions, each with its deadline.
    assert asyncio.get_running_loop().time() - began_s < 30


async def test_a_port_that_refuses_is_an_api_that_is_away() -> None:
    async with port_that_says(b"") as port:
        pass
    told, _ = await shown(port)
    assert "ConnectError" in told


async def test_a_page_of_metrics_that_is_cut_is_no_reading() -> None:
    said = http(b"a_total 1\nb_total nonsense\n")
    async with port_that_says(said) as port, httpx.AsyncClient(trust_env=False) as client:
        assert await counters(client, port) == {}


def test_a_pipe_that_nobody_reads_keeps_nobody_waiting() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        outlet = Outlet(stream)
        for _ in range(2_000):
            outlet.write("x" * 1_000)
        assert outlet.dropped
        outlet.close()
        # Its thread ends before the file does: the next test's pipe may get the same number.
        os.close(reading)
        outlet.close()


def test_a_pipe_whose_reader_is_gone_takes_everything_and_complains_of_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        outlet = Outlet(stream)
        for _ in range(10):
            outlet.write("figures\n")
        outlet.close()
        # Nor does anything else that is written there.
        stream.write("more")
        stream.flush()
        assert outlet.dropped == 1


def a_child(service: str) -> Child:
    spec = Spec(service, service, "pw_none", {})
    child = start(spec)
    child.process.wait()
    assert child.process.returncode
    return child


@pytest.mark.parametrize("service", ["api", "notifier"])
async def test_what_only_shows_or_tells_is_started_again_without_an_end_and_ends_nothing(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pw_cli.up.processes.processes.ASIDE_WAIT_MAX_S", 4 * ASIDE_WAIT_FIRST_S)
    # A module that does not exist ends at once, every time.
    child = a_child(service)
    said: list[str] = []
    watching = asyncio.create_task(watch([child], said.append))

    async def restarted() -> bool:
        return watching.done() or child.restarts >= 3

    await poll_until(restarted, "three restarts")
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await stop(child)
    waits = [one.split(" again in ")[1].split(" s;")[0] for one in said]
    # Growing, up to the bound.
    assert waits[:3] == ["0.5", "1", "2"]
    assert set(waits[3:]) <= {"2"}


async def test_what_the_data_needs_ends_the_run_when_starting_again_does_not_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pw_cli.up.processes.processes.RESTARTS_MAX", 1)
    child = a_child("parser")
    said: list[str] = []
    with pytest.raises(RuntimeError, match="parser crashed 2 times"):
        await asyncio.wait_for(watch([child], said.append), 60)
    assert len(said) == 1
