"""`pw` as a person runs it: a child process, its exit code and what it wrote."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from typing import NamedTuple

from pw_cli.main import COMMANDS
from pw_cli.parser import parser_of

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
        env=_environ(environ),
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


async def pw_here(*words: str, **environ: str) -> Ended:
    """The same within this process: for many commands, each of which would be slow to start."""
    return await asyncio.to_thread(_run_here, words, environ)


def _run_here(words: Sequence[str], environ: dict[str, str]) -> Ended:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before = dict(os.environ)
    try:
        _set(_environ(environ))
        with redirect_stdout(out), redirect_stderr(err):
            args = parser_of(COMMANDS, {words[0]}).parse_args(words)
            code = int(args.run(args))
    finally:
        _set(before)
    return Ended(code, *(_written(one) for one in (out, err)))


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _environ(more: dict[str, str]) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PW_")}
    return {**clean, "NO_COLOR": "1", "COLUMNS": "80", **more}


def _set(environ: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
