"""When a run is to stop: once in order, twice at once, at any moment of its life."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pw_cli.connect.runs import withdraw
from pw_cli.interrupts import EXIT_INTERRUPTED, Interrupts
from pw_cli.up.processes.processes import Starter
from pw_common.dev.local_broker import LocalBroker
from pw_common.process.tasks import end_tasks

T = TypeVar("T")


class StoppedEarly(Exception):  # noqa: N818 - not an error
    """Asked to stop before everything ran."""


class Stopping:
    """The event that ends a run, and what is ended at once when somebody insists."""

    def __init__(self, starter: Starter) -> None:
        self.event = asyncio.Event()
        self.broker: LocalBroker | None = None
        self.folder: Path | None = None
        self.temporary = False
        self._starter = starter

    def watch(self, interrupts: Interrupts) -> None:
        """SIGINT, SIGTERM and the end of the terminal: stop."""
        loop = asyncio.get_running_loop()
        others = [signal.SIGTERM]
        # Closing the terminal is an orderly stop, except under nohup.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            others.append(signal.SIGHUP)

        def first() -> None:
            loop.call_soon_threadsafe(self.event.set)

        interrupts.during(first, self.at_once, *others)

    def at_once(self) -> None:
        """End everything without waiting for anything: what is stored is on disk."""
        self._starter.kill_all()
        if self.broker is not None and self.broker.process.poll() is None:
            self.broker.process.kill()
        if self.folder is not None:
            withdraw(self.folder)
            if self.temporary:
                shutil.rmtree(self.folder, ignore_errors=True)
        os.write(2, b"\npw up: stopped at once\n")

    async def unless(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, unless the run is to stop before that.

        Raises:
            StoppedEarly: the run is to stop; the work has ended.
        """
        working = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self.event.wait(), name="stop")
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self.event.is_set():
                raise StoppedEarly
            return working.result()
        finally:
            await end_tasks(working, stopping)


Say = Callable[[str], None]

__all__ = ["EXIT_INTERRUPTED", "Say", "StoppedEarly", "Stopping"]
