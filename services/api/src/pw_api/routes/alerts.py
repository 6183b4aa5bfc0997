"""Alerts and tokens over HTTP: pages, one token by request, and a stream as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from pw_api.core.peers import Slots, peer_of
from pw_api.models.shapes import AlertsAnswer, Token, TokensAnswer, WhyRow, answer_of
from pw_common.documents.document import BadDocument, decode
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage, newest_first
from pw_common.jetstream.requests import Unanswered, ask
from pw_common.process.clock import monotonic_s
from pw_common.service.run import Runtime
from pw_common.text.amounts import amounts_as_text, body_with_text
from pw_common.topology.subjects import ASK_DETECTOR, BUCKET_HOT, BUCKET_TOKENS, STREAM_ALERT
from pw_common.wire.alerts import Alert, decode_alert, ended_of
from pw_common.wire.envelope import BadEnvelope, decompress
from pw_common.wire.limits import BATCH_BYTES_MAX

LIMIT_MAX: Final = 1_000
STREAMS_MAX: Final = 32
# One client cannot take all of them.
STREAMS_PER_PEER_MAX: Final = 8
RETRY_AFTER_S: Final = "5"
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
    """A JSON answer; raw amounts are text."""
    return Response(
        msgspec.json.encode(amounts_as_text(body)), status, media_type="application/json"
    )


def router(runtime: Runtime, bus: Callable[[], Bus]) -> APIRouter:
    """Routes below `/api/v1`."""
    routes = APIRouter()
    slots = Slots(total=STREAMS_MAX, each=STREAMS_PER_PEER_MAX)

    @routes.get("/alerts", responses=answer_of(AlertsAnswer))
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
            if all(value is None or _has(alert, name, value) for name, value in wanted.items())
        ]
        return json({"alerts": kept, "next_before_seq": page.next_before_seq})

    @routes.get("/alerts/stream")
    async def stream(
        request: Request,
        last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
    ) -> StreamingResponse:
        """Server-sent events: every alert from now on, or from after `Last-Event-ID`."""
        # Known before the answer begins: who then asks for a page of alerts finds in it all that
        # will not come here.
        after = await _after(bus(), last_event_id)
        peer = peer_of(request.client.host if request.client else "")
        if why := slots.take(peer):
            raise HTTPException(
                503,
                f"No alert stream is free, {why}: close one.",
                headers={"Retry-After": RETRY_AFTER_S},
            )
        return _Stream(
            _events(runtime, bus(), after),
            slots,
            peer,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    _add_tokens(routes, bus)
    return routes


def _add_tokens(routes: APIRouter, bus: Callable[[], Bus]) -> None:
    @routes.get("/tokens", responses=answer_of(TokensAnswer))
    async def tokens(state: Literal["HOT", "WARM"] | None = None) -> Response:
        """HOT tokens, and the most bought WARM ones, as the detector told them last."""
        found = await _projection(bus(), BUCKET_HOT if state == "HOT" else BUCKET_TOKENS)
        return json({"tokens": [one for known, one in found if state in {None, known}]})

    @routes.get("/tokens/{mint}", responses=answer_of(Token))
    async def token(mint: Mint) -> Response:
        """One token's state, facts and metrics; null where unknown, and why."""
        return json((await _ask(bus(), mint, "facts"))["facts"])

    @routes.get("/tokens/{mint}/why", responses=answer_of(WhyRow, many=True))
    async def why(mint: Mint) -> Response:
        """Each rule for a token: its values, and what keeps it from ringing."""
        return json((await _ask(bus(), mint, "why"))["why"])


class _Stream(StreamingResponse):
    """Events, and the place that they take until the client has gone."""

    def __init__(
        self, events: AsyncGenerator[bytes, None], slots: Slots, peer: str, **more: Any
    ) -> None:
        super().__init__(events, **more)
        self._events, self._slots, self._peer = events, slots, peer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slots.give_back(self._peer)
            # A client who leaves while nothing happens would keep its reader open.
            await self._events.aclose()


async def _after(bus: Bus, last_event_id: int | None) -> int:
    """The sequence after which a stream goes on: that of the last event seen, else the newest.

    An id beyond the newest is of another stream of this name: this one is told from its beginning.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    state = (await bus.api(f"STREAM.INFO.{STREAM_ALERT}"))["state"]
    newest = int(state["last_seq"])
    if last_event_id is None:
        return newest
    return last_event_id if last_event_id <= newest else 0


async def _events(runtime: Runtime, bus: Bus, after: int) -> AsyncGenerator[bytes, None]:
    reader = LogReader(bus, STREAM_ALERT, start_seq=after + 1)
    try:
        told_s = monotonic_s()
        # An id without data is no event, and is what a browser names when it comes again: also
        # one whose stream ended before the first alert.
        yield b": alerts\nid: %d\n\n" % after
        while not runtime.stop.is_set():
            for message in await reader.fetch(64, timeout_s=0.5):
                told_s = monotonic_s()
                # A line feed within would forge events; JSON needs none.
                body = _placed(message).replace(b"\n", b" ").replace(b"\r", b" ")
                yield b"id: %d\nevent: alert\ndata: %s\n\n" % (message.seq, body)
            if monotonic_s() - told_s > KEEP_ALIVE_S:
                told_s = monotonic_s()
                yield b": still here\n\n"
    except (BrokerAway, ApiRefused) as error:
        # The client comes again with the last id that it saw.
        yield f"event: error\ndata: {' '.join(str(error).split())}\n\n".encode()
    finally:
        await reader.close()


def _placed(message: StoredMessage) -> bytes:
    """A body with its place and its time, as a page of alerts has them; no object stays as is."""
    body = body_with_text(message.body).rstrip()
    if not body.endswith(b"}") or len(body) < len(b'{"":0}'):
        return body
    return b'%s,"seq":%d,"stored_ms":%d}' % (body[:-1], message.seq, message.time_ms)


def _told(message: StoredMessage) -> tuple[StoredMessage, Alert] | None:
    try:
        return message, decode_alert(message.body)
    except msgspec.MsgspecError:
        return None


def _has(alert: Alert, name: str, value: str) -> bool:
    """Whether this is said of an alert; a summary is of every token that it names."""
    if name == "mint" and any(one.mint == value for one in ended_of(alert)):
        return True
    return bool(getattr(alert, name) == value)


class _Shown(msgspec.Struct, frozen=True):
    """What is looked at in a token of a projection; the rest is shown as it is."""

    state: str


async def _projection(bus: Bus, bucket: str) -> list[tuple[str, msgspec.Raw]]:
    """Each token's state and its whole; what is no projection is another version's."""
    entry = await bus.kv_get(bucket, PROJECTION_KEY)
    if entry is None:
        return []
    try:
        found = decode(decompress(entry[0], BATCH_BYTES_MAX), list[msgspec.Raw])
        return [(decode(bytes(one), _Shown).state, one) for one in found]
    except (BadEnvelope, BadDocument):
        return []  # It is written again within a second.


async def _ask(bus: Bus, mint: str, what: str) -> dict[str, Any]:
    question = msgspec.json.encode({"mint": mint, "what": what})
    try:
        answer = await ask(bus, ASK_DETECTOR, question, timeout_s=ASK_TIMEOUT_S)
        told = decode(answer, dict[str, Any])
    except (Unanswered, BadDocument) as error:
        why = error.why if isinstance(error, Unanswered) else "no answer of ours"
        raise HTTPException(503, f"No detector answers ({why}): is one running?") from error
    if "error" in told or what not in told:
        raise HTTPException(422, str(told.get("error", "the detector gave an unexpected answer")))
    return told
