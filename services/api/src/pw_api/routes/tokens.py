"""Tokens over HTTP: those that the detector last reported, and any other by request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException

from pw_api.http import problems
from pw_api.http.answers import json
from pw_api.http.parameters import LIMIT_MAX, Address, Mint
from pw_api.models.openapi import answer_of, problems_of
from pw_api.models.shapes import Token, TokensAnswer, WhyRow
from pw_common.documents.document import BadDocument, decode
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.requests import Unanswered, ask
from pw_common.topology.subjects import ASK_DETECTOR, BUCKET_HOT, BUCKET_TOKENS
from pw_common.wire.envelope import BadEnvelope, decompress
from pw_common.wire.limits import BATCH_BYTES_MAX

ASK_TIMEOUT_S: Final = 2.0
PROJECTION_KEY: Final = "now"
Limit = Annotated[
    int | None,
    Query(ge=1, le=LIMIT_MAX, description="How many, in the list's order; all unless it is said"),
]


def router(bus: Callable[[], Bus]) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()

    @routes.get("/tokens", responses=answer_of(TokensAnswer) | problems_of(409))
    async def tokens(
        state: Literal["HOT", "WARM"] | None = None,
        limit: Limit = None,
        after: Address = None,
    ) -> Response:
        """HOT tokens, and the most bought WARM ones, as the detector last reported them."""
        found = await _projection(bus(), BUCKET_HOT if state == "HOT" else BUCKET_TOKENS)
        wanted = [one for one in found if state in {None, one.shown.state}]
        begin = _place_after(wanted, after)
        if begin is None:
            why = "That token has left the list: ask again without `after`."
            return problems.problem(409, why)
        end = len(wanted) if limit is None else begin + limit
        page, rest = wanted[begin:end], wanted[end:]
        return json(
            {
                "tokens": [one.whole for one in page],
                "next_after": page[-1].shown.mint if rest else None,
            }
        )

    @routes.get("/tokens/{mint}", responses=answer_of(Token))
    async def token(mint: Mint) -> Response:
        """One token's state, facts and metrics; null where unknown, and why."""
        return json((await ask_detector(bus(), mint, "facts"))["facts"])

    @routes.get("/tokens/{mint}/why", responses=answer_of(WhyRow, many=True))
    async def why(mint: Mint) -> Response:
        """Each rule for a token: its values, and what keeps it from firing."""
        return json((await ask_detector(bus(), mint, "why"))["why"])

    return routes


class _Shown(msgspec.Struct, frozen=True):
    """What is looked at in a token of a projection; the rest is shown as it is."""

    state: str
    mint: str


class _Told(msgspec.Struct, frozen=True):
    shown: _Shown
    whole: msgspec.Raw


def _place_after(found: list[_Told], mint: str | None) -> int | None:
    """Where the tokens after this mint begin; None if it is not there."""
    if mint is None:
        return 0
    return next((at + 1 for at, one in enumerate(found) if one.shown.mint == mint), None)


async def _projection(bus: Bus, bucket: str) -> list[_Told]:
    """The tokens of a bucket; what is not a projection is another version's."""
    entry = await bus.kv_get(bucket, PROJECTION_KEY)
    if entry is None:
        return []
    try:
        found = decode(decompress(entry[0], BATCH_BYTES_MAX), list[msgspec.Raw])
        return [_Told(decode(bytes(one), _Shown), one) for one in found]
    except (BadEnvelope, BadDocument):
        return []  # It is written again within a second.


async def ask_detector(bus: Bus, mint: str, what: str) -> dict[str, Any]:
    """What the detector knows of a token; raises HTTPException where none answers."""
    question = msgspec.json.encode({"mint": mint, "what": what})
    try:
        answer = await ask(bus, ASK_DETECTOR, question, timeout_s=ASK_TIMEOUT_S)
        found = decode(answer, dict[str, Any])
    except (Unanswered, BadDocument) as error:
        why = error.why if isinstance(error, Unanswered) else "no answer of ours"
        raise HTTPException(503, f"No detector answers ({why}): is one running?") from error
    if "error" in found or what not in found:
        raise HTTPException(422, str(found.get("error", "the detector gave an unexpected answer")))
    return found
