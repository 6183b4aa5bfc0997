"""Ctrl-C from the first moment: before anything has begun, while it runs, and a second time.

This module is imported before everything else and imports next to nothing: what `pw` needs takes
a second to import, and until then Python would answer Ctrl-C with a traceback.
"""

from __future__ import annotations

import os
import signal

# Not from `typing`, which takes longer to import than everything else here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

EXIT_INTERRUPTED = 130


class Interrupts:
    """One handler for the whole life of a command.

    Before `during`, nothing has been started, so the process ends on the spot. After it the
    first signal calls `first`, the second `second`. After `over` all is done: they are ignored.
    """

    def __init__(self, command: str = "") -> None:
        self._command = command
        self._first: Callable[[], None] | None = None
        self._second: Callable[[], None] = lambda: None
        self._over = False
        self.seen = 0

    def install(self) -> None:
        """Take SIGINT from now on."""
        signal.signal(signal.SIGINT, self)

    def leave(self) -> None:
        """Back to Python's own way: KeyboardInterrupt, which the command may catch."""
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def during(
        self, first: Callable[[], None], second: Callable[[], None], *others: signal.Signals
    ) -> None:
        """Something runs from now on; SIGINT and `others` ask it to stop."""
        self._first, self._second = first, second
        for number in (signal.SIGINT, *others):
            signal.signal(number, self)

    def over(self) -> None:
        """Nothing is left to stop."""
        self._over = True

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """A signal came."""
        if self._over:
            return
        self.seen += 1
        if self._first is None:
            if self._command == "up":
                os.write(2, b"pw up: stopped\n")
            os._exit(128 + number)
        if self.seen == 1:
            self._first()
            return
        self._second()
        os._exit(128 + number)
