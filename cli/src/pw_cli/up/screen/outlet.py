"""Writing to a terminal or a pipe that may be slow, stopped or gone, and never waiting for it."""

from __future__ import annotations

import os
import queue
import threading
from typing import Final, TextIO

LINES_MAX: Final = 1_000
CLOSE_S: Final = 2.0


class Outlet:
    """Lines are written by a separate thread; what finds no room or no reader is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._fd = stream.fileno()
        self._lines: queue.Queue[bytes | None] = queue.Queue(LINES_MAX)
        self.dropped = 0
        stream.flush()
        # A daemon thread: a stuck write must not keep the process from ending.
        self._thread = threading.Thread(target=self._write_all, name="outlet", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Take a text; returns at once."""
        try:
            self._lines.put_nowait(text.encode(errors="backslashreplace"))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Give what is left a moment to go out."""
        try:
            self._lines.put(None, timeout=CLOSE_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                while line:
                    line = line[os.write(self._fd, line) :]
            except OSError:
                self._nowhere()

    def _nowhere(self) -> None:
        """The reader is gone for good: from now on everything written here goes nowhere."""
        self.dropped += 1
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._fd)
        os.close(nowhere)
