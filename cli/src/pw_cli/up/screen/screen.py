"""The terminal of a run: whole lines that happened once, and below them the figures of now.

Everything goes through one outlet, so that no line is written into the middle of another.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final, TextIO

from pw_cli.up.screen.outlet import Outlet

CLEAR_LINE: Final = "\r\x1b[K"
COLUMNS_DEFAULT: Final = 80


class Screen:
    """Lines and figures on a stream, from any thread."""

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool | None = None,
        columns: Callable[[], int] | None = None,
    ) -> None:
        self.live = stream.isatty() if live is None else live
        self._columns = columns or (lambda: columns_of(stream))
        self._out = Outlet(stream)
        self._figures = ""
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Something that happened once; the figures stay below it."""
        with self._lock:
            if not self.live:
                self._out.write(f"{text}\n")
                return
            self._out.write(f"{CLEAR_LINE}{text}\n{self._figures}")

    def figures(self, text: str) -> None:
        """The figures of now: on a terminal they replace the last ones."""
        with self._lock:
            if not self.live:
                self._out.write(f"{text}\n")
                return
            # A line that wraps could not be replaced by the next one.
            room = self._columns() - 1
            self._figures = text if len(text) <= room else f"{text[: max(0, room - 1)]}…"
            self._out.write(f"{CLEAR_LINE}{self._figures}")

    def rest(self) -> None:
        """No more figures: what is shown of them stays as a line."""
        with self._lock:
            if self.live and self._figures:
                self._out.write("\n")
            self._figures = ""

    def close(self) -> None:
        """Nothing more is shown."""
        self.rest()
        self._out.close()


def columns_of(stream: TextIO) -> int:
    """How wide a terminal is now."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS_DEFAULT
    except (OSError, ValueError):
        return COLUMNS_DEFAULT
