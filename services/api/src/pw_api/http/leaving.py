"""Nobody works for a client who left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from pw_common.process.tasks import end_tasks

T = TypeVar("T")


async def unless_gone(request: Request, asking: Coroutine[Any, Any, T]) -> T:
    """What is asked for, of a request without a body; it is ended where the client leaves first.

    Raises:
        ClientDisconnect: it did.
    """
    answer = asyncio.ensure_future(asking)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        await end_tasks(answer, leaving)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
