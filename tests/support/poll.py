"""Waiting for something to become true, with words for when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def poll_until(
    probe: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    timeout_s: float = 60.0,
    every_s: float = 0.05,
) -> T:
    """Call `probe` until it answers something true; fail with `what` and the last answer."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        answer = await probe()
        if answer:
            return answer
        if loop.time() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s for {what}; last answer: {answer!r}")
        await asyncio.sleep(every_s)
