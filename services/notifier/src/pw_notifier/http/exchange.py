"""One HTTP exchange with somebody who may be hostile: bounded in time, bytes and memory.

The whole exchange has one deadline: connecting, sending, headers and body together, so that an
answer that drips holds nothing up. Nothing is decompressed (1 MB of gzip is 1 GB of zeros), no
redirect is followed, no cookie is kept, and reading ends at a bound: see `bounded`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx

ANSWER_BYTES_MAX: Final = 64 * 1024
DEADLINE_S: Final = 10.0
# An error of httpx wraps one of httpcore, which wraps one of the system.
CAUSES_MAX: Final = 12
# httpcore's name for the moment from which the other side may have got something of a request.
WRITES: Final = "http11.send_request_headers.started"


class Answered(NamedTuple):
    """What came until the end, a bound or the deadline; the body is empty where it is encoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    # Whether the body came to its end within the bounds.
    whole: bool


class NoAnswer(Exception):
    """There was no status; the message has neither URL nor anything that the other side said.

    `astray`: no other request to this address would get one. There is no such host, what answers
    is not trusted, or it is not an address.
    `unsure`: some of the request was written, so it may have arrived.
    """

    def __init__(self, why: str, *, astray: bool = False, unsure: bool = False) -> None:
        super().__init__(why)
        self.astray = astray
        self.unsure = unsure


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
    bytes_max: int = ANSWER_BYTES_MAX,
) -> Answered:
    """Send one request and read at most `bytes_max` of the answer's body.

    Once the status is there it counts, whatever becomes of the body.

    Raises:
        NoAnswer: none came within the deadline, or the connection or the answer is broken.
    """
    head: tuple[int, httpx.Headers] | None = None
    body = bytearray()
    whole = False
    why, astray = f"no answer in {deadline_s:g} s", False
    written = False

    async def traced(event: str, _: Mapping[str, Any]) -> None:
        nonlocal written
        written = written or event == WRITES

    try:
        async with (
            asyncio.timeout(deadline_s),
            client.stream(
                method, url, content=content, headers=headers, extensions={"trace": traced}
            ) as answer,
        ):
            head = answer.status_code, answer.headers
            async for chunk in answer.aiter_raw():
                body += chunk[: bytes_max - len(body)]
                if len(body) >= bytes_max:
                    break
            else:
                whole = True
    except TimeoutError:
        pass
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError) as error:
        why, astray = _failure(error)
    if head is None:
        raise NoAnswer(why, astray=astray, unsure=written)
    status, found = head
    if found.get("content-encoding", "identity") != "identity":
        body.clear()
    return Answered(status, found, bytes(body), whole)


def _failure(error: BaseException) -> tuple[str, bool]:
    """What went wrong in words, and whether it is the address that is wrong."""
    cause: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if isinstance(cause, ssl.SSLError):
            what = getattr(cause, "verify_message", "") or cause.reason or type(cause).__name__
            return f"TLS: {what}", True
        if isinstance(cause, socket.gaierror):
            return f"DNS: {cause.strerror or type(cause).__name__}", True
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    is_address = isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | UnicodeError)
    return type(error).__name__, is_address
