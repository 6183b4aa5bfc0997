"""Our services as child processes, for tests that need the real thing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0


class DidNotStart(AssertionError):
    """The service ended, or did not say its address, in time; carries what it wrote."""


@asynccontextmanager
async def running_service(
    module: str, environ: dict[str, str]
) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """`python -m MODULE` on a free port; gives the process and its HTTP address."""
    process = _start(module, environ)
    try:
        yield process, await asyncio.wait_for(_address(process), START_TIMEOUT_S)
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
