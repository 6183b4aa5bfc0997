"""The run's own broker: started again when it ends, and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pw_cli.up.processes.processes import RESTARTS_MAX, STEADY_S, ChildFailed
from pw_common.dev.local_broker import LocalBroker, NoBroker, restart_broker
from pw_common.ordering.backoff import Backoff
from pw_common.process.clock import monotonic_s

LOOK_S: Final = 0.2
RESTART: Final = Backoff(first_s=0.2, most_s=5.0)
STOP_S: Final = 10.0


async def keep(
    broker: LocalBroker,
    say: Callable[[str], None],
    on_restart: Callable[[], None] = lambda: None,
) -> None:
    """Start it again whenever it ends: same data, same port, and the services reconnect.

    Raises:
        ChildFailed: it ended too often in a row, or cannot be started any more.
    """
    in_a_row = 0
    started_s = monotonic_s()
    why = ""
    while True:
        await asyncio.sleep(LOOK_S)
        code = broker.process.poll()
        if code is None:
            continue
        if monotonic_s() - started_s >= STEADY_S:
            in_a_row = 0
        if in_a_row > RESTARTS_MAX:
            raise ChildFailed(f"the broker ended {in_a_row} times in a row ({why})")
        why = f"exit code {code}"
        say(f"the broker ended with exit code {code}: starting it again")
        await asyncio.sleep(RESTART.longest_s(in_a_row))
        in_a_row += 1
        try:
            await restart_broker(broker)
        except (NoBroker, OSError) as error:
            why = str(error)
            continue
        started_s = monotonic_s()
        on_restart()
        say("the broker runs again")


async def stop_broker(broker: LocalBroker, within_s: float = STOP_S) -> None:
    """SIGTERM, then SIGKILL when it takes too long; what is stored is synced either way."""
    if broker.process.poll() is None:
        broker.process.terminate()
    until_s = asyncio.get_running_loop().time() + within_s
    while broker.process.poll() is None:
        if asyncio.get_running_loop().time() > until_s:
            broker.kill()
        await asyncio.sleep(0.02)
