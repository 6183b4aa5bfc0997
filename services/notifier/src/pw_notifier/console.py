"""The console as a channel: a terminal that is held, or a pipe nobody reads, blocks its writer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import Final

DEADLINE_S: Final = 10.0
STDOUT: Final = 1


class ConsoleHeld(Exception):
    """Nobody takes what is written."""


class Console:
    """Writes lines to standard output from a thread, one at a time."""

    def __init__(self, fd: int = STDOUT) -> None:
        self._fd = fd
        self._under_way: tuple[bytes, asyncio.Future[None]] | None = None

    async def write(self, line: bytes) -> None:
        """Write a line and wait for it; a retry while it is being written does not double it.

        Raises:
            ConsoleHeld: it was not taken in time, or standard output is closed.
        """
        try:
            async with asyncio.timeout(DEADLINE_S):
                while self._under_way is not None and self._under_way[0] != line:
                    # Another line, given up by its channel: a half-written line has to end first.
                    with contextlib.suppress(OSError):
                        await asyncio.shield(self._under_way[1])
                if self._under_way is None:
                    self._under_way = line, self._start(line)
                await asyncio.shield(self._under_way[1])
        except (TimeoutError, OSError) as error:
            raise ConsoleHeld(f"the console took nothing ({type(error).__name__})") from error

    def _start(self, line: bytes) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()

        def end(error: OSError | None) -> None:
            self._under_way = None
            if written.cancelled():
                return
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)

        def write() -> None:
            failed = None
            rest = memoryview(line)
            try:
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError as error:
                failed = error
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits.
                loop.call_soon_threadsafe(end, failed)

        # A daemon: a process that ends does not wait for a terminal that is held. The buffer of
        # `sys.stdout` is not used, since its lock would hold up the end.
        threading.Thread(target=write, name="console", daemon=True).start()
        return written
