"""Which table of programs messages are stamped with: looked up at the start and once a second."""

from __future__ import annotations

import asyncio
from typing import Final

from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.jetstream.program_store import BUCKETS, ActiveProgramTable
from pw_common.service.run import Runtime

LOOK_S: Final = 1.0
NEEDS: Final = BUCKETS


class ProgramStamp:
    """`stamp` is what a message gets that is sent now."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._active = ActiveProgramTable(runtime.bus, runtime.log)

    @property
    def stamp(self) -> str:
        """Empty for the shipped table alone."""
        return self._active.stamp

    async def look(self) -> None:
        """See what is in force. Raises BrokerAway, ApiRefused."""
        await self._active.look()
        trouble = self._active.trouble
        self._runtime.set_trouble("programs", trouble)
        self._runtime.metrics.set("pw_configuration_unusable", int(bool(trouble)))

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (BrokerAway, ApiRefused) as error:
                # What was in force stays; messages cannot be stored either.
                self._runtime.log.debug("programs_not_seen", reason=str(error))
