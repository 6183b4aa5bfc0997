"""A service that stops while the broker is away ends as cleanly as any other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvloop

from pw_common.dev.local_broker import start_broker
from pw_common.jetstream.connection import connect
from pw_common.process.log import setup
from support.poll import poll_until


async def _close_after_the_broker_died(folder: Path) -> bool:
    broker = await start_broker(folder)
    try:
        bus = await connect(f"nats://127.0.0.1:{broker.port}", "test", setup("test", "0"))
        broker.process.kill()
        broker.process.wait()

        async def disconnected() -> bool:
            return not bus.client.is_connected

        await poll_until(disconnected, "the client saw that the broker died")
        await bus.client.publish("a.subject", b"pending for ever")
        await asyncio.wait_for(bus.close(), 15)
    finally:
        broker.stop()
    return bus.client.is_closed


def test_closing_with_something_pending_for_a_dead_broker_is_no_crash(tmp_path: Path) -> None:
    assert uvloop.run(_close_after_the_broker_died(tmp_path))
