"""A full-screen view, drawn again and again, that scrolls where it is taller than the screen."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console, RenderableType
from rich.segment import Segment

KEY_BYTES_MAX: Final = 32
# What terminals send for a key, and by how much of a screen it moves.
PAGE: Final = 1_000
KEYS: Final[dict[bytes, int]] = {
    b"\x1b[A": -1, b"k": -1, b"\x1bOA": -1,
    b"\x1b[B": 1, b"j": 1, b"\x1bOB": 1,
    b"\x1b[5~": -PAGE, b"b": -PAGE,
    b"\x1b[6~": PAGE, b" ": PAGE,
    b"\x1b[H": -PAGE * PAGE, b"g": -PAGE * PAGE, b"\x1b[1~": -PAGE * PAGE,
    b"\x1b[F": PAGE * PAGE, b"G": PAGE * PAGE, b"\x1b[4~": PAGE * PAGE,
}  # fmt: skip
KEY: Final = re.compile(rb"\x1b\[[0-9;]*[~A-Z]|\x1bO[A-Z]|.", re.DOTALL)
QUIT: Final = b"q"


class Viewer:
    """A context manager; leaves the terminal as it was."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._offset = 0
        self._lines: list[list[Segment]] = []
        self._view: RenderableType = ""
        self._keys: int | None = None
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)
        if sys.stdin.isatty():
            self._keys = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._keys is not None and self._before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
        self._console.show_cursor(True)
        self._console.set_alt_screen(False)

    def show(self, view: RenderableType) -> None:
        """Draw it, from the line to which somebody scrolled."""
        self._view = view
        self._draw()

    def wait(self, seconds: float) -> bool:
        """Let some time pass, and scroll by keys meanwhile; False when somebody wants to end."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            if self._keys is None:
                time.sleep(left_s)
                return True
            if not select.select([self._keys], [], [], left_s)[0]:
                return True
            typed = os.read(self._keys, KEY_BYTES_MAX)
            if not typed:
                self._keys = None  # The terminal is gone; what is left of it shows on.
            # Somebody who holds a key down sends several at once.
            for key in KEY.findall(typed):
                if key == QUIT:
                    return False
                self._move(KEYS.get(key, 0))
        return True

    def _move(self, by: int) -> None:
        room = max(1, self._console.size.height - 2)
        self._offset += (by // PAGE) * room if abs(by) >= PAGE else by
        self._draw()

    def _draw(self) -> None:
        width, height = self._console.size
        options = self._console.options.update(width=width, height=None)
        self._lines = self._console.render_lines(self._view, options, pad=False)
        taller = len(self._lines) > height
        room = max(1, height - 1) if taller else height
        self._offset = max(0, min(self._offset, len(self._lines) - room))
        shown = self._lines[self._offset : self._offset + room]
        segments = [Segment("\x1b[H\x1b[J")]
        for number, line in enumerate(shown):
            segments += [*line, *([] if number == len(shown) - 1 else [Segment.line()])]
        if taller:
            segments += [Segment.line(), *self._footer(width, room)]
        self._console.print(_Raw(segments), end="")

    def _footer(self, width: int, room: int) -> list[Segment]:
        last = self._offset + room
        text = (
            f"lines {self._offset + 1}-{last} of {len(self._lines)} · arrows, PgUp, PgDn · q ends"
        )
        return [Segment(text[:width])]


class _Raw:
    """Segments as they are."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments

    def __rich_console__(self, _console: Console, _options: Any) -> list[Segment]:
        """Nothing is laid out again."""
        return self._segments
