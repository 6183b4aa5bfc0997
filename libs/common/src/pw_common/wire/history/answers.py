"""What history answers: rows, and before them how far it has come.

Amounts are raw units; who shows them makes text of them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from pw_common.wire.history.questions import SwapPlace


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """A time of which something is missing: both ends are event time, null where not known yet.

    `gap` is the id of a gap that ingest recorded; empty where a stream was trimmed, or was another
    one, before it was read.
    """

    first_ms: int | None
    last_ms: int | None
    why: str
    gap: str = ""
    first_slot: int | None = None
    last_slot: int | None = None


class HistoryHead(msgspec.Struct, frozen=True, kw_only=True):
    """How far history has come: `slot` is the newest in order, `event_time_ms` its time.

    `swaps_since_ms` is the time of the oldest swap that is kept, null while none is, and
    `minutes_since_ms` that of the oldest candle. `holes` are those within the time that was asked
    for, at most `HOLES_MAX`, newest first. `behind_s` is how old what it reads now is: swaps,
    alerts or gaps, whichever is older; 0 where it had caught up less than three seconds ago.
    `swaps` is how many are kept.
    """

    slot: int
    event_time_ms: int
    swaps_since_ms: int | None = None
    minutes_since_ms: int | None = None
    holes: tuple[Hole, ...] = ()
    behind_s: float = 0.0
    swaps: int = 0


class ExportHead(HistoryHead, frozen=True, kw_only=True):
    """Before a file: `next_after` is the place of its last row where it ends at its limit."""

    next_after: SwapPlace | None = None


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
    side: Literal["buy", "sell"]
    mint: str
    base_amount_raw: int
    base_decimals: int
    quote_mint: str | None
    quote_amount_raw: int | None
    quote_decimals: int | None
    venues: list[str]
    route_hops: int
    confidence: float
    reasons: list[str]
    fee_payer: str
    signers: list[str]
    amended: bool


class WalletToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet did with a token against a quote, over all that is kept.

    `net_raw` is what it bought less what it sold: below 0 where it had tokens before, or was sent
    some. `realized_raw` and the others of profit are first in first out, of the swaps that are
    kept; null unless one token was asked for. `base_decimals` are the token's, null where neither
    its creation nor a swap of it is kept; `symbol` and `name` are empty where they are not known.
    """

    mint: str
    quote_mint: str | None
    buys: int
    sells: int
    bought_raw: int
    sold_raw: int
    spent_raw: int
    received_raw: int
    net_raw: int
    first_ms: int
    last_ms: int
    realized_raw: int | None = None
    unknown_sold_raw: int | None = None
    held_raw: int | None = None
    held_cost_raw: int | None = None
    base_decimals: int | None = None
    symbol: str = ""
    name: str = ""


class WalletTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet traded against a quote over all its tokens, of which there are `tokens`.

    What it spent and received is in raw units of the quote. That is no profit: what it holds still
    is not sold, and what it was sent was not bought.
    """

    quote_mint: str | None
    tokens: int
    buys: int
    sells: int
    spent_raw: int
    received_raw: int
    first_ms: int
    last_ms: int


class TokenBuyer(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet that bought a token, by the hours that are closed and the open ones.

    `all_spent_raw` is what all that ever bought it spent together, of which this is a share.
    """

    trader: str
    buys: int
    sells: int
    bought_raw: int
    sold_raw: int
    spent_raw: int
    received_raw: int
    first_ms: int
    last_ms: int
    all_spent_raw: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a search found: `name` and `symbol` are those of a token."""

    kind: Literal["token", "wallet", "signature"]
    address: str
    name: str = ""
    symbol: str = ""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A pool at the end of the minute that began at `minute_ms`.

    Reserves are raw units, null where its venue does not state them; `virtual` ones are what a
    bonding curve computes its price from. `to_pool` is where it migrated to.
    """

    pool: str
    venue: str
    mint_a: str
    mint_b: str
    minute_ms: int
    reserve_a_raw: int | None
    reserve_b_raw: int | None
    virtual_a_raw: int | None
    virtual_b_raw: int | None
    created_ms: int | None = None
    completed_ms: int | None = None
    to_pool: str | None = None


class CopyHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first part of a copy of the whole file: how long it is; the file follows."""

    size_bytes: int


class PriceAfter(msgspec.Struct, frozen=True, kw_only=True):
    """What a token cost so long after its alert: the last price up to `end_ms`.

    That is the end of the minute in which `after_ms` had passed, so up to a minute later. `high`
    and `low` are of the time since the row before, or since the alert; null where nothing was
    traded in it. Prices are whole quote for one whole token. `liquidity_quote_raw` is what the
    token's pools held of the quote, where their venues said so.
    """

    after_ms: int
    end_ms: int
    price: float | None
    high: float | None
    low: float | None
    trades: int
    liquidity_quote_raw: int | None = None


class StoredAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it was stored (`alert.v1`), and what followed it.

    `price` is the last one up to `since_ms`, and `after` counts from there. That is the alert's
    time; or, where the swaps of its minute are no longer kept, the end of that minute. Rows of
    `after` that lie in the future are left out; all of it is null where the minutes around the
    alert are not kept.
    """

    event_time_ms: int
    alert: msgspec.Raw
    quote_mint: str | None = None
    price: float | None = None
    since_ms: int | None = None
    after: tuple[PriceAfter, ...] | None = None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day (UTC): how many swaps were stored and how many alerts were opened."""

    begin_ms: int
    swaps: int
    tokens_created: int
    alerts: int
