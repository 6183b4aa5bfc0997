"""HEAD for whatever answers GET: the same head, without a body."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """ASGI middleware. Everything behind it sees a GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and keep the body back."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        is_over = False
        with anyio.CancelScope() as answering:

            async def sending(message: Message) -> None:
                nonlocal is_over
                if is_over:
                    return
                if message["type"] == "http.response.body":
                    is_over = True
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    if message.get("more_body", False):
                        # A stream of events would never end by itself.
                        answering.cancel()
                    return
                await send(message)

            await self._app({**scope, "method": "GET"}, receive, sending)
