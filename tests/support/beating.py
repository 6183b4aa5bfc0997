"""Services that are not really there and beat all the time, as real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

EVERY_S = 1.0


@asynccontextmanager
async def beating(once: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Store these heartbeats every second while the body runs; the first ones before it."""

    async def on() -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await once()

    await once()
    task = asyncio.create_task(on(), name="beating")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
