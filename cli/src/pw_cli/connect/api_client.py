"""How commands ask the API, which may be somebody else's: see `exchange`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from pw_notifier.http.bounded import bounded_client
from pw_notifier.http.exchange import Answered, NoAnswer, exchange

TIMEOUT_S: Final = 10.0
# A status of many services and streams, or a page of dead letters with their bodies.
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024


class ApiClient:
    """Asks from ordinary code; a context manager."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url.rstrip("/")
        self._headers = headers
        self._runner = asyncio.Runner()
        self._client: httpx.AsyncClient | None = None

    def __enter__(self) -> Self:
        self._client = bounded_client(ANSWER_BYTES_MAX)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._runner.run(self._client.aclose())
        self._runner.close()

    def get(self, path: str, *, deadline_s: float = TIMEOUT_S) -> Answered:
        """One answer. Raises NoAnswer."""
        return self._runner.run(self._ask("GET", path, deadline_s=deadline_s))

    def put(self, path: str, body: Any) -> Answered:
        """One answer to a JSON body. Raises NoAnswer."""
        return self._runner.run(self._ask("PUT", path, msgspec.json.encode(body)))

    def post(self, path: str, body: Any = None, *, deadline_s: float = TIMEOUT_S) -> Answered:
        """One answer to a JSON body, or to none. Raises NoAnswer."""
        content = b"{}" if body is None else msgspec.json.encode(body)
        return self._runner.run(self._ask("POST", path, content, deadline_s=deadline_s))

    def delete(self, path: str) -> Answered:
        """One answer. Raises NoAnswer."""
        return self._runner.run(self._ask("DELETE", path))

    async def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        deadline_s: float = TIMEOUT_S,
    ) -> Answered:
        assert self._client is not None
        kind = {} if content is None else {"Content-Type": "application/json"}
        answer = await exchange(
            self._client,
            method,
            self._url + path,
            content=content,
            headers={**self._headers, **kind},
            deadline_s=deadline_s,
            bytes_max=ANSWER_BYTES_MAX,
        )
        if not answer.whole:
            raise NoAnswer(
                f"no complete answer within {deadline_s:g} s and {ANSWER_BYTES_MAX} bytes"
            )
        return answer


def decoded(body: bytes) -> Any:
    """A body's JSON; None where it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        return None
