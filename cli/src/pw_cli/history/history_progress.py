"""How far a long fetch is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pw_cli.history.history_node import say_for
from pw_common.process.clock import monotonic_s

EVERY_S: Final = 10.0


class Progress:
    """What a person sees meanwhile; everything goes to stderr."""

    def __init__(self, command: str) -> None:
        console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("begins", total=None)
        self._say = say_for(command)
        self._said_s = monotonic_s()
        self._is_live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def total(self, count: int) -> None:
        """How much there will be."""
        self._bar.update(self._task, total=count)

    def at(self, count: int, line: str) -> None:
        """How much there is."""
        self._bar.update(self._task, completed=count, description=line)
        if not self._is_live and monotonic_s() - self._said_s >= EVERY_S:
            self._said_s = monotonic_s()
            self._say(line)

    def say(self, line: str) -> None:
        """A line that stays. A bar that runs is drawn below it."""
        self._say(line)
