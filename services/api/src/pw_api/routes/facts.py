"""What is not in the stream of a token: its facts as a node shows them, beside the stream's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from fastapi import APIRouter, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pw_api.core.facts import OFF, Found, facts_answer
from pw_api.http.answers import json
from pw_api.http.parameters import Mint
from pw_api.models.openapi import answer_of
from pw_api.models.shapes import FactsAnswer
from pw_api.routes.tokens import ask_detector
from pw_common.jetstream.bus import Bus
from pw_common.text.base58 import is_address


class Facts(Protocol):
    """Who is asked."""

    async def of(self, bus: Bus, mint: str) -> Found:
        """The facts of a mint. Raises BrokerAway, ApiRefused."""


def router(bus: Callable[[], Bus], node: Facts | None) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()

    @routes.get("/tokens/{mint}/facts", responses=answer_of(FactsAnswer))
    async def facts(mint: Mint) -> Response:
        """A token's name, supply, authorities and extensions, and whose word each of them is.

        From a JSON-RPC node, where one is set; nothing that decides reads it. A node that fails,
        or may not be asked yet, makes no error: `missing` says so.
        """
        if not is_address(mint):
            raise RequestValidationError(
                [{"loc": ("path", "mint"), "msg": "not the address of a key", "type": "address"}]
            )
        (stream, stream_missing), found = await asyncio.gather(
            _of_stream(bus(), mint), _of_node(bus(), node, mint)
        )
        return json(facts_answer(mint, stream, found, stream_missing=stream_missing))

    return routes


async def _of_node(bus: Bus, node: Facts | None, mint: str) -> Found:
    return Found(None, OFF) if node is None else await node.of(bus, mint)


async def _of_stream(bus: Bus, mint: str) -> tuple[tuple[str | None, str | None], str]:
    """Name and symbol as the stream had them, and why they are not known at all."""
    try:
        facts = (await ask_detector(bus, mint, "facts"))["facts"]
        return (facts["name"], facts["symbol"]), ""
    except HTTPException as error:
        return (None, None), str(error.detail)
