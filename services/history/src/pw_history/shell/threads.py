"""Work in a thread has ended when who waited for it goes on, even one who is cancelled.

A thread cannot be cancelled: what it works with must not be closed, or used by the next, meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What the work gives, done in a thread. One who is cancelled waits for its end all the same.

    Raises:
        asyncio.CancelledError: the waiting was cancelled; what the work gave or raised is lost.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError as error:  # More than once, where its end takes long.
            cancelled = error
    if cancelled is None:
        return working.result()
    if not working.cancelled():
        working.exception()  # Seen.
    raise cancelled
