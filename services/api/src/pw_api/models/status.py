"""The whole system at one moment. Fields are only ever added."""

from __future__ import annotations

from pydantic import BaseModel

from pw_api.models.example import example
from pw_api.models.health_view import ConditionView
from pw_api.models.unlisted import UnlistedView
from pw_common.wire.heartbeat import SourceKind
from pw_health import Mode


class RateView(BaseModel):
    """A counter: its total since start and its rates in units a second."""

    model_config = example(total=120_000, per_s_1s=512.0, per_s_60s=498.3)
    total: int
    per_s_1s: float
    per_s_60s: float


class InstanceView(BaseModel):
    """One running process, as its last heartbeat says. `stale`: none for over 5 s."""

    model_config = example(
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

    model_config = example(
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

    Sequences are of the stream that was created at `created_ms`: a new stream begins again at 1.
    """

    model_config = example(
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
    """A durable consumer. `lag_s` is the age of the oldest message that is not acked.

    `quiet_until_ms`: a channel's quiet hours hold up alerts until then. They are in `ack_pending`,
    and in `redelivered` though nobody tried to send them.
    """

    model_config = example(
        stream="PW_TX", consumer="parser", pending=3, ack_pending=16, redelivered=0, lag_s=0.12
    )
    stream: str
    consumer: str
    pending: int
    ack_pending: int
    redelivered: int
    lag_s: float
    quiet_until_ms: int | None = None


class EndpointView(BaseModel):
    """One of several endpoints of a source. `active`: its updates are taken right now.

    `refused` counts claims that cannot be; `refusing` is what it claimed lately, in words.
    `filter` is what it is asked for: successful, token-programs, programs, all-non-vote or all.
    """

    model_config = example(
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
    `recorded`: the lag of a recording means nothing. A clock that is ahead makes no negative lag.
    `filter` is what is seen now, and `narrowed` why that is less than was asked for.
    `seen_permille` is how many of a thousand blocks of the last ten minutes a JSON-RPC node was
    asked for, and `sampled` why not for all; null for any other source.
    """

    model_config = example(
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

    `stored_duplicates`: publishes that the broker already had, plus repeats in PW_SWAP that the
    detector dropped. `swaps_trimmed_unread`: messages of PW_SWAP gone before the detector or
    history had read them.
    """

    model_config = example(dead_letters=0, gaps=0, stored_duplicates=0, swaps_trimmed_unread=0)
    dead_letters: int
    gaps: int
    stored_duplicates: int
    swaps_trimmed_unread: int


class StatusView(BaseModel):
    """The whole system at one moment. `why` is that of each of `conditions`, the worst first.

    `demo`: what is shown is a generated market. `pw_command` is how `pw` is called where this was
    started, empty where that is not known. `last_swap_ms` is when the newest swap that a
    detector has read was stored; null before the first.
    """

    model_config = example(
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
