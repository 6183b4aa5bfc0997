"""Candles, buyers, pools and wallets: what was traded, summed up."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from pw_api.core.places import (
    BUYER,
    WALLET,
    buyer_place,
    buyer_text,
    wallet_place,
    wallet_text,
)
from pw_api.http.answers import json
from pw_api.http.parameters import Address, Limit, Mint
from pw_api.models.past import (
    BuyersAnswer,
    CandlesAnswer,
    PoolsAnswer,
    Step,
    WalletAnswer,
    WalletTotalsAnswer,
)
from pw_api.routes.kept.parameters import (
    BusOf,
    EndMs,
    FirstMs,
    Quote,
    Wallet,
    ask,
    in_order,
    page_of,
    past_of,
)
from pw_common.wire.history import (
    SOL_MINT,
    TIME_MS_MAX,
    BuyerPlace,
    BuyersAsked,
    Candle,
    CandlesAsked,
    Pool,
    PoolsAsked,
    StepMs,
    TokenBuyer,
    WalletAsked,
    WalletPlace,
    WalletToken,
    WalletTotal,
    WalletTotalsAsked,
)

# A day of minutes, three and a half times.
CANDLES_MAX: Final = 5_000
STEPS_MS: Final[dict[Step, StepMs]] = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
CandleLimit = Annotated[int, Query(ge=1, le=CANDLES_MAX, description="How many, oldest first")]
BeforeBuyer = Annotated[
    str | None, Query(pattern=BUYER, description="Only those behind this: `next_before`")
]
BeforeToken = Annotated[
    str | None, Query(pattern=WALLET, description="Only those behind this: `next_before`")
]


def router(bus: BusOf) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()
    _add_candles(routes, bus)
    _add_buyers(routes, bus)
    _add_pools(routes, bus)
    _add_wallets(routes, bus)
    return routes


def _add_candles(routes: APIRouter, bus: BusOf) -> None:
    @routes.get("/tokens/{mint}/candles", responses=past_of(CandlesAnswer))
    async def candles(
        request: Request,
        mint: Mint,
        first_ms: FirstMs,
        end_ms: EndMs,
        step: Step = "1m",
        quote: Quote = SOL_MINT,
        limit: CandleLimit = CANDLES_MAX,
    ) -> Response:
        """A token's candles against one quote, in whole steps from the one that has `first_ms`."""
        in_order(first_ms, end_ms)
        step_ms = STEPS_MS[step]
        answer = await ask(
            request,
            bus,
            CandlesAsked(
                mint=mint,
                quote_mint=quote,
                # A part of a step would be a candle that is not true.
                first_ms=first_ms // step_ms * step_ms,
                end_ms=min(-(-end_ms // step_ms) * step_ms, TIME_MS_MAX),
                step_ms=step_ms,
                limit=limit + 1,
            ),
            Candle,
        )
        return json(
            CandlesAnswer(
                mint=mint,
                quote_mint=quote,
                step_ms=step_ms,
                candles=answer.rows[:limit],
                next_first_ms=answer.rows[limit].begin_ms if len(answer.rows) > limit else None,
                history=answer.head,
            )
        )


def _add_buyers(routes: APIRouter, bus: BusOf) -> None:
    @routes.get("/tokens/{mint}/buyers", responses=past_of(BuyersAnswer))
    async def buyers(
        request: Request,
        mint: Mint,
        quote: Quote = SOL_MINT,
        limit: Limit = 100,
        before: BeforeBuyer = None,
    ) -> Response:
        """Who bought a token, who spent most first."""
        asked = BuyersAsked(
            mint=mint, quote_mint=quote, before=buyer_place(before), limit=limit + 1
        )
        answer = await ask(request, bus, asked, TokenBuyer)
        page, next_before = page_of(
            answer.rows, limit, lambda one: buyer_text(BuyerPlace(one.spent_raw, one.trader))
        )
        return json(
            BuyersAnswer(
                mint=mint,
                quote_mint=quote,
                buyers=page,
                next_before=next_before,
                history=answer.head,
            )
        )


def _add_pools(routes: APIRouter, bus: BusOf) -> None:
    @routes.get("/tokens/{mint}/pools", responses=past_of(PoolsAnswer))
    async def pools(request: Request, mint: Mint) -> Response:
        """A token's pools and what they held last, the one that changed last first."""
        answer = await ask(request, bus, PoolsAsked(mint=mint), Pool)
        return json(PoolsAnswer(mint=mint, pools=answer.rows, history=answer.head))


def _add_wallets(routes: APIRouter, bus: BusOf) -> None:
    @routes.get("/wallets/{wallet}", responses=past_of(WalletAnswer))
    async def wallet(
        request: Request,
        wallet: Wallet,
        mint: Address = None,
        limit: Limit = 100,
        before: BeforeToken = None,
    ) -> Response:
        """What a wallet traded, by token; with `mint` that one, and its profit."""
        asked = WalletAsked(trader=wallet, mint=mint, before=wallet_place(before), limit=limit + 1)
        answer = await ask(request, bus, asked, WalletToken)
        page, next_before = page_of(
            answer.rows,
            limit,
            lambda one: wallet_text(WalletPlace(one.last_ms, one.mint, one.quote_mint)),
        )
        return json(
            WalletAnswer(wallet=wallet, tokens=page, next_before=next_before, history=answer.head)
        )

    @routes.get("/wallets/{wallet}/totals", responses=past_of(WalletTotalsAnswer))
    async def totals(request: Request, wallet: Wallet) -> Response:
        """What a wallet traded over all its tokens, by quote."""
        answer = await ask(request, bus, WalletTotalsAsked(trader=wallet), WalletTotal)
        return json(WalletTotalsAnswer(wallet=wallet, totals=answer.rows, history=answer.head))
