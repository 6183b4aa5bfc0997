"""A service as a process whose log, readiness and end a test follows."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from pw_common.process.clock import now_ms
from support.poll import poll_until

EXIT_WITHIN_S = 15.0


@dataclass
class Started:
    """`log` is a file that grows; `url` is known once it listens."""

    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.AsyncClient
    url: str = ""

    def events(self) -> list[dict[str, Any]]:
        """The log's lines so far, those that are whole."""
        lines = self.log.read_bytes().split(b"\n")[:-1]
        return [msgspec.json.decode(line) for line in lines if line.startswith(b"{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events() if one["event"] == event]

    async def listens(self) -> None:
        async def address() -> str:
            assert self.process.poll() is None, self.log.read_text()
            return next((one["http_url"] for one in self.said("service_started")), "")

        self.url = await poll_until(address, "a service that listens", timeout_s=60)

    async def readiness(self) -> tuple[int, str]:
        answer = await self.client.get(f"{self.url}/readyz")
        return answer.status_code, answer.text

    async def is_ready(self) -> None:
        async def ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return (await self.readiness())[0] == 200

        await poll_until(ready, "a ready service", timeout_s=60)

    async def stop(self, within_s: float) -> int:
        """SIGTERM; its exit code. Fails when the service says later that it has stopped.

        The interpreter's own end, which a busy machine draws out, has a bound of its own.
        """
        told_ms = now_ms()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.to_thread(self.process.wait, EXIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            text = self.log.read_text()
            raise AssertionError(f"it did not end in {EXIT_WITHIN_S:g} s:\n{text}") from None
        [stopped] = self.said("service_stopped")
        stopped_ms = datetime.fromisoformat(stopped["ts"]).timestamp() * 1_000
        assert stopped_ms - told_ms < within_s * 1_000, self.log.read_text()
        return code


@asynccontextmanager
async def started(module: str, environ: dict[str, str], log: Path) -> AsyncIterator[Started]:
    """`python -m MODULE` on a free port, killed afterwards if it still runs."""
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: ASYNC220 - it only forks
            [sys.executable, "-m", module],
            env={**os.environ, "PW_HTTP_LISTEN": "127.0.0.1:0", "PW_LOG_FORMAT": "json", **environ},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
            one = Started(process, log, client)
            await one.listens()
            yield one
    finally:
        if process.poll() is None:
            process.kill()
        await asyncio.to_thread(process.wait)
