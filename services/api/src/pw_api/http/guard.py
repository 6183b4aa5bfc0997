"""uvicorn's protocol with deadlines: no client holds a connection by doing nothing.

uvicorn itself only ends a connection that is silent between two requests. Here every phase has
a deadline: the head of a request, its body, the answer, and each pause while a slow client
reads. Only a stream of events may stay, and it too must be read.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

import h11
import msgspec
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from pw_api.core.peers import client_of, peer_of
from pw_api.http.connections import Connections

HEALTH: Final = frozenset({"/livez", "/readyz", "/metrics"})
# Less than this in `stall_s` is not progress.
PROGRESS_BYTES: Final = 16 * 1024
RETRY_AFTER_S: Final = 2
AGAIN: Final = f"try again in {RETRY_AFTER_S} s"
EVENT_STREAM: Final = b"text/event-stream"
FORWARDED_FOR: Final = b"x-forwarded-for"
CLOSE: Final = (b"connection", b"close")


class GuardedProtocol(H11Protocol):
    """One connection. `peer`, `capped` and `reserved` are set by `Connections`."""

    peer = ""
    capped = True
    reserved = False

    def __init__(self, *, connections: Connections, **more: Any) -> None:
        super().__init__(**more)
        self._all = connections
        self._limits = connections.limits
        self._whole = self.app
        self.app = self._watched
        self._phase: tuple[str, RequestResponseCycle | None] = ("", None)
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._buffered = 0
        self._is_lost = False
        # The cycle whose answer is a stream of events.
        self._stream: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, or end at once."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        if not self._all.enter(self, host):
            self.connections.discard(self)
            transport.abort()
            return
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._is_lost = True
        self._all.leave(self)
        self._cancel_timers()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn does, and note the phase that follows."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """As above."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """More of the answer waits than the transport takes: the client must read on."""
        super().pause_writing()
        if self._all.buffered() > self._limits.buffered_bytes_max:
            self._end("buffers_full")
        elif self._stall is None and not self._is_lost:
            self._watch_reading()

    def resume_writing(self) -> None:
        """It did."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def shutdown(self) -> None:
        """Leave alone what is closing already."""
        if not self.transport.is_closing():
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Not a valid request; in the middle of another answer nothing can be sent."""
        self._limits.on_closed("bad_request")
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.abort()
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            body = _problem(400, msg)
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
        self.transport.close()

    @property
    def buffered(self) -> int:
        """Bytes of answers that wait to be read."""
        return 0 if self._is_lost else self.transport.get_write_buffer_size()

    def displace(self) -> None:
        """Make room for another connection."""
        self.transport.abort()

    def _look(self) -> None:
        """Note in which phase the connection is; a new phase has its own deadline."""
        if self._is_lost or not self.peer:
            return
        cycle, limits = self.cycle, self._limits
        if cycle is None or cycle.response_complete:
            name, seconds = "head", limits.reserve_s if self.reserved else limits.head_s
        elif self._stream is cycle:
            name, seconds = "stream", 0.0
        elif cycle.more_body:
            name, seconds = "body", limits.body_s
        else:
            name, seconds = "answer", limits.answer_s
        if self._phase == (name, cycle):
            return
        self._phase = (name, cycle)
        if name == "head":
            self._all.idle(self)
        else:
            self._all.busy(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds:
            self._timer = self.loop.call_later(seconds, self._expired, name)

    def _expired(self, name: str) -> None:
        self._timer = None
        if self._is_lost:
            return
        if name == "head" and self.transport.get_write_buffer_size():
            # The answer before it is still being read, which has its own deadline.
            if self._stall is None:
                self._watch_reading()
            return
        self._end(f"{name}_timeout")

    def _watch_reading(self) -> None:
        self._buffered = self.transport.get_write_buffer_size()
        seconds = self._limits.reserve_s if self.reserved else self._limits.stall_s
        self._stall = self.loop.call_later(seconds, self._stalled)

    def _stalled(self) -> None:
        self._stall = None
        if self._is_lost:
            return
        left = self.transport.get_write_buffer_size()
        if left and left > self._buffered - PROGRESS_BYTES:
            self._end("slow_reader")
        elif left:
            self._watch_reading()
        elif self._phase[0] == "head" and self._timer is None:
            # All was read after the time for the next request had run out.
            self._end("head_timeout")

    def _end(self, why: str) -> None:
        self._limits.on_closed(why)
        self._all.leave(self)
        self._cancel_timers()
        # What is still to be read is given up: closing would wait for it for ever.
        self.transport.abort()

    def _cancel_timers(self) -> None:
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()
        self._timer = self._stall = None

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, for a client who is counted."""
        cycle = self.cycle
        is_health = scope["path"] in HEALTH
        if self.reserved and not is_health:
            await _refuse(send, 503, f"Too many connections are open: {AGAIN}")
            return
        if scope["method"] == "CONNECT":
            # A 2xx to it would end HTTP on this connection.
            await _refuse(send, 405, "This is not a proxy")
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self.reserved:
                    message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
                if _is_event_stream(message):
                    self._stream = cycle
                    self._look()
            await send(message)

        host = self.client[0] if self.client else ""
        forwarded = [v.decode("latin-1") for k, v in scope["headers"] if k == FORWARDED_FOR]
        client = client_of(host, forwarded, self._limits.trusted)
        if client != host:
            scope["client"] = (client, 0)
        peer = peer_of(client)
        if is_health or (client == host and not self.capped):
            # Probes are never counted, nor a proxy that does not say for whom it asks.
            await self._whole(scope, receive, tell)
            return
        if not self._all.begin_request(peer):
            self._limits.on_closed("requests")
            await _refuse(send, 503, f"Too many requests of {peer} are under way: {AGAIN}")
            return
        try:
            await self._whole(scope, receive, tell)
        finally:
            self._all.end_request(peer)


def _is_event_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(EVENT_STREAM)
        for name, value in message.get("headers", ())
    )


async def _refuse(send: Send, status: int, why: str) -> None:
    body = _problem(status, why)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", b"%d" % len(body)),
                (b"retry-after", b"%d" % RETRY_AFTER_S),
                CLOSE,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _problem(status: int, detail: str) -> bytes:
    title = HTTPStatus(status).phrase
    fields = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return msgspec.json.encode(fields)
