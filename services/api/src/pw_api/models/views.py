"""What the API answers, for OpenAPI and for readers. Fields are only ever added."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pw_api.models.health_view import ConditionView
from pw_api.routes.unlisted import UnlistedView
from pw_common.wire.heartbeat import SourceKind
from pw_health import Mode

MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"
WALLET = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
SIGNATURE = (
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]}, frozen=True)


class RateView(BaseModel):
    """A counter: its total since start and its rates in units a second."""

    model_config = _example(total=120_000, per_s_1s=512.0, per_s_60s=498.3)
    total: int
    per_s_1s: float
    per_s_60s: float


class InstanceView(BaseModel):
    """One running process, as its last heartbeat says. `stale`: none for over 5 s."""

    model_config = _example(
        instance="parser-4711-a1b2c3",
        version="0.1.0",
        pid=4711,
        http_url="http://127.0.0.1:40123",
        ready=True,
        reason="",
        stale=False,
        age_ms=350,
        uptime_s=61.5,
    )
    instance: str
    version: str
    pid: int
    http_url: str
    ready: bool
    reason: str
    stale: bool
    age_ms: int
    uptime_s: float


class ServiceView(BaseModel):
    """A service: its instances, and its counters summed over those that are not stale."""

    model_config = _example(
        service="parser",
        instances=[],
        rates={
            "pw_parser_transactions_total": {"total": 9, "per_s_1s": 3.0, "per_s_60s": 1.5},
        },
    )
    service: str
    instances: list[InstanceView]
    rates: dict[str, RateView]


class StreamView(BaseModel):
    """A stream at the broker. `bytes_max` is its limit, -1 when it has none.

    Sequences are of the stream that was made at `created_ms`: another one begins again at 1.
    """

    model_config = _example(
        stream="PW_TX",
        messages=12,
        bytes=1_048_576,
        bytes_max=8_589_934_592,
        first_seq=100,
        last_seq=111,
        last_at_ms=1_790_000_000_000,
        created_ms=1_780_000_000_000,
    )
    stream: str
    messages: int
    bytes: int
    bytes_max: int
    first_seq: int
    last_seq: int
    last_at_ms: int | None
    created_ms: int


class ConsumerView(BaseModel):
    """A durable consumer. `lag_s` is the age of the oldest message that is not acked."""

    model_config = _example(
        stream="PW_TX", consumer="parser", pending=3, ack_pending=16, redelivered=0, lag_s=0.12
    )
    stream: str
    consumer: str
    pending: int
    ack_pending: int
    redelivered: int
    lag_s: float


class EndpointView(BaseModel):
    """One of several endpoints of a source. `active`: its updates are taken right now.

    `refused` counts claims that cannot be; `refusing` is what it claimed lately, in words.
    `filter` is what it is asked for: successful, token-programs, programs, all-non-vote or all.
    """

    model_config = _example(
        endpoint="http://127.0.0.1:10000",
        connected=True,
        active=True,
        slot=350_000_123,
        lag_ms=84,
        detail="",
        clock_ahead_ms=0,
        refused=0,
        refusing="",
        filter="successful",
    )
    endpoint: str
    connected: bool
    active: bool
    slot: int | None
    lag_ms: int | None
    detail: str
    clock_ahead_ms: int
    refused: int
    refusing: str
    filter: str


class SourceView(BaseModel):
    """A source: what its ingest said last, and its stored checkpoint.

    `endpoints` names each where there are several. `kind` is what its settings say, `live` or
    `recorded`: the lag of a recording means nothing. A clock that is ahead is no negative lag.
    `filter` is what is seen now, and `narrowed` why that is less than was asked for.
    `seen_permille` is how many of a thousand blocks of the last ten minutes a JSON-RPC node was
    asked for, and `sampled` why not for all; null for any other source.
    """

    model_config = _example(
        source="main",
        endpoint="http://127.0.0.1:10000",
        connected=True,
        slot=350_000_123,
        lag_ms=84,
        epoch=1,
        checkpoint_slot=350_000_120,
        frontier_slot=350_000_121,
        gaps=0,
        waiting_for_broker=False,
        detail="",
        endpoints=[],
        kind="live",
        clock_ahead_ms=0,
        refused=0,
        refusing="",
        filter="successful",
        narrowed="",
        sampled="",
        seen_permille=None,
    )
    source: str
    endpoint: str
    connected: bool
    slot: int | None
    lag_ms: int | None
    epoch: int
    checkpoint_slot: int | None
    frontier_slot: int | None
    gaps: int
    waiting_for_broker: bool
    detail: str
    endpoints: list[EndpointView]
    kind: SourceKind
    clock_ahead_ms: int
    refused: int
    refusing: str
    filter: str
    narrowed: str
    sampled: str
    seen_permille: int | None


class TotalsView(BaseModel):
    """Figures that should be 0 on a good day.

    `stored_duplicates`: publishes that the broker already had, plus repeats in PW_SWAP
    that readers drop.
    """

    model_config = _example(dead_letters=0, gaps=0, stored_duplicates=0, swaps_trimmed_unread=0)
    dead_letters: int
    gaps: int
    stored_duplicates: int
    swaps_trimmed_unread: int


class StatusView(BaseModel):
    """The whole system at one moment. `why` is that of each of `conditions`, the worst first.

    `demo`: what is shown is a generated market. `pw_command` is how `pw` is called where this was
    started, empty where that is not known. `last_swap_ms` is when the newest swap that this
    API has read was stored; null before the first.
    """

    model_config = _example(
        at_ms=1_790_000_000_000,
        mode="backpressure",
        why=["PW_TX is at 93 % of its limit."],
        conditions=[],
        services=[],
        streams=[],
        consumers=[],
        sources=[],
        totals={
            "dead_letters": 0,
            "gaps": 0,
            "stored_duplicates": 0,
            "swaps_trimmed_unread": 0,
        },
        unlisted={
            "since_ms": 1_790_000_000_000,
            "event_time_ms": 1_790_000_000_000,
            "swaps": 0,
            "unlisted_swaps": 0,
            "share": None,
            "left_out": 0,
            "programs": 0,
            "shown": [],
        },
        demo=False,
        pw_command=".venv/bin/pw",
        last_swap_ms=1_790_000_000_000,
    )
    at_ms: int
    mode: Mode
    why: list[str]
    conditions: list[ConditionView]
    services: list[ServiceView]
    streams: list[StreamView]
    consumers: list[ConsumerView]
    sources: list[SourceView]
    totals: TotalsView
    unlisted: UnlistedView
    demo: bool = False
    pw_command: str = ""
    last_swap_ms: int | None = None


class SwapView(BaseModel):
    """One trade. Raw amounts are decimal strings, since they may exceed 2^53."""

    model_config = _example(
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


class SwapsView(BaseModel):
    """Recent swaps, newest first; `kept` is how many the API holds in memory."""

    model_config = _example(swaps=[], kept=20_000)
    swaps: list[SwapView]
    kept: int


class GapView(BaseModel):
    """Slots that a source did not give; both ends inclusive. `seq` is the place in PW_GAP."""

    model_config = _example(
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

    model_config = _example(gaps=[], unreadable=0, next_before_seq=None)
    gaps: list[GapView]
    unreadable: int
    next_before_seq: int | None


class DeadLetterView(BaseModel):
    """What could not be read. `position` counts from 0 in its message; null: all of it."""

    model_config = _example(
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

    model_config = _example(dead_letters=[], next_before_seq=None)
    dead_letters: list[DeadLetterView]
    next_before_seq: int | None


class Problem(BaseModel):
    """RFC 9457: what went wrong, as `application/problem+json`."""

    model_config = _example(
        type="about:blank",
        title="Service Unavailable",
        status=503,
        detail="The broker does not answer: STREAM.INFO.PW_TX: TimeoutError",
        errors=None,
    )
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
