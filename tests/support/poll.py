"""Waiting for something to become true, with words for when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# What has not come at once is asked for less and less often: asking is work too.
FIRST_S = 0.05
SLOWER = 1.2
SLOWEST_S = 0.25


async def poll_until(
    probe: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    timeout_s: float = 60.0,
    every_s: float | None = None,
) -> T:
    """Call `probe` until it answers something true; fail with `what` and the last answer.

    Name `every_s` where what is waited for is there for a moment only.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    pause_s = every_s or FIRST_S
    while True:
        answer = await probe()
        if answer:
            return answer
        if loop.time() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s for {what}; last answer: {answer!r}")
        await asyncio.sleep(pause_s)
        if every_s is None:
            pause_s = min(pause_s * SLOWER, SLOWEST_S)
