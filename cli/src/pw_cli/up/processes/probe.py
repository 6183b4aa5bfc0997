"""Asking running services over HTTP what they have done so far.

Whatever comes back, nothing fails: an answer that makes no sense counts as no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

TIMEOUT_S = 2.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024


class NoAnswer(RuntimeError):
    """No answer that can be used right now; says why in a few words."""


async def body_of(
    client: httpx.AsyncClient, url: str, headers: Mapping[str, str] | None = None
) -> bytes:
    """The body of a 200, within one deadline and one bound.

    Raises:
        NoAnswer: anything else, whatever it is.
    """
    # Compressed answers could grow without a bound while they are unpacked.
    asked = {"Accept-Encoding": "identity", **(headers or {})}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async with client.stream("GET", url, headers=asked, timeout=TIMEOUT_S) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise NoAnswer(f"HTTP {answer.status_code}")
                body = bytearray()
                async for piece in answer.aiter_raw():
                    body += piece
                    if len(body) > ANSWER_BYTES_MAX:
                        raise NoAnswer("the answer does not end")
                return bytes(body)
    except TimeoutError as error:
        raise NoAnswer("no answer in time") from error
    except (httpx.RequestError, httpx.InvalidURL, httpx.StreamError) as error:
        raise NoAnswer(type(error).__name__) from error


async def json_of(
    client: httpx.AsyncClient, url: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON object of a 200. Raises NoAnswer."""
    try:
        found = msgspec.json.decode(await body_of(client, url, headers))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoAnswer("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise NoAnswer("the answer is not a JSON object")
    return found


async def status_of(client: httpx.AsyncClient, port: int) -> dict[str, Any] | None:
    """The replay server's `/status`, or None while it does not answer."""
    try:
        found = await json_of(client, f"http://127.0.0.1:{port}/status")
    except NoAnswer:
        return None
    counts = (found.get("sent_updates"), found.get("sent_transactions"))
    return found if all(isinstance(one, int) for one in counts) else None


async def is_ready(client: httpx.AsyncClient, port: int) -> bool:
    """Whether `/readyz` says yes."""
    return await _says_yes(client, f"http://127.0.0.1:{port}/readyz")


async def is_live(client: httpx.AsyncClient, port: int) -> bool:
    """Whether `/livez` answers at all."""
    return await _says_yes(client, f"http://127.0.0.1:{port}/livez")


async def counters(client: httpx.AsyncClient, port: int) -> dict[str, float]:
    """Every sample of `/metrics`, summed over labels; empty while it does not answer."""
    try:
        body = await body_of(client, f"http://127.0.0.1:{port}/metrics")
    except NoAnswer:
        return {}
    found: dict[str, float] = {}
    for line in body.decode(errors="replace").splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, value = line.rpartition(" ")
        bare = name.partition("{")[0]
        try:
            found[bare] = found.get(bare, 0.0) + float(value)
        except ValueError:
            return {}  # Half a page is not a reading.
    return found


async def _says_yes(client: httpx.AsyncClient, url: str) -> bool:
    try:
        await body_of(client, url)
    except NoAnswer:
        return False
    return True
