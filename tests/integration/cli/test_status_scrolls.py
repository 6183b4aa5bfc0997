"""`pw status` on a small terminal scrolls, ends with q or Ctrl-C, and leaves it as it was."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from support.poll import poll_until

CODE = """
import sys
from rich.console import Console
from rich.text import Text
from pw_cli.terminal.viewer import Viewer
try:
    with Viewer(Console()) as viewer:
        viewer.show(Text("\\n".join(f"row {n}" for n in range(1, 61))))
        while viewer.wait(0.2):
            pass
except KeyboardInterrupt:
    pass
print("ended")
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass
class Terminal:
    """A child on a terminal of its own."""

    fd: int
    pid: int
    read: str = ""

    def look(self) -> str:
        """What the screen shows: everything since it was cleared last."""
        with suppress(BlockingIOError, OSError):
            self.read += os.read(self.fd, 65_536).decode()
        return ESCAPE.sub("", self.read.rpartition("\x1b[H\x1b[J")[2])

    async def until(self, words: str) -> str:
        async def seen() -> str:
            shown = self.look()
            return shown if words in shown else ""

        return await poll_until(seen, f"{words!r} on the terminal", timeout_s=30)

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def modes(self) -> list[object]:
        return termios.tcgetattr(self.fd)[:4]


@asynccontextmanager
async def terminal(rows: int, columns: int) -> AsyncIterator[Terminal]:
    pid, fd = pty.fork()
    if pid == 0:
        # As at a prompt: a runner in the background hands on that it ignores Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # What the test's own runner says of its terminal is not what this one is.
        kept = {k: v for k, v in os.environ.items() if k not in {"LINES", "COLUMNS"}}
        os.execve(sys.executable, [sys.executable, "-c", CODE], {**kept, "TERM": "xterm"})  # noqa: S606
    os.set_blocking(fd, False)
    try:
        yield Terminal(fd, pid)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, pid, 0)
        os.close(fd)


async def test_what_is_taller_than_the_screen_scrolls_by_line_by_page_and_to_its_end() -> None:
    async with terminal(12, 60) as one:
        shown = await one.until("lines 1-11 of 60")
        assert "row 11" in shown
        assert "row 12" not in shown
        one.type(b"\x1b[B")
        assert "row 12" in await one.until("lines 2-12 of 60")
        one.type(b" ")
        await one.until("lines 12-22 of 60")
        one.type(b"G")
        assert "row 60" in await one.until("lines 50-60 of 60")
        # Beyond the end there is nothing.
        one.type(b"\x1b[6~")
        one.type(b"k")
        await one.until("lines 49-59 of 60")
        one.type(b"g")
        await one.until("lines 1-11 of 60")


@pytest.mark.parametrize("keys", [b"q", b"\x03"])
async def test_it_ends_by_q_and_by_ctrl_c_with_the_terminal_as_it_was(keys: bytes) -> None:
    async with terminal(12, 60) as one:
        await one.until("lines 1-11 of 60")
        during = one.modes()
        one.type(keys)
        await one.until("ended")
        assert one.modes() != during
        # The other screen is left, and the cursor is there again.
        assert "\x1b[?1049l" in one.read
        assert "\x1b[?25h" in one.read


async def test_what_fits_has_no_footer() -> None:
    async with terminal(70, 60) as one:
        shown = await one.until("row 60")
        assert "lines" not in shown
