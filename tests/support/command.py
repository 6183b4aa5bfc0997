"""`pw` as a person runs it: a child process, its exit code and what it wrote."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

TIMEOUT_S = 60.0


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@asynccontextmanager
async def started(*words: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running `pw`, killed when the test is done with it. No PW_ variable but those given."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pw_cli.main",
        *words,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PW_")},
            "NO_COLOR": "1",
            "COLUMNS": "80",
            **environ,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def pw(*words: str, **environ: str) -> Ended:
    """Run it to its end."""
    return await pw_within(TIMEOUT_S, *words, **environ)


async def pw_within(timeout_s: float, *words: str, **environ: str) -> Ended:
    """Run it to its end, which must come within `timeout_s`."""
    async with started(*words, **environ) as process:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
        return Ended(process.returncode or 0, out.decode(), err.decode())
