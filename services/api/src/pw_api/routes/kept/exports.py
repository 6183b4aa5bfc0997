"""Swaps as a file: handed on part by part, so that no file is ever held here.

A file that breaks off ends as a broken transfer, never as a whole answer: what a client has then is
known to be a part.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from pw_api.broker.history import NoHistory, head_of, history_parts
from pw_api.core.peers import Slots, peer_of
from pw_api.core.places import SWAP, swap_place, swap_text
from pw_api.http.leaving import unless_gone
from pw_api.http.parameters import Mint
from pw_api.models.openapi import CSV, file_of, problems_of
from pw_api.routes.kept.parameters import ALL_MS, BusOf, EndMs, FirstMs, Wallet, in_order
from pw_common.wire.history import EXPORT_ROWS_MAX, ExportAsked, ExportHead, SwapPlace

ROWS: Final = 100_000
PARQUET: Final = "application/vnd.apache.parquet"
MEDIA: Final[dict[str, str]] = {"csv": CSV, "parquet": PARQUET}
# History reads three answers at once: files leave one of them to questions.
FILES_MAX: Final = 2
FILES_PER_PEER_MAX: Final = 1
RETRY_AFTER_S: Final = "10"
# Its answers end where the connection does, so that half a file would look whole.
ENDLESS: Final = "1.0"
TOO_OLD: Final = (
    "HTTP/1.0 cannot show that a file broke off: ask with HTTP/1.1. A proxy may be in between: for "
    "nginx say `proxy_http_version 1.1`."
)

Format = Literal["csv", "parquet"]
Place = Callable[[Request], AsyncIterator[AsyncExitStack]]
Rows = Annotated[int, Query(ge=1, le=EXPORT_ROWS_MAX, description="How many rows, oldest first")]
After = Annotated[
    str | None, Query(pattern=SWAP, description="Only those after this: `Pw-Next-After`")
]


class BrokeOff(Exception):  # noqa: N818 - says what happened
    """A file that had begun does not go on: the connection is closed in the middle of it."""


class _File(NamedTuple):
    """A file that has begun."""

    head: ExportHead
    first: bytes
    parts: AsyncGenerator[bytes, None]


class _Span(NamedTuple):
    """Which of the swaps a file has."""

    first_ms: int
    end_ms: int
    limit: int
    after: SwapPlace | None


async def _span(
    first_ms: FirstMs = 0, end_ms: EndMs = ALL_MS, limit: Rows = ROWS, after: After = None
) -> _Span:
    in_order(first_ms, end_ms)
    return _Span(first_ms, end_ms, limit, swap_place(after))


def router(bus: BusOf) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()
    slots = Slots(total=FILES_MAX, each=FILES_PER_PEER_MAX)

    async def place(request: Request) -> AsyncIterator[AsyncExitStack]:
        if request.scope["http_version"] == ENDLESS:
            raise HTTPException(505, TOO_OLD)
        peer = peer_of(request.client.host if request.client else "")
        if why := slots.take(peer):
            raise HTTPException(
                503,
                f"No file can be made now, {why}: wait for it to end.",
                headers={"Retry-After": RETRY_AFTER_S},
            )
        # Ends with the last part, or with whatever keeps it from being sent.
        async with AsyncExitStack() as stack:
            stack.callback(slots.give_back, peer)
            yield stack

    for format_ in ("csv", "parquet"):
        _add(routes, bus, place, format_)
    return routes


def _add(routes: APIRouter, bus: BusOf, place: Place, format_: Format) -> None:
    """The files of one format: a token's, and a wallet's."""

    async def of_token(
        request: Request,
        mint: Mint,
        # Annotations could not name `place`.
        span: _Span = Depends(_span),  # noqa: B008
        stack: AsyncExitStack = Depends(place),  # noqa: B008
    ) -> Response:
        asked = ExportAsked(format=format_, mint=mint, **span._asdict())
        return await _give(request, bus, asked, stack)

    async def of_wallet(
        request: Request,
        wallet: Wallet,
        span: _Span = Depends(_span),  # noqa: B008
        stack: AsyncExitStack = Depends(place),  # noqa: B008
    ) -> Response:
        asked = ExportAsked(format=format_, trader=wallet, **span._asdict())
        return await _give(request, bus, asked, stack)

    for path, name, give in (
        ("/tokens/{mint}/swaps", "token", of_token),
        ("/wallets/{wallet}/swaps", "wallet", of_wallet),
    ):
        routes.add_api_route(
            f"{path}.{format_}",
            give,
            methods=["GET"],
            name=f"swaps_of_{name}_as_{format_}",
            description=DESCRIPTION.format(name=name),
            response_class=Response,
            responses=file_of(MEDIA[format_]) | problems_of(504, 505),
        )


async def _give(
    request: Request, bus: BusOf, asked: ExportAsked, stack: AsyncExitStack
) -> Response:
    parts = history_parts(bus(), asked)
    stack.push_async_callback(parts.aclose)
    file = await unless_gone(request, _begin(parts))
    name = f"swaps-{asked.mint or asked.trader}.{asked.format}"
    return StreamingResponse(
        _rest(file, stack), media_type=MEDIA[asked.format], headers=_headers(file.head, name)
    )


DESCRIPTION: Final = (
    "The swaps of one {name} as a file, oldest first. Where there are more rows than `limit`, the "
    "header `Pw-Next-After` says with which `after` the next file begins. `Pw-History-Slot`, "
    "`-Event-Time-Ms`, `-Swaps-Since-Ms`, `-Holes` and `-Behind-S` say how far history has come. A "
    "file that cannot be given to its end breaks off."
)


async def _begin(parts: AsyncGenerator[bytes, None]) -> _File:
    """The head and the first part: from here on the file is there.

    Raises:
        NoHistory: it is not.
    """
    head = head_of(await anext(parts, b""), ExportHead)
    return _File(head, await anext(parts, b""), parts)


async def _rest(file: _File, held: AsyncExitStack) -> AsyncIterator[bytes]:
    yield file.first
    try:
        async for part in file.parts:
            yield part
    except NoHistory as error:
        raise BrokeOff(str(error)) from error
    # Before a client knows that it has all of it: the next file may begin.
    await held.aclose()


def _headers(head: ExportHead, name: str) -> dict[str, str]:
    told: dict[str, Any] = {
        "Pw-History-Slot": head.slot,
        "Pw-History-Event-Time-Ms": head.event_time_ms,
        "Pw-History-Swaps-Since-Ms": head.swaps_since_ms,
        "Pw-History-Holes": len(head.holes),
        "Pw-History-Behind-S": head.behind_s,
        "Pw-Next-After": None if head.next_after is None else swap_text(head.next_after),
    }
    shown = {key: str(value) for key, value in told.items() if value is not None}
    return {"Content-Disposition": f'attachment; filename="{name}"', **shown}
