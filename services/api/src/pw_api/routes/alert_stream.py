"""Alerts over HTTP as they come: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Annotated, Final, NamedTuple

import anyio
from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from pw_api.core.peers import Slots, peer_of
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.service.run import Runtime
from pw_common.text.amounts import body_with_text
from pw_common.topology.subjects import STREAM_ALERT

STREAMS_MAX: Final = 32
# One client cannot take all of them.
STREAMS_PER_PEER_MAX: Final = 8
RETRY_AFTER_S: Final = "5"
FETCH: Final = 64
CLOSE_S: Final = 2.0
LastEventId = Annotated[int | None, Header(ge=0, le=2**53)]


class _Begin(NamedTuple):
    """Where a stream begins, at which broker."""

    bus: Bus
    after: int


def router(runtime: Runtime, bus: Callable[[], Bus]) -> APIRouter:
    """The route below `/api/v1`."""
    routes = APIRouter()
    slots = Slots(total=STREAMS_MAX, each=STREAMS_PER_PEER_MAX)

    async def begin(last_event_id: LastEventId = None) -> _Begin:
        # Known before the answer begins: who then asks for a page of alerts finds in it all that
        # will not come here.
        broker = bus()
        return _Begin(broker, await _after(broker, last_event_id))

    async def place(request: Request) -> AsyncIterator[None]:
        peer = peer_of(request.client.host if request.client else "")
        if why := slots.take(peer):
            raise HTTPException(
                503,
                f"No alert stream is free, {why}: close one.",
                headers={"Retry-After": RETRY_AFTER_S},
            )
        try:
            yield
        finally:
            slots.give_back(peer)

    @routes.get("/alerts/stream", response_class=EventSourceResponse, dependencies=[Depends(place)])
    async def stream(
        # An annotation could not name `begin`.
        start: _Begin = Depends(begin),  # noqa: FAST002, B008
    ) -> AsyncIterable[ServerSentEvent]:
        """Server-sent events: every alert from now on, or from after `Last-Event-ID`.

        The data of an event named `alert` is a StoredAlert.
        """
        async for event in _events(runtime, start.bus, start.after):
            yield event

    return routes


async def _after(bus: Bus, last_event_id: int | None) -> int:
    """The sequence after which a stream goes on: that of the last event seen, else the newest.

    An id beyond the newest is of an earlier stream of this name: the present one is sent from its
    beginning.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    state = (await bus.api(f"STREAM.INFO.{STREAM_ALERT}"))["state"]
    newest = int(state["last_seq"])
    if last_event_id is None:
        return newest
    return last_event_id if last_event_id <= newest else 0


async def _events(runtime: Runtime, bus: Bus, after: int) -> AsyncIterator[ServerSentEvent]:
    reader = LogReader(bus, STREAM_ALERT, start_seq=after + 1)
    try:
        # An id without data is not an event, but a browser names it when it comes again: also a
        # browser whose stream ended before the first alert.
        yield ServerSentEvent(comment="alerts", id=str(after))
        while not runtime.stop.is_set():
            for message in await reader.fetch(FETCH, timeout_s=0.5):
                # Line feeds in a hand-written alert would make several lines of it.
                body = _with_seq(message).decode("utf-8", "replace")
                data = body.replace("\n", " ").replace("\r", " ")
                yield ServerSentEvent(event="alert", id=str(message.seq), raw_data=data)
    except (BrokerAway, ApiRefused) as error:
        # The client comes again with the last id that it saw.
        yield ServerSentEvent(event="error", raw_data=" ".join(str(error).split()))
    finally:
        # A client who leaves ends this by a cancellation, which must not keep the reader open.
        with anyio.move_on_after(CLOSE_S, shield=True):
            await reader.close()


def _with_seq(message: StoredMessage) -> bytes:
    """A body with its sequence and time, as in a page of alerts; unchanged if it is no object."""
    body = body_with_text(message.body).rstrip()
    if not body.endswith(b"}") or len(body) < len(b'{"":0}'):
        return body
    return b'%s,"seq":%d,"stored_ms":%d}' % (body[:-1], message.seq, message.time_ms)
