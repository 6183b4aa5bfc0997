"""The guard before every route: asks `core.access`, and turns a login code into a cookie."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pw_api.core.access import (
    Asked,
    Host,
    holds_session,
    is_https,
    is_open,
    refusal,
)
from pw_api.core.codes import Codes
from pw_api.http import problems
from pw_common.process.clock import now_ms
from pw_common.process.token_file import new_nonce
from pw_common.service.run import Runtime
from pw_common.wire.login import LOGIN_PATH, SESSION_LIFE_MS, cookie_name, new_session

NOT_TAKEN: Final = (
    "<!doctype html><title>Pocketwatcher</title><p>This link has expired or was already used. "
    "Run <code>pw url</code> for a new one.</p>"
)
NOT_TAKEN_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'"}


@dataclass
class Access:
    """What the API asks of a request: a name among `hosts`, and the token unless it is None."""

    token: str | None
    hosts: tuple[Host, ...] = ()
    started_ms: int = field(default_factory=now_ms)


class Guard:
    """ASGI middleware; every path that is not open goes through `core.access.refusal`."""

    def __init__(self, app: ASGIApp, access: Access, runtime: Runtime) -> None:
        self._app = app
        self._access = access
        self._runtime = runtime
        self._codes = Codes(access.token or "", access.started_ms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer here, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = asked_of(scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in problems.HEADERS.items():
                    headers[name] = value
                if not is_open(asked.path):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        answer = self._answer(asked, scope)
        await (answer or self._app)(scope, receive, sending)

    def _answer(self, asked: Asked, scope: Scope) -> Response | None:
        """The answer that is given here; None where a route answers."""
        access = self._access
        refused = refusal(asked, access.hosts, access.token, now_ms())
        if refused is not None:
            self._runtime.metrics.count("pw_api_refused_total", why=refused.why)
            basic = {"WWW-Authenticate": "Bearer"} if refused.why == "token" else None
            return problems.problem(refused.status, refused.detail, headers=basic)
        return self._login(asked, scope) if asked.path == LOGIN_PATH else None

    def _login(self, asked: Asked, scope: Scope) -> Response:
        token, home = self._access.token, RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if token is None:
            return home
        code = _code(scope["query_string"].decode("latin-1"))
        if not self._codes.take(code, now_ms()):
            # Somebody who is logged in opened the same link again.
            if holds_session(asked, token, now_ms()):
                return home
            self._runtime.metrics.count("pw_api_refused_total", why="code")
            return HTMLResponse(NOT_TAKEN, HTTPStatus.FORBIDDEN, headers=NOT_TAKEN_HEADERS)
        home.set_cookie(
            cookie_name(token),
            new_session(token, new_nonce(), now_ms()),
            max_age=SESSION_LIFE_MS // 1000,
            path="/",
            secure=is_https(asked, self._access.hosts),
            httponly=True,
            samesite="strict",
        )
        return home


def _code(query: str) -> str:
    """The code that a link carries, empty for any other path."""
    try:
        return parse_qs(query, max_num_fields=4).get("code", [""])[0]
    except ValueError:  # More fields than that.
        return ""


def asked_of(scope: Scope) -> Asked:
    """A request as `core.access` reads it."""
    headers: dict[str, tuple[str, ...]] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        headers[name] = (*headers.get(name, ()), raw_value.decode("latin-1"))
    return Asked(scope["method"], scope["path"], scope["scheme"], headers)
