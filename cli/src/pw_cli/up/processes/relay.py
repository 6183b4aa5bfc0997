"""What the services write, passed on: log lines folded, alerts of the console as they are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import IO, Final

from pw_cli.up.processes.fold import Fold
from pw_common.process.clock import monotonic_s
from pw_common.process.log import setup
from pw_common.process.version import VERSION

# The rest of a longer line comes as another line.
LINE_BYTES_MAX: Final = 64 * 1024
JOIN_S: Final = 1.0


class Relay:
    """Reads each pipe in its own thread: no service waits for another, or for a terminal."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._fold = Fold()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def read(self, pipe: IO[bytes], who: str, *, folded: bool = True) -> None:
        """Pass on what comes out of a pipe until its writers are gone."""
        thread = threading.Thread(
            target=self._read, args=(pipe, who, folded), name=f"relay-{who}", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()

    def tick(self) -> None:
        """Print what has been counted for long enough."""
        with self._lock:
            for line in self._fold.due(monotonic_s()):
                self._show(line)

    def close(self) -> None:
        """Take what is left in the pipes, and print what was counted."""
        for thread in self._threads:
            thread.join(JOIN_S)
        with self._lock:
            for line in self._fold.rest(monotonic_s()):
                self._show(line)

    def take(self, who: str, line: str, *, folded: bool = True) -> None:
        """One line of somebody."""
        with self._lock:
            for one in self._fold.take(who, line, monotonic_s()) if folded else [line]:
                self._show(one)

    def _read(self, pipe: IO[bytes], who: str, folded: bool) -> None:
        with pipe:
            while raw := pipe.readline(LINE_BYTES_MAX):
                line = raw.decode(errors="backslashreplace").rstrip("\r\n")
                self.take(who, line, folded=folded)


class _Own(logging.Handler):
    """What this process itself logs goes the same way, and never into the middle of a line."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(logging.ERROR)
        self._relay = relay

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            self._relay.take("pw up", line)


def log_to_stderr() -> None:
    """Write this process's own errors, crashes included, to plain stderr: the screen is closed."""
    setup("pw", VERSION, level="error", format_="text")


def log_to(relay: Relay) -> None:
    """Show this process's own errors through the relay; services report what recovers."""
    log_to_stderr()
    root = logging.getLogger()
    handler = _Own(relay)
    handler.setFormatter(root.handlers[0].formatter)
    root.handlers[:] = [handler]
