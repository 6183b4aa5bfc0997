"""Our services as child processes, for tests that need the real thing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec

from support.poll import poll_until

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0


class DidNotStart(AssertionError):
    """The service ended, or did not say its address, in time; carries what it wrote."""


@asynccontextmanager
async def running_service(
    module: str, environ: dict[str, str]
) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """`python -m MODULE` on a free port; gives the process and its HTTP address.

    One that has a broker has connected to it.
    """
    process = _start(module, environ)
    try:
        url = await asyncio.wait_for(_address(process), START_TIMEOUT_S)
        if "PW_NATS_URL" in environ:
            await _connected(process, url)
        yield process, url
    finally:
        if process.poll() is None:
            process.terminate()
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        if process.stderr is not None:
            process.stderr.close()


def _start(module: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, "PW_HTTP_LISTEN": "127.0.0.1:0", "PW_LOG_FORMAT": "json", **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


async def _connected(process: subprocess.Popen[bytes], url: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=START_TIMEOUT_S) as client:

        async def connected() -> bool:
            if process.poll() is not None:
                raise DidNotStart("the service ended before it had a broker")
            return "pw_broker_connected 1.0" in (await client.get(f"{url}/metrics")).text

        await poll_until(connected, "a service that has a broker")


async def _address(process: subprocess.Popen[bytes]) -> str:
    stream = process.stderr
    if stream is None:
        raise DidNotStart("no stderr to read")
    seen: list[str] = []
    while line := await asyncio.to_thread(stream.readline):
        seen.append(line.decode(errors="replace"))
        if b'"service_started"' in line:
            return str(msgspec.json.decode(line)["http_url"])
    raise DidNotStart("the service ended before it listened:\n" + "".join(seen))
