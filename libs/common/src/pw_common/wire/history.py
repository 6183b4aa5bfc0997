"""What history is asked, and what it answers: the first part says how far it has come.

An answer is one `HistoryHead` and then rows, as JSON lines in parts (`jetstream/parts.py`). Amounts
are raw units; who shows them makes text of them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

ROWS_MAX = 10_000
SOL_MINT = "So11111111111111111111111111111111111111112"
StepMs: TypeAlias = Literal[60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000]


class SwapPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a swap stands in the chain: a page goes on before it."""

    slot: int
    index: int
    signature: str
    ordinal: int


class CandlesAsked(msgspec.Struct, frozen=True, kw_only=True, tag="candles"):
    """Candles of a token, oldest first, from `first_ms` up to but without `end_ms`."""

    mint: str
    quote_mint: str = SOL_MINT
    first_ms: int
    end_ms: int
    step_ms: StepMs = 60_000


class SwapsAsked(msgspec.Struct, frozen=True, kw_only=True, tag="swaps"):
    """Swaps of a token, of a trader, or of both, newest first."""

    mint: str | None = None
    trader: str | None = None
    before: SwapPlace | None = None
    limit: int = 100


class WalletAsked(msgspec.Struct, frozen=True, kw_only=True, tag="wallet"):
    """What a wallet traded, by token; `mint` for one of them, with its profit."""

    trader: str
    mint: str | None = None
    limit: int = 1_000


class BuyersAsked(msgspec.Struct, frozen=True, kw_only=True, tag="buyers"):
    """Who bought a token, by what they spent, the most first."""

    mint: str
    quote_mint: str = SOL_MINT
    limit: int = 100


class SearchAsked(msgspec.Struct, frozen=True, kw_only=True, tag="search"):
    """Tokens, wallets and signatures whose name or address begins with a text."""

    text: str
    limit: int = 20


HistoryAsked: TypeAlias = CandlesAsked | SwapsAsked | WalletAsked | BuyersAsked | SearchAsked


class HistoryHead(msgspec.Struct, frozen=True, kw_only=True):
    """How far history has come: `slot` is the newest in order, `event_time_ms` its time.

    `swaps_since_ms` is the time of the oldest swap that is kept, null while none is.
    """

    slot: int
    event_time_ms: int
    swaps_since_ms: int | None = None


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    """One step. Prices are whole quote for one whole token.

    `buyers` and `sellers` are different wallets; null where the step is longer than a minute.
    """

    begin_ms: int
    open: float
    high: float
    low: float
    close: float
    trades: int
    buys: int
    bought_raw: int
    sold_raw: int
    spent_raw: int
    received_raw: int
    buyers: int | None = None
    sellers: int | None = None


class HistorySwap(msgspec.Struct, frozen=True, kw_only=True):
    """A swap with its time and its session."""

    session: int
    slot: int
    event_time_ms: int
    index: int
    signature: str
    ordinal: int
    trader: str
    side: str
    mint: str
    base_amount_raw: int
    base_decimals: int
    quote_mint: str | None
    quote_amount_raw: int | None
    quote_decimals: int | None
    venues: list[str]
    confidence: float
    amended: bool


class WalletToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet did with a token against a quote, over all that is kept.

    `realized_raw` and the others of profit are first in first out, of the swaps that are kept;
    null unless one token was asked for.
    """

    mint: str
    quote_mint: str | None
    buys: int
    sells: int
    bought_raw: int
    sold_raw: int
    spent_raw: int
    received_raw: int
    first_ms: int
    last_ms: int
    realized_raw: int | None = None
    unknown_sold_raw: int | None = None
    held_raw: int | None = None
    held_cost_raw: int | None = None


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet that bought a token, by the hours that are closed and the open ones."""

    trader: str
    buys: int
    sells: int
    bought_raw: int
    sold_raw: int
    spent_raw: int
    received_raw: int
    first_ms: int
    last_ms: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a search found: `name` and `symbol` are those of a token."""

    kind: Literal["token", "wallet", "signature"]
    address: str
    name: str = ""
    symbol: str = ""
