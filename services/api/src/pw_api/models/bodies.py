"""Bodies of requests: bounded before they are parsed, parsed beside the event loop.

Whatever is wrong with a body is a 422 that names the path, or a 413; never a 500.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from pw_api.http import problems
from pw_common.documents.document import BadDocument, line_problem, read_json, unknown_fields

BODY_BYTES_MAX: Final = 2 * 1024 * 1024
# So that bodies cannot take every thread.
PARSED_AT_ONCE: Final = 2
# Of all bodies that are under way or wait for their turn.
HELD_BYTES_MAX: Final = 32 * 1024 * 1024
RETRY_AFTER_S: Final = "2"
REVISION_MAX: Final = 2**53
WHO_MAX: Final = 100
NOTE_MAX: Final = 200
DETAIL_CHARACTERS_MAX: Final = 2_000
# Steps of a path: a name, or one in quotes; a place in a list, or any key of a mapping.
_NAME: Final = r"""(?:[A-Za-z0-9_-]+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_PLACES: Final = r"(?:\[(?:\d+|\.\.\.)\])"
_PATH: Final = re.compile(
    rf"(?P<path>(?:{_NAME}{_PLACES}*|{_PLACES}+)(?:\.{_NAME}{_PLACES}*)*)(?= \(|: )"
)
# Quotes that are not needed.
_QUOTED: Final = re.compile(r"'([A-Za-z0-9_-]+)'")
_TAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')

Kind: TypeAlias = type[msgspec.Struct]
T = TypeVar("T")


class BodyTooLarge(Exception):
    """A body over what its place takes."""


class TooManyBodies(Exception):
    """Others are sending too much at this moment for another body to fit."""


class Parsing:
    """Takes bodies, bounded in all, and reads them in threads, a few at once."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(PARSED_AT_ONCE)
        self._held = 0

    async def run(self, read: Callable[..., T], *arguments: Any) -> T:
        """`read(*arguments)` in a thread; raises what it raises."""
        async with self._turns:
            return await asyncio.to_thread(read, *arguments)

    async def body(self, request: Request, read: Callable[[bytes], T]) -> T:
        """The body, read. Raises BadDocument, BodyTooLarge, TooManyBodies."""
        said = request.headers.get("content-length", "")
        if said.isascii() and said.isdigit() and int(said[:18]) > BODY_BYTES_MAX:
            raise BodyTooLarge
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self._held += len(chunk)
                if len(body) > BODY_BYTES_MAX:
                    raise BodyTooLarge
                if self._held > HELD_BYTES_MAX:
                    raise TooManyBodies
            return await self.run(read, bytes(body))
        finally:
            self._held -= len(body)

    async def mapping(
        self, request: Request, kind: Kind, answer: Kind | None = None
    ) -> dict[str, Any]:
        """The body as a JSON object of this kind, as `read_mapping`. Raises as `body`."""
        return await self.body(request, partial(read_mapping, kind=kind, answer=answer))

    async def change(
        self, request: Request, kind: Kind, answer: Kind | None = None
    ) -> dict[str, Any]:
        """As `mapping`, with the revision of `If-Match` where a client names it there."""
        return with_revision(request, await self.mapping(request, kind, answer))


def read_mapping(body: bytes, kind: Kind, answer: Kind | None = None) -> dict[str, Any]:
    """A JSON object with known fields; what these hold is not looked at. Raises BadDocument.

    Where somebody sends back what they got and changed, fields of that `answer` stand beside it.
    """
    allowed = f"allowed: a JSON object with {', '.join(kind.__struct_fields__)}"
    if not body.strip():
        raise BadDocument([f"empty; {allowed}"])
    found = read_json(body, BODY_BYTES_MAX)
    if not isinstance(found, dict):
        raise BadDocument([f"body: {allowed}"])
    also = () if answer is None else answer.__struct_encode_fields__
    if unknown := unknown_fields(found, kind, also=also):
        raise BadDocument(unknown)
    return found


def revision_of(body: dict[str, Any]) -> int:
    """The revision that a change names. Raises BadDocument."""
    revision = body.get("revision")
    if isinstance(revision, bool) or not isinstance(revision, int):
        raise BadDocument(["revision: the number that GET gave, 0 for the first change"])
    if not 0 <= revision <= REVISION_MAX:
        raise BadDocument([f"revision: allowed: 0 to {REVISION_MAX}"])
    return revision


def with_revision(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """The body, with the revision of `If-Match` where a client names it there.

    Raises:
        BadDocument: it is not a revision, or differs from the body's.
    """
    tag = request.headers.get("if-match", "").strip()
    if not tag:
        return body
    found = _TAG.fullmatch(tag)
    if found is None:
        raise BadDocument(["If-Match: the ETag that GET gave, a revision"])
    revision = int(found[1])
    if body.get("revision", revision) != revision:
        raise BadDocument(["revision: differs from If-Match"])
    return {**body, "revision": revision}


def line_of(body: dict[str, Any], name: str, characters_max: int) -> str:
    """An optional line of text. Raises BadDocument."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadDocument([f"{name}: allowed: text"])
    if why := line_problem(value, characters_max):
        raise BadDocument([f"{name}: {why}"])
    return value


def where_of(error: str) -> str:
    """The path that an error of a document begins with; `body` where it is of the whole."""
    found = _PATH.match(error)
    return _QUOTED.sub(r"\1", found["path"]) if found else "body"


def unusable(errors: tuple[str, ...]) -> Response:
    """A 422 with each error and where it is."""
    found_errors = [{"where": where_of(error), "what": error} for error in errors]
    return problems.problem(422, "; ".join(errors)[:DETAIL_CHARACTERS_MAX], errors=found_errors)


def install(app: FastAPI) -> None:
    """Answer what bodies do wrong as problems."""

    @app.exception_handler(BodyTooLarge)
    async def too_large(_request: Request, _error: BodyTooLarge) -> Response:
        return problems.problem(413, f"At most {BODY_BYTES_MAX} bytes.")

    @app.exception_handler(TooManyBodies)
    async def too_many(_request: Request, _error: TooManyBodies) -> Response:
        why = "Too many large requests at the moment: try again later."
        return problems.problem(503, why, headers={"Retry-After": RETRY_AFTER_S})

    @app.exception_handler(BadDocument)
    async def bad_document(_request: Request, error: BadDocument) -> Response:
        return unusable(error.errors)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        # Nobody receives it; without it every client that leaves would be logged as a fault.
        return problems.problem(400, "The request body is incomplete.")
