"""The dead man's switch is fetched while all is well, and only then."""

from __future__ import annotations

import httpx

from pw_common.process.log import Log
from pw_notifier.watch import fetch


async def test_it_is_fetched_and_an_answer_that_fails_ends_nothing() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if len(asked) == 2:
            raise httpx.ConnectError("away")
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        assert await fetch(Log("test"), client, "https://example.org/beat")
        assert not await fetch(Log("test"), client, "https://example.org/beat")
    assert asked == ["https://example.org/beat"] * 2
