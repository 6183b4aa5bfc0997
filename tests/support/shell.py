"""A shell on a terminal of its own, typed into line by line as a person does."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.poll import poll_until

PROMPT = re.compile(r"<<(\d+)>>\$ ")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
TIMEOUT_S = 120.0


@dataclass
class Shell:
    """What the terminal has shown, and where the line that was typed last begins in it."""

    fd: int
    text: str = ""
    begin: int = 0

    def look(self) -> str:
        """The output since the last line was typed."""
        with contextlib.suppress(BlockingIOError, OSError):
            while piece := os.read(self.fd, 65_536):
                self.text += piece.decode(errors="replace")
        return ESCAPE.sub("", self.text[self.begin :])

    def type(self, line: str) -> None:
        """A line and its end."""
        self.look()
        self.begin = len(self.text)
        os.write(self.fd, line.encode() + b"\n")

    def ctrl_c(self) -> None:
        """As the key does."""
        os.write(self.fd, b"\x03")

    async def until(self, words: str, timeout_s: float = TIMEOUT_S) -> str:
        """Wait until the last line's output holds these words."""

        async def seen() -> str:
            shown = self.look()
            return shown if words in shown else ""

        try:
            return await poll_until(seen, repr(words), timeout_s=timeout_s)
        except AssertionError as error:
            raise AssertionError(f"no {words!r} in:\n{self.look()}") from error

    async def ended(self, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
        """Wait for the prompt: the exit code of the line, and what it wrote."""

        async def prompt() -> re.Match[str] | None:
            return PROMPT.search(self.look())

        try:
            found = await poll_until(prompt, "the prompt", timeout_s=timeout_s)
        except AssertionError as error:
            raise AssertionError(f"no prompt after:\n{self.look()}") from error
        return int(found[1]), self.look()[: found.start()]

    async def run(self, line: str, timeout_s: float = TIMEOUT_S) -> str:
        """Type a line that must end well; what it wrote."""
        self.type(line)
        code, out = await self.ended(timeout_s)
        assert code == 0, f"{line}: exit code {code}\n{out}"
        return out


@asynccontextmanager
async def shell(folder: Path, rows: int = 40, columns: int = 120) -> AsyncIterator[Shell]:
    """Bash in a folder, without anybody's start-up files, and without PW_ variables."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.chdir(folder)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("PW_")}
        more = {"PS1": "<<$?>>$ ", "TERM": "xterm", "XDG_RUNTIME_DIR": str(folder)}
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile"], {**environ, **more})  # noqa: S606
    os.set_blocking(fd, False)
    one = Shell(fd)
    try:
        await one.ended()
        # What is typed is not shown again: a prompt within it would count.
        await one.run("stty -echo; bind 'set enable-bracketed-paste off'")
        yield one
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGHUP)
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, pid, 0)
        os.close(fd)
