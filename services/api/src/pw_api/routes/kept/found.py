"""What there is: search, and the days of which anything is kept."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from pw_api.http.answers import json
from pw_api.models.past import DaysAnswer, SearchAnswer
from pw_api.routes.kept.parameters import BusOf, ask, page_of, past_of
from pw_common.wire.history import TIME_MS_MAX, Day, DaysAsked, Found, SearchAsked

# A signature is 88 characters.
TEXT_CHARACTERS_MAX: Final = 100
FOUND_MAX: Final = 100
SKIPPED_MAX: Final = 1_000
DAYS_MAX: Final = 366
Text = Annotated[
    str,
    Query(
        min_length=1,
        max_length=TEXT_CHARACTERS_MAX,
        description="A part of a name or a symbol, how an address begins, or a whole signature",
    ),
]


def router(bus: BusOf) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()

    @routes.get("/search", responses=past_of(SearchAnswer))
    async def search(
        request: Request,
        q: Text,
        limit: Annotated[int, Query(ge=1, le=FOUND_MAX, description="How many")] = 20,
        skip: Annotated[int, Query(ge=0, le=SKIPPED_MAX, description="`next_skip`")] = 0,
    ) -> Response:
        """Tokens, wallets and signatures by a text."""
        asked = SearchAsked(text=q, skip=skip, limit=limit + 1)
        answer = await ask(request, bus, asked, Found)
        has_more = len(answer.rows) > limit
        goes_on = has_more and skip + limit <= SKIPPED_MAX
        return json(
            SearchAnswer(
                found=answer.rows[:limit],
                next_skip=skip + limit if goes_on else None,
                is_cut=has_more and not goes_on,
                history=answer.head,
            )
        )

    @routes.get("/days", responses=past_of(DaysAnswer))
    async def days(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=DAYS_MAX, description="How many")] = 31,
        before_ms: Annotated[
            int, Query(ge=0, le=TIME_MS_MAX, description="Only days that began before this")
        ] = TIME_MS_MAX,
    ) -> Response:
        """Days (UTC) of which anything is kept, newest first."""
        answer = await ask(request, bus, DaysAsked(before_ms=before_ms, limit=limit + 1), Day)
        page, next_before_ms = page_of(answer.rows, limit, lambda one: one.begin_ms)
        return json(DaysAnswer(days=page, next_before_ms=next_before_ms, history=answer.head))

    return routes
