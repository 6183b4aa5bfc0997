"""What operations on the past take, and how one of them asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from fastapi import Path, Query, Request
from fastapi.exceptions import RequestValidationError

from pw_api.broker.history import Answer, ask_history
from pw_api.core.places import SWAP
from pw_api.http.leaving import unless_gone
from pw_api.http.parameters import ADDRESS
from pw_api.models.openapi import Responses, answer_of, problems_of
from pw_common.jetstream.bus import Bus
from pw_common.wire.history import SOL_MINT, TIME_MS_MAX, HistoryAsked

T = TypeVar("T")
R = TypeVar("R")
BusOf = Callable[[], Bus]

FirstMs = Annotated[
    int, Query(ge=0, le=TIME_MS_MAX, description="From this event time on, in ms since 1970")
]
EndMs = Annotated[
    int, Query(ge=0, le=TIME_MS_MAX, description="Up to, but without, this event time")
]
Quote = Annotated[
    str, Query(pattern=ADDRESS, description=f"What was paid with: a mint; {SOL_MINT} is SOL")
]
BeforeSwap = Annotated[
    str | None, Query(pattern=SWAP, description="Only those before this: `next_before`")
]
Wallet = Annotated[str, Path(pattern=ADDRESS, description="The wallet's address")]
ALL_MS: Final = TIME_MS_MAX


def past_of(kind: type) -> Responses:
    """The `responses` of a route that answers with this out of history."""
    return answer_of(kind) | problems_of(504)


async def ask(request: Request, bus: BusOf, asked: HistoryAsked, kind: type[T]) -> Answer[T]:
    """The answer; the question ends where the client leaves.

    Raises:
        BrokerAway: not connected.
        NoHistory: there is no whole answer.
    """
    return await unless_gone(request, ask_history(bus(), asked, kind))


def page_of(rows: list[R], limit: int, place: Callable[[R], T]) -> tuple[list[R], T | None]:
    """The page of rows of which one more was asked for, and where it goes on; None at the end."""
    page = rows[:limit]
    return page, place(page[-1]) if len(rows) > limit else None


def in_order(first_ms: int, end_ms: int) -> None:
    """Refuse a time that ends before it begins; raises RequestValidationError."""
    if end_ms <= first_ms:
        raise RequestValidationError(
            [{"loc": ("query", "end_ms"), "msg": "must be after first_ms", "type": "order"}]
        )
