"""`pw up` as a person runs it: a child process, asked over HTTP and at its broker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from pw_cli.connect.runs import read_run
from pw_cli.up.processes.processes import free_port
from support.poll import poll_until
from support.tokens import bearer

STOP_TIMEOUT_S = 90.0
# Of what `pw up --json` said: shown where a test fails.
LAST_LINES = 12


@dataclass
class Running:
    """A started `pw up`."""

    process: asyncio.subprocess.Process
    api: str
    broker_url: str
    client: httpx.AsyncClient

    async def status(self) -> dict[str, Any]:
        """`/api/v1/status`."""
        answer = await self.client.get(f"{self.api}/api/v1/status", timeout=10.0)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def pids(self, service: str) -> list[int]:
        """Processes of a service, from their heartbeats."""
        status = await self.status()
        return [
            instance["pid"]
            for one in status["services"]
            if one["service"] == service
            for instance in one["instances"]
            if not instance["stale"]
        ]

    async def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)


@asynccontextmanager
async def running(*arguments: str, folder: Path, **environ: str) -> AsyncIterator[Running]:
    """Start `pw up` on a free port, with `environ` besides, and wait until it says that it runs."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pw_cli.main",
        "up",
        "--json",
        "--port",
        str(port),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PW_")} | environ,
        preexec_fn=as_at_a_prompt,
    )
    assert process.stdout is not None
    drain: asyncio.Task[None] | None = None
    said: deque[bytes] = deque(maxlen=LAST_LINES)
    try:
        while True:
            line = await asyncio.wait_for(process.stdout.readline(), 60.0)
            assert line, "pw up ended before it was running"
            event = msgspec.json.decode(line)
            if event["event"] == "started":
                break
        drain = asyncio.create_task(_read_on(process.stdout, said))
        run = read_run(Path(event["run_file"]))
        assert run is not None
        headers = bearer(Path(run.token_file)) if run.token_file else {}
        async with httpx.AsyncClient(headers=headers) as client:
            yield Running(process, event["api"], event["broker"], client)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if drain is not None:
            await drain
        for one in said:
            print(one.decode(errors="replace"), end="")


async def run_to_end(*arguments: str, folder: Path, **environ: str) -> dict[str, Any]:
    """Run `pw up --once --exit-when-drained` to its end; returns its report."""
    report = folder / "r.json"
    async with running(
        *arguments,
        "--once",
        "--exit-when-drained",
        "--report",
        str(report),
        "--timeout",
        "360",
        folder=folder,
        **environ,
    ) as run:
        code = await asyncio.wait_for(run.process.wait(), 400.0)
    assert code == 0
    found: dict[str, Any] = msgspec.json.decode(report.read_bytes())
    return found


def as_at_a_prompt() -> None:
    """In a child before it starts: under `nohup`, or in the background of a script, it is deaf."""
    for one in (signal.SIGHUP, signal.SIGINT):
        signal.signal(one, signal.SIG_DFL)


async def _read_on(stream: asyncio.StreamReader, said: deque[bytes]) -> None:
    while line := await stream.readline():
        said.append(line)


__all__ = ["Running", "poll_until", "run_to_end", "running"]
