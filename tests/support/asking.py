"""A test's own requests of a broker: an answer that means "wait" is waited for, within a bound.

A loaded machine holds elections late, and a cluster without a leader is no failure of what a
test proves. A refusal is: it is raised at once.
"""

from __future__ import annotations

from typing import Any

from pw_common.jetstream.bus import BrokerAway, Bus
from support.poll import poll_until

WAIT_S = 60.0


async def asked(bus: Bus, subject: str, body: Any = None) -> Any:
    """`bus.api`, asked again while the broker says that it cannot now.

    Raises:
        ApiRefused: an answer that no waiting changes.
    """

    async def answer() -> Any:
        try:
            return await bus.api(subject, body)
        except BrokerAway:
            return None

    return await poll_until(answer, f"an answer to {subject}", timeout_s=WAIT_S)


async def back(bus: Bus) -> None:
    """Wait until a broker that was started again answers; `connected` may be of before its end."""
    await asked(bus, "INFO")


async def leader_of(bus: Bus, subject: str) -> str:
    """The node that leads a stream or a consumer, once one does; `subject` is its INFO."""

    async def leads() -> str:
        return str((await asked(bus, subject)).get("cluster", {}).get("leader") or "")

    return await poll_until(leads, f"a leader: {subject}", timeout_s=WAIT_S)
