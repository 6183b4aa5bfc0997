"""A publisher with a bounded window, which knows for each message that it is stored.

nats-py's `publish_async` never resolves a publish that the broker refuses or
that dies with the connection, so a full stream would stop us for ever. Here one
inbox takes all acks; what is refused (full stream, no leader, a first copy that
its replicas have not agreed on yet) or unanswered is sent again with the same
Msg-Id until it is stored: that is how backpressure reaches the source. Messages
may be stored in another order than published.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from pw_common.jetstream.bus import ERR_IN_PROCESS, UNAVAILABLE, Bus
from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.wire.limits import PUBLISHED_AHEAD_MAX

# Unanswered for this long: send again. Longer than a slow fsync, shorter than a leader election.
ACK_TIMEOUT_S = 3.0
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 1.0
SWEEP_S = 0.05
# The part of a wait over which refused messages are spread.
SPREAD = 0.5
GOLDEN = 0.6180339887498949

INTERNAL = 500
ERR_FULL = 10077
# JetStream's own number for a message over its stream's size limit.
ERR_TOO_LARGE = 10054


class Stored(NamedTuple):
    """The broker's word that a message is stored."""

    stream: str
    seq: int
    duplicate: bool


class PublishRefused(RuntimeError):
    """The broker will never take this message; `err_code` is JetStream's own number."""

    def __init__(self, subject: str, err_code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} ({err_code})")
        self.err_code = err_code


def evenly() -> Callable[[], float]:
    """Numbers from 0 to 1, each far from those just before it: steps of the golden ratio."""
    steps = itertools.count(1)
    return lambda: next(steps) * GOLDEN % 1.0


@dataclass
class _Out:
    subject: str
    body: bytes
    headers: dict[str, str]
    future: asyncio.Future[Stored]
    due_s: float
    tries: int = 1
    refused: str = field(default="")


class Publisher:
    """Publish with `await publish(...)` (waits for room) and await the future it returns.

    `spread` gives a number from 0 to 1 for each refusal, by which its retry comes earlier.
    """

    def __init__(
        self,
        bus: Bus,
        log: Log,
        *,
        messages_max: int = PUBLISHED_AHEAD_MAX,
        bytes_max: int = 16 * 1024 * 1024,
        on_retry: Callable[[str], None] = lambda _why: None,
        ack_timeout_s: float = ACK_TIMEOUT_S,
        spread: Callable[[], float] | None = None,
    ) -> None:
        self._bus = bus
        self._log = log
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._on_retry = on_retry
        self._ack_timeout_s = ack_timeout_s
        self._spread = spread or evenly()
        self._out: dict[str, _Out] = {}
        self._bytes = 0
        self._token = 0
        self._inbox = ""
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.Task[None] | None = None
        # True while the broker refuses because a stream is full.
        self.full = False
        self.in_flight_max = 0

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet known to be stored."""
        return len(self._out)

    async def start(self) -> None:
        """Subscribe to the acks."""
        self._inbox = self._bus.client.new_inbox()
        await self._bus.client.subscribe(f"{self._inbox}.*", cb=self._on_ack)
        self._sweeper = asyncio.create_task(self._sweep(), name="publisher-sweep")

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str]
    ) -> asyncio.Future[Stored]:
        """Send; returns at once when the window has room, with a future of `Stored`.

        The future raises `PublishRefused` when the broker will never take it, as it
        does with a message over its `max_payload`: that one is not even sent.
        """
        payload_max = int(self._bus.client.max_payload)
        # The broker counts the headers too, and ends the connection over what is too large.
        size = len(body) + _header_bytes(headers)
        if size > payload_max:
            refused: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
            why = f"{size} bytes, the broker takes {payload_max}"
            refused.set_exception(PublishRefused(subject, ERR_TOO_LARGE, why))
            return refused
        while self._out and (
            len(self._out) >= self._messages_max or self._bytes + len(body) > self._bytes_max
        ):
            await self._wait_for_room()
        self._token += 1
        token = str(self._token)
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        out = _Out(subject, body, dict(headers), future, monotonic_s() + self._ack_timeout_s)
        self._out[token] = out
        self._bytes += len(body)
        self.in_flight_max = max(self.in_flight_max, len(self._out))
        await self._send(token, out)
        return future

    async def drain(self) -> None:
        """Wait until everything sent is stored."""
        while self._out:
            futures = [out.future for out in self._out.values()]
            await asyncio.wait(futures, timeout=0.5)

    async def stop(self) -> None:
        """Stop resending; what is still in flight is given up."""
        if self._sweeper is not None:
            await end_tasks(self._sweeper)
        for out in self._out.values():
            out.future.cancel()
        self._out.clear()

    async def _wait_for_room(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # It was woken for room that it will not take: the next one must know.
                self._wake_next()
            else:
                self._waiters.remove(waiter)
            raise

    def _wake_next(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _send(self, token: str, out: _Out) -> None:
        if not self._bus.client.is_connected:
            return  # The sweeper sends it once the connection is back.
        try:
            await self._bus.client.publish(
                out.subject, out.body, reply=f"{self._inbox}.{token}", headers=dict(out.headers)
            )
        except (NatsError, OSError) as error:
            self._log.debug("publish_deferred", reason=type(error).__name__)

    async def _on_ack(self, message: Msg) -> None:
        token = message.subject.rpartition(".")[2]
        out = self._out.get(token)
        if out is None:
            return  # A late answer to something sent again and stored since.
        if message.headers and message.headers.get("Status") == "503":
            self._retry_later(out, "no_responders")
            return
        reply = msgspec.json.decode(message.data)
        error = reply.get("error")
        if error is None:
            self.full = False
            stored = Stored(reply["stream"], int(reply["seq"]), bool(reply.get("duplicate")))
            self._finish(token, out)
            if not out.future.done():
                out.future.set_result(stored)
            return
        err_code = int(error.get("err_code", 0))
        if err_code == ERR_FULL:
            self.full = True
            self._retry_later(out, "full")
        elif err_code in ERR_IN_PROCESS:
            self._retry_later(out, "in_process")
        elif int(error.get("code", 0)) in {INTERNAL, UNAVAILABLE}:
            self._retry_later(out, "unavailable")
        else:
            self._finish(token, out)
            if not out.future.done():
                description = str(error.get("description", ""))
                out.future.set_exception(PublishRefused(out.subject, err_code, description))

    def _retry_later(self, out: _Out, why: str) -> None:
        out.refused = why
        wait_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2 ** min(out.tries, 8))
        # Spread over half of the wait, so that a full window does not come back as one wave.
        out.due_s = monotonic_s() + wait_s * (1 - SPREAD * self._spread())
        out.tries += 1

    def _finish(self, token: str, out: _Out) -> None:
        del self._out[token]
        self._bytes -= len(out.body)
        self._wake_next()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            if not self._bus.client.is_connected:
                continue
            now_s = monotonic_s()
            for token, out in list(self._out.items()):
                if out.due_s > now_s or token not in self._out:
                    continue
                self._on_retry(out.refused or "timeout")
                out.refused = ""
                out.due_s = now_s + self._ack_timeout_s
                await self._send(token, out)


def _header_bytes(headers: Mapping[str, str]) -> int:
    """What headers take on the wire: a version line, one line each, an empty one."""
    if not headers:
        return 0
    lines = sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items())
    return len(b"NATS/1.0\r\n\r\n") + lines
