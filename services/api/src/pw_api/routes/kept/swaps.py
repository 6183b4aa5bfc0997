"""Swaps: all of them, a token's, a wallet's, a transaction's."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from pw_api.core.places import swap_place, swap_text
from pw_api.http.answers import json
from pw_api.http.parameters import Address, Limit, Mint, Signature
from pw_api.models.past import SwapsView, SwapView
from pw_api.routes.kept.parameters import (
    ALL_MS,
    BeforeSwap,
    BusOf,
    EndMs,
    FirstMs,
    Wallet,
    ask,
    in_order,
    page_of,
    past_of,
)
from pw_common.text.amounts import price_text
from pw_common.wire.history import HistorySwap, SwapPlace, SwapsAsked

LIMIT: Final = 100


def router(bus: BusOf) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()

    @routes.get("/swaps", responses=past_of(SwapsView))
    async def swaps(
        request: Request,
        mint: Address = None,
        wallet: Address = None,
        first_ms: FirstMs = 0,
        end_ms: EndMs = ALL_MS,
        limit: Limit = LIMIT,
        before: BeforeSwap = None,
    ) -> Response:
        """Swaps, newest first; `wallet` is the trader, fee payer or a signer."""
        in_order(first_ms, end_ms)
        asked = SwapsAsked(mint=mint, wallet=wallet, first_ms=first_ms, end_ms=end_ms, limit=limit)
        return await _page(request, bus, asked, before)

    @routes.get("/tokens/{mint}/swaps", responses=past_of(SwapsView))
    async def of_token(
        request: Request,
        mint: Mint,
        first_ms: FirstMs = 0,
        end_ms: EndMs = ALL_MS,
        limit: Limit = LIMIT,
        before: BeforeSwap = None,
    ) -> Response:
        """A token's swaps, newest first."""
        in_order(first_ms, end_ms)
        asked = SwapsAsked(mint=mint, first_ms=first_ms, end_ms=end_ms, limit=limit)
        return await _page(request, bus, asked, before)

    @routes.get("/wallets/{wallet}/swaps", responses=past_of(SwapsView))
    async def of_wallet(
        request: Request,
        wallet: Wallet,
        mint: Address = None,
        first_ms: FirstMs = 0,
        end_ms: EndMs = ALL_MS,
        limit: Limit = LIMIT,
        before: BeforeSwap = None,
    ) -> Response:
        """What a wallet traded itself, newest first."""
        in_order(first_ms, end_ms)
        asked = SwapsAsked(mint=mint, trader=wallet, first_ms=first_ms, end_ms=end_ms, limit=limit)
        return await _page(request, bus, asked, before)

    @routes.get("/transactions/{signature}", responses=past_of(SwapsView))
    async def of_transaction(
        request: Request, signature: Signature, limit: Limit = LIMIT, before: BeforeSwap = None
    ) -> Response:
        """The swaps of one transaction, the last first; none where history has none of it."""
        asked = SwapsAsked(signature=signature, limit=limit)
        return await _page(request, bus, asked, before)

    return routes


async def _page(request: Request, bus: BusOf, asked: SwapsAsked, before: str | None) -> Response:
    # One more shows whether there are older ones.
    wanted = msgspec.structs.replace(asked, before=swap_place(before), limit=asked.limit + 1)
    answer = await ask(request, bus, wanted, HistorySwap)
    page, next_before = page_of(answer.rows, asked.limit, _text)
    return json(
        SwapsView(
            swaps=[_view(one) for one in page],
            kept=answer.head.swaps,
            next_before=next_before,
            history=answer.head,
        )
    )


def _text(one: HistorySwap) -> str:
    place = one.event_time_ms, one.slot, one.index, one.signature, one.ordinal
    return swap_text(SwapPlace(*place))


def _view(one: HistorySwap) -> SwapView:
    return SwapView(**msgspec.structs.asdict(one), price=_price(one))


def _price(one: HistorySwap) -> str | None:
    if one.quote_amount_raw is None or one.quote_decimals is None:
        return None
    return price_text(
        (one.quote_amount_raw, one.quote_decimals), (one.base_amount_raw, one.base_decimals)
    )
