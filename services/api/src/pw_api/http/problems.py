"""Errors as RFC 9457 problem+json, whatever raised them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pw_api.broker.history import NoHistory
from pw_api.core import places
from pw_api.http.parameters import ADDRESS
from pw_api.models.problem import Problem
from pw_common.jetstream.bus import ApiRefused, BrokerAway

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "1"
EARLIER = "allowed: what an earlier answer gave for it (`next_before`, `Pw-Next-After`)"
# By the pattern that a parameter does not match.
ALLOWED = {
    ADDRESS: "allowed: an address in base58, 32 to 44 signs, none of them 0, O, I or l",
    **dict.fromkeys((places.SWAP, places.BUYER, places.WALLET, places.ALERT), EARLIER),
}
# No other page shows, frames or reads what is ours, whatever its type.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def problem(
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """One problem; `detail` says what was wrong and what to do."""
    # What came in may hold a lone surrogate, which no answer can.
    detail = detail.encode("utf-8", "backslashreplace").decode("utf-8")
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(
        body.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Answer every expected error of this app as a problem."""

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        detail = str(error.detail)
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"There is nothing at {request.url.path[:200]}: see /openapi.json for what is."
        return problem(error.status_code, detail, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"where": ".".join(str(part) for part in one["loc"]), "what": _what(one)}
            for one in error.errors()
        ]
        detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)

    @app.exception_handler(BrokerAway)
    async def on_away(_request: Request, error: BrokerAway) -> JSONResponse:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The broker does not answer ({error}); this recovers by itself once it is back.",
            headers={"Retry-After": RETRY_AFTER_S},
        )

    @app.exception_handler(NoHistory)
    async def on_no_history(_request: Request, error: NoHistory) -> JSONResponse:
        return problem(error.status, str(error), headers={"Retry-After": RETRY_AFTER_S})

    @app.exception_handler(Exception)
    async def on_fault(_request: Request, _error: Exception) -> JSONResponse:
        # Logged with its traceback by the server; nothing of it is the client's business. It is
        # answered outside of everything else, which would add the headers.
        why = "Internal error: see the API's log."
        headers = {**HEADERS, "Cache-Control": "no-store"}
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, why, headers=headers)

    @app.exception_handler(ApiRefused)
    async def on_refused(_request: Request, error: ApiRefused) -> JSONResponse:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The broker refuses ({error}): is it provisioned?",
            headers={"Retry-After": RETRY_AFTER_S},
        )


def _what(error: Mapping[str, Any]) -> str:
    """What is wrong in words: a pattern tells a person little."""
    pattern = error.get("ctx", {}).get("pattern", "")
    return ALLOWED.get(pattern, str(error["msg"]))
