"""What our services would have stored, made small: heartbeats, batches, gaps, dead letters."""

from __future__ import annotations

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.process.clock import now_ms
from pw_common.topology import subjects
from pw_common.wire.envelope import (
    CONTENT_ENCODING,
    MSG_ID,
    ORIGIN_SEQ,
    ORIGIN_STREAM,
    POSITION,
    REASON,
    SCHEMA,
    SCHEMA_BATCH,
    SCHEMA_DEAD_LETTER,
    SCHEMA_GAP,
    ZSTD,
    compress,
)
from pw_common.wire.framing import frame
from pw_common.wire.heartbeat import Heartbeat, Rate, SourceHealth
from pw_common.wire.messages import Batch, Counts, Gap, Swap, encode

MINT = "So11111111111111111111111111111111111111112"
TRADER = "Vote111111111111111111111111111111111111111"


async def store(bus: Bus, subject: str, body: bytes, headers: dict[str, str]) -> int:
    """Publish and wait until it is stored; gives its sequence."""
    ack = await bus.js.publish(subject, body, headers=headers)
    return ack.seq


async def beat(
    bus: Bus,
    service: str,
    *,
    instance: str = "",
    clock_ms: int = 0,
    totals: dict[str, int] | None = None,
    source: SourceHealth | None = None,
    reason: str = "",
) -> None:
    """A heartbeat of a service that is not really there, and whose clock is wrong by `clock_ms`."""
    at_ms = now_ms() + clock_ms
    name = instance or f"{service}-1"
    rates = {
        key: Rate(total=total, per_s_1s=2.0, per_s_60s=1.0) for key, total in (totals or {}).items()
    }
    heartbeat = Heartbeat(
        service=service,
        instance=name,
        version="0",
        pid=1,
        started_at_ms=at_ms - 1_000,
        at_ms=at_ms,
        http_url="",
        ready=not reason,
        reason=reason,
        rates=rates,
        source=source,
    )
    await bus.kv_put(subjects.BUCKET_INSTANCES, name, encode(heartbeat))


def source_health(*, connected: bool = True, waiting: bool = False) -> SourceHealth:
    """What an ingest says of a source named main."""
    return SourceHealth(
        source="main",
        endpoint="http://127.0.0.1:1",
        connected=connected,
        slot=100,
        lag_ms=20,
        waiting_for_broker=waiting,
    )


def make_swap(signature: str, *, mint: str = MINT, trader: str = TRADER) -> Swap:
    """A swap with amounts at the end of what a u64 holds."""
    return Swap(
        signature=signature,
        ordinal=0,
        slot=100,
        index=0,
        trader=trader,
        side="sell",
        mint=mint,
        base_amount_raw=2**64 - 1,
        base_decimals=6,
        quote_mint=MINT,
        quote_amount_raw=1,
        quote_decimals=9,
    )


async def store_batch(bus: Bus, number: int, *swaps: Swap) -> int:
    """A PW_SWAP message with these swaps."""
    batch = Batch(
        tx_stream_created="2026-01-01T00:00:00Z",
        tx_seq=number,
        source="main",
        epoch=1,
        frontier_slot=1,
        counts=Counts(updates=1, transactions=len(swaps)),
        events=swaps,
    )
    headers = {MSG_ID: f"swap:{number}", CONTENT_ENCODING: ZSTD, SCHEMA: SCHEMA_BATCH}
    return await store(bus, subjects.SWAP_BATCH, compress(encode(batch)), headers)


async def fire(bus: Bus, number: int) -> int:
    """A PW_ALERT message, of this slot and this event time."""
    body = {
        "type": "alert.v1", "id": f"a{number}", "episode": "e", "n": 0, "kind": "opened",
        "trigger": "t", "severity": "info", "slot": number, "opened_slot": number,
        "event_time_ms": number, "mint": "m",
    }  # fmt: skip
    return await store(bus, subjects.alert(f"a{number}"), msgspec.json.encode(body), {})


async def store_gap(bus: Bus, first: int, last: int) -> int:
    """A PW_GAP message."""
    gap = Gap(source="main", epoch=1, first_missing_slot=first, last_missing_slot=last, why="test")
    return await store(
        bus,
        subjects.gap("main"),
        encode(gap),
        {MSG_ID: f"gap:{first}", SCHEMA: SCHEMA_GAP},
    )


async def store_dead_letter(bus: Bus, origin_seq: int, update: bytes, *, reason: str = "x") -> int:
    """A PW_DLQ message with one update, the sixth of its origin."""
    headers = {
        MSG_ID: f"dead:tx:{origin_seq}:5",
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_DEAD_LETTER,
        REASON: reason,
        ORIGIN_STREAM: subjects.STREAM_TX,
        ORIGIN_SEQ: str(origin_seq),
        POSITION: "5",
    }
    return await store(bus, subjects.dead_letter("parser"), compress(frame(update)), headers)
