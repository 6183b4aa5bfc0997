"""`pw up` as a person's terminal has it: its lines with their times, its processes, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.poll import poll_until
from support.running import as_at_a_prompt

START_TIMEOUT_S = 90.0
END_TIMEOUT_S = 60.0
FEW = ("--parsers", "1", "--rate", "40", "--minutes", "2", "--port", "0")


@dataclass
class Up:
    """A run, and what it has written so far."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.said)

    async def until(self, words: str, timeout_s: float = START_TIMEOUT_S) -> None:
        async def seen() -> bool:
            assert self.process.returncode is None or words in self.text, self.text
            return words in self.text

        await poll_until(seen, f"{words!r} in:\n{self.text}", timeout_s=timeout_s)

    def children(self) -> dict[int, str]:
        """Processes that it started, with their command lines."""
        found = {}
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in map(int, listed.split()):
            try:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            except OSError:
                continue  # It ended meanwhile.
        return found

    def broker(self) -> int:
        """The broker's process."""
        return next(pid for pid, line in self.children().items() if "nats-server" in line)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    async def end(self) -> tuple[int, float]:
        """Its exit code, and how long that took."""
        began_s = asyncio.get_running_loop().time()
        code = await asyncio.wait_for(self.process.wait(), END_TIMEOUT_S)
        return code, asyncio.get_running_loop().time() - began_s


@asynccontextmanager
async def up(*words: str, folder: Path, **environ: str) -> AsyncIterator[Up]:
    """`pw up` with its output in one pipe; ended afterwards if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pw_cli.main", "up", *FEW, *words),
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("PW_")},
            "XDG_RUNTIME_DIR": str(folder),
            "TMPDIR": str(folder),
            **environ,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=as_at_a_prompt,
    )
    assert process.stdout is not None
    one = Up(process)

    async def listen() -> None:
        while line := await process.stdout.readline():  # type: ignore[union-attr]
            one.said.append(line.decode())

    listening = asyncio.create_task(listen())
    try:
        yield one
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


def is_gone(pid: int) -> bool:
    """Whether a process has ended, be it collected or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
