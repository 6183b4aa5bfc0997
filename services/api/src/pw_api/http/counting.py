"""Counts answers by the class of their status."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_common.service.metrics import Metrics


class Counting:
    """ASGI middleware.

    It hands on every message as it comes. FastAPI's own way to wrap answers ends one that broke off
    as if it were whole.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_counted = False

        async def counting(message: Message) -> None:
            nonlocal is_counted
            if message["type"] == "http.response.start" and not is_counted:
                is_counted = True
                # A closed set of labels: the class of the status, not the status.
                self._count(f"{message['status'] // 100}xx")
            await send(message)

        try:
            await self._app(scope, receive, counting)
        except Exception:
            if not is_counted:
                self._count("5xx")
            raise

    def _count(self, status: str) -> None:
        self._metrics.count("pw_api_requests_total", status=status)
