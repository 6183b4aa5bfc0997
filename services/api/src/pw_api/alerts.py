"""Alerts and tokens over HTTP: pages, one token by request, and a stream as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from nats.errors import Error as NatsError
from starlette.exceptions import HTTPException

from pw_common.alerts import Alert, decode_alert
from pw_common.bus import ApiRefused, BrokerAway, Bus
from pw_common.clock import monotonic_s
from pw_common.envelope import BadEnvelope, decompress
from pw_common.limits import BATCH_BYTES_MAX
from pw_common.log_reader import LogReader, StoredMessage, newest_first
from pw_common.run import Runtime
from pw_common.subjects import ASK_DETECTOR, BUCKET_HOT, BUCKET_TOKENS, STREAM_ALERT

LIMIT_MAX: Final = 1_000
STREAMS_MAX: Final = 32
# A comment this often keeps proxies from closing a quiet stream.
KEEP_ALIVE_S: Final = 15.0
ASK_TIMEOUT_S: Final = 2.0
PROJECTION_KEY: Final = "now"

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many, newest first")]
BeforeSeq = Annotated[
    int | None, Query(ge=1, le=2**53, description="Only those stored before this sequence")
]
Mint = Annotated[str, Path(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")]


def json(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def router(runtime: Runtime, bus: Callable[[], Bus]) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()
    streams = asyncio.Semaphore(STREAMS_MAX)

    @routes.get("/alerts")
    async def alerts(
        limit: Limit = 50,
        before_seq: BeforeSeq = None,
        mint: str | None = None,
        trigger: str | None = None,
        kind: str | None = None,
    ) -> Response:
        """Alerts, newest first; ask again with `before_seq=next_before_seq` for older ones."""
        page = await newest_first(bus(), STREAM_ALERT, limit=limit, before_seq=before_seq)
        told = [one for one in map(_told, page.messages) if one is not None]
        wanted = {"mint": mint, "trigger": trigger, "kind": kind}
        kept = [
            {"seq": message.seq, "stored_ms": message.time_ms, **msgspec.to_builtins(alert)}
            for message, alert in told
            if all(value is None or getattr(alert, name) == value for name, value in wanted.items())
        ]
        return json({"alerts": kept, "next_before_seq": page.next_before_seq})

    @routes.get("/alerts/stream")
    async def stream(
        last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
    ) -> StreamingResponse:
        """Server-sent events: every alert from now on, or from after `Last-Event-ID`."""
        if streams.locked():
            raise HTTPException(503, f"{STREAMS_MAX} streams are open: close one of them")
        return StreamingResponse(
            _events(runtime, bus(), streams, last_event_id),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.get("/tokens")
    async def tokens(state: Literal["HOT", "WARM"] | None = None) -> Response:
        """HOT tokens, and the most bought WARM ones, as the detector told them last."""
        found = await _projection(bus(), BUCKET_HOT if state == "HOT" else BUCKET_TOKENS)
        return json({"tokens": [one for one in found if state in {None, one["state"]}]})

    @routes.get("/tokens/{mint}")
    async def token(mint: Mint) -> Response:
        """One token's state, facts and metrics; null where unknown, and why."""
        return json((await _ask(bus(), mint, "facts"))["facts"])

    @routes.get("/tokens/{mint}/why")
    async def why(mint: Mint) -> Response:
        """Each rule for a token: its values, and what keeps it from ringing."""
        return json((await _ask(bus(), mint, "why"))["why"])

    return routes


async def _events(
    runtime: Runtime, bus: Bus, streams: asyncio.Semaphore, last_event_id: int | None
) -> AsyncIterator[bytes]:
    async with streams:
        if last_event_id is None:
            state = (await bus.api(f"STREAM.INFO.{STREAM_ALERT}"))["state"]
            last_event_id = int(state["last_seq"])
        reader = LogReader(bus, STREAM_ALERT, start_seq=last_event_id + 1)
        told_s = monotonic_s()
        yield b": alerts\n\n"
        try:
            while not runtime.stop.is_set():
                for message in await reader.fetch(64, timeout_s=0.5):
                    told_s = monotonic_s()
                    yield b"id: %d\nevent: alert\ndata: %s\n\n" % (message.seq, message.body)
                if monotonic_s() - told_s > KEEP_ALIVE_S:
                    told_s = monotonic_s()
                    yield b": still here\n\n"
        except (BrokerAway, ApiRefused) as error:
            # The client comes again with the last id that it saw.
            yield f"event: error\ndata: {error}\n\n".encode()
        finally:
            await reader.close()


def _told(message: StoredMessage) -> tuple[StoredMessage, Alert] | None:
    try:
        return message, decode_alert(message.body)
    except msgspec.MsgspecError:
        return None


async def _projection(bus: Bus, bucket: str) -> list[dict[str, Any]]:
    entry = await bus.kv_get(bucket, PROJECTION_KEY)
    if entry is None:
        return []
    try:
        found: list[dict[str, Any]] = msgspec.json.decode(decompress(entry[0], BATCH_BYTES_MAX))
    except (BadEnvelope, msgspec.MsgspecError):
        return []  # Another version's: it is written anew within a second.
    return found


async def _ask(bus: Bus, mint: str, what: str) -> dict[str, Any]:
    question = msgspec.json.encode({"mint": mint, "what": what})
    try:
        answer = await bus.client.request(ASK_DETECTOR, question, timeout=ASK_TIMEOUT_S)
    except (NatsError, OSError, TimeoutError) as error:
        raise HTTPException(
            503, f"No detector answers ({type(error).__name__}): is one running?"
        ) from error
    told: dict[str, Any] = msgspec.json.decode(answer.data)
    if "error" in told:
        raise HTTPException(422, told["error"])
    return told
