"""The table of programs that a message names, and no other: waited for until it is there."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final, NamedTuple

from pw_common.documents.programs import ProgramTable
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.program_store import NoTable, table_of
from pw_common.jetstream.publishing.outcome import NotNow
from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.process.tasks import unless
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime
from pw_parser.core.decode.programs import BUILT_IN, Programs, extended

# Messages of a backlog name a few; each is the shipped table and at most 300 entries.
TABLES_MAX: Final = 16
POLL_S: Final = 0.25
# Then the messages are given back: another parser may reach what we do not.
WAIT_S: Final = 20.0


class Table(NamedTuple):
    """A table ready for use, and what of it is the users'."""

    programs: Programs
    own: ProgramTable


SHIPPED: Final = Table(BUILT_IN, ProgramTable())


class Tables:
    """Tables by their stamp. A stamp has one table for ever, so what was read stays right."""

    def __init__(
        self, bus: Bus, log: Log, metrics: Metrics, runtime: Runtime | None = None
    ) -> None:
        self._bus = bus
        self._log = log
        self._metrics = metrics
        self._runtime = runtime
        self._known: OrderedDict[str, Table] = OrderedDict()
        self._said = ""

    async def of(self, stamp: str, stop: asyncio.Event, *, wait_s: float = WAIT_S) -> Table:
        """The table of a stamp; empty is the shipped one.

        Raises:
            NotNow: it was not to be had in time, or we are to stop.
        """
        if not stamp:
            self._say("")
            return SHIPPED
        if stamp in self._known:
            self._known.move_to_end(stamp)
            self._say("")
            return self._known[stamp]
        own = await self._awaited(stamp, stop, monotonic_s() + wait_s)
        if self._said:
            self._log.info("programs_found", programs=stamp)
        self._say("")
        self._known[stamp] = Table(extended(BUILT_IN, own), own)
        if len(self._known) > TABLES_MAX:
            self._known.popitem(last=False)
        return self._known[stamp]

    async def _awaited(self, stamp: str, stop: asyncio.Event, until_s: float) -> ProgramTable:
        while True:
            try:
                return await table_of(self._bus, stamp)
            except NoTable as error:
                why = f"waits for programs {stamp}: {error}"
            if why != self._said:
                self._log.warning("programs_awaited", programs=stamp, reason=why)
                self._say(why)
            if stop.is_set() or monotonic_s() >= until_s:
                raise NotNow(why)
            await unless(stop, POLL_S)

    def _say(self, why: str) -> None:
        if why == self._said:
            return
        self._said = why
        self._metrics.set("pw_parser_programs_waiting", int(bool(why)))
        if self._runtime is not None:
            self._runtime.set_trouble("programs", why)
