"""What was stored: swaps, gaps and dead letters. Fields are only ever added."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from pw_api.models.example import example

MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
WALLET = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
SIGNATURE = (
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
)


class SwapView(BaseModel):
    """One trade. Raw amounts are decimal strings, since they may exceed 2^53.

    `event_time_ms` is the clock of its block, null until that came; `stored_ms` is when the broker
    stored it. `price` is what one whole token cost in whole units of `quote_mint`, null where that
    is not known.
    """

    model_config = example(
        signature=SIGNATURE,
        ordinal=0,
        slot=350_000_123,
        index=17,
        trader=WALLET,
        side="buy",
        mint=MINT,
        base_amount_raw="354032451000",
        base_decimals=6,
        quote_mint="So11111111111111111111111111111111111111112",
        quote_amount_raw="10000000",
        quote_decimals=9,
        venues=["pump"],
        route_hops=1,
        confidence=1.0,
        reasons=[],
        fee_payer=WALLET,
        signers=[WALLET],
        event_time_ms=1_790_000_000_000,
        stored_ms=1_790_000_000_420,
        price="0.00000002824599",
    )
    signature: str
    ordinal: int
    slot: int
    index: int
    trader: str
    side: Literal["buy", "sell"]
    mint: str
    base_amount_raw: str
    base_decimals: int
    quote_mint: str | None
    quote_amount_raw: str | None
    quote_decimals: int | None
    venues: list[str]
    route_hops: int
    confidence: float
    reasons: list[str]
    fee_payer: str
    signers: list[str]
    event_time_ms: int | None
    stored_ms: int
    price: str | None


class SwapsView(BaseModel):
    """Recent swaps, newest first; `kept` is how many the API holds in memory.

    Ask again with `before=next_before` for older ones; null where none of them is held.
    """

    model_config = example(swaps=[], kept=20_000, next_before="48211.3")
    swaps: list[SwapView]
    kept: int
    next_before: str | None


class GapView(BaseModel):
    """Slots that a source did not give; both ends inclusive. `seq` is its sequence in PW_GAP."""

    model_config = example(
        seq=7,
        time_ms=1_790_000_000_000,
        source="main",
        epoch=1,
        first_missing_slot=350_000_000,
        last_missing_slot=350_000_004,
        why="the source no longer has these slots",
        filled=False,
    )
    seq: int
    time_ms: int
    source: str
    epoch: int
    first_missing_slot: int
    last_missing_slot: int
    why: str
    filled: bool


class GapsView(BaseModel):
    """Gaps, newest first. Ask again with `before_seq=next_before_seq` for older ones."""

    model_config = example(gaps=[], unreadable=0, next_before_seq=None)
    gaps: list[GapView]
    unreadable: int
    next_before_seq: int | None


class DeadLetterView(BaseModel):
    """What could not be read. `position` counts from 0 in its message; null: all of it."""

    model_config = example(
        seq=3,
        time_ms=1_790_000_000_000,
        service="parser",
        reason="transaction without meta",
        origin_stream="PW_TX",
        origin_seq=1234,
        position=5,
        size_bytes=812,
        body_hex=None,
        body_encoding=None,
        body_cut=False,
    )
    seq: int
    time_ms: int
    service: str
    reason: str
    origin_stream: str
    origin_seq: int | None
    position: int | None
    size_bytes: int
    body_hex: str | None = None
    body_encoding: str | None = None
    body_cut: bool = False


class DeadLettersView(BaseModel):
    """Dead letters, newest first. Ask again with `before_seq=next_before_seq` for older ones."""

    model_config = example(dead_letters=[], next_before_seq=None)
    dead_letters: list[DeadLetterView]
    next_before_seq: int | None
