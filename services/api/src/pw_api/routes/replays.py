"""Sending a dead letter back to where it came from, as `pw dlq replay` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from pw_api.http import problems
from pw_api.http.answers import json
from pw_api.models.openapi import JSON, NOTHING, answer_of, body_of, problems_of
from pw_api.models.shapes import DeadLetterReplayed
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.dead_letters.sending import Sending
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log

# Each may wait for a channel that is slow to answer.
AT_ONCE: Final = 4

Seq = Annotated[int, Path(ge=1, le=2**53, description="Its sequence in PW_DLQ")]
Delete = Annotated[bool, Query(description="Delete it once it is sent back")]


def router(bus: Callable[[], Bus], log: Log) -> APIRouter:
    """The route below `/api/v1`."""
    routes = APIRouter()
    turns = asyncio.Semaphore(AT_ONCE)

    @routes.post(
        "/dead-letters/{seq}/replay",
        responses=answer_of(DeadLetterReplayed) | problems_of(409),
        openapi_extra=body_of({JSON: NOTHING}),
    )
    async def replay(seq: Seq, delete: Delete = False) -> Response:
        """Send a dead letter back: an update to the parsers, an alert to its channel.

        409 says why it cannot be sent. The body is not read; its type must be JSON.
        """
        async with turns:
            return await _replay(bus(), log, seq, delete=delete)

    return routes


async def _replay(bus: Bus, log: Log, seq: int, *, delete: bool) -> Response:
    refused: list[str] = []
    publisher = Publisher(bus, log)
    await publisher.start()
    try:
        work = Sending(bus, publisher, lambda _seqs, why: refused.append(why), delete=delete)
        if not await work.take(seq):
            return problems.problem(404, f"There is no dead letter {seq}.")
        await work.finish()
    finally:
        await publisher.stop()
    if refused:
        return problems.problem(409, f"It was not sent back: {refused[0]}.")
    return json({"seq": seq, "outcome": _outcome(work)})


def _outcome(work: Sending) -> str:
    if work.delivered:
        return "delivered_before"
    return "sent_before" if work.repeated else "sent"
