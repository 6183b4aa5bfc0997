"""Ending tasks so that they have ended.

One `cancel()` is not enough on Python 3.11: `asyncio.wait_for`, which nats-py uses for every
request, swallows a cancel that arrives together with its answer. The task then goes on, and
whoever gathers it waits for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

# How long a task may clean up before it is cancelled again.
CANCEL_AGAIN_S: Final = 0.5
END_WITHIN_S: Final = 5.0


async def end_tasks(
    *tasks: asyncio.Future[Any], within_s: float = END_WITHIN_S
) -> list[asyncio.Future[Any]]:
    """Cancel until they have ended; returns those that still run after `within_s`.

    What a task raised stays in the task, marked as seen: ask `result()` where it matters.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + within_s
    left = {task for task in tasks if not task.done()}
    while left and loop.time() < until_s:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
    return list(left)


async def unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not longer than until `stop` is set."""
    waiting = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()
