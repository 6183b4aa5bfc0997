"""A publisher with a bounded window, which knows for each message that it is stored.

nats-py's `publish_async` never resolves a publish that the broker refuses or
that dies with the connection, so a full stream would stop us for ever. Here one
inbox takes all acks; what is refused (full stream, no leader, a first copy that
its replicas have not agreed on yet) or unanswered is sent again with the same
Msg-Id until it is stored: that is how backpressure reaches the source. Messages
may be stored in another order than published.

`window.py` decides what is sent when, and what waits; its table is there. This file
carries it out: it sends, reads answers, wakes those that wait, and looks at the clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.publishing.outcome import Publish
from pw_common.jetstream.publishing.window import Window, evenly
from pw_common.jetstream.refusals import ERR_TOO_LARGE, UNAVAILABLE, passes
from pw_common.process.clock import monotonic_s
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks
from pw_common.wire.limits import PUBLISHED_AHEAD_MAX

# Unanswered for this long: send again. Longer than a slow fsync, shorter than a leader election.
ACK_TIMEOUT_S: Final = 3.0
SWEEP_S: Final = 0.05


class Stored(NamedTuple):
    """The broker's answer that a message is stored."""

    stream: str
    seq: int
    duplicate: bool


class PublishRefused(RuntimeError):
    """The broker will never take this message; `err_code` is JetStream's own number."""

    def __init__(self, subject: str, err_code: int, description: str) -> None:
        super().__init__(f"{subject}: {description} ({err_code})")
        self.err_code = err_code


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
        self._on_retry = on_retry
        self._window = Window(messages_max, bytes_max, ack_timeout_s, spread or evenly())
        self._futures: dict[int, asyncio.Future[Stored]] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        # Set while nothing is in flight.
        self._idle = asyncio.Event()
        self._idle.set()
        self._inbox = ""
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether the broker refuses because a stream is full."""
        return self._window.full

    @property
    def in_flight_max(self) -> int:
        """The most messages that were in flight at once."""
        return self._window.in_flight_max

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet known to be stored."""
        return len(self._window)

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
        does with a message over its `max_payload`: such a message is not even sent.
        """
        payload_max = int(self._bus.client.max_payload)
        # The broker counts the headers too, and ends the connection over what is too large.
        size = len(body) + _header_bytes(headers)
        if size > payload_max:
            refused: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
            why = f"{size} bytes, the broker takes {payload_max}"
            refused.set_exception(PublishRefused(subject, ERR_TOO_LARGE, why))
            return refused
        while not self._window.has_room(len(body)):
            await self._wait_for_room()
        message = Publish(subject, body, dict(headers))
        token = self._window.sent(message, monotonic_s())
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._futures[token] = future
        self._idle.clear()
        await self._send(token, message)
        return future

    async def drain(self) -> None:
        """Wait until everything sent is stored, though nobody waits for it any more."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Stop resending; what is still in flight is given up."""
        if self._sweeper is not None:
            await end_tasks(self._sweeper)
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()
        self._window.close()
        self._idle.set()

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

    async def _send(self, token: int, message: Publish) -> None:
        if not self._bus.client.is_connected:
            return  # The sweeper sends it once the connection is back.
        try:
            await self._bus.client.publish(
                message.subject,
                message.body,
                reply=f"{self._inbox}.{token}",
                headers=dict(message.headers),
            )
        except (NatsError, OSError) as error:
            self._log.debug("publish_deferred", reason=type(error).__name__)

    async def _on_ack(self, message: Msg) -> None:
        last = message.subject.rpartition(".")[2]
        token = int(last) if last.isdecimal() else 0
        if token not in self._window:
            return  # A late answer to something sent again and stored since.
        if message.headers and message.headers.get("Status") == str(UNAVAILABLE):
            self._window.refused(token, "no_responders", monotonic_s())
            return
        reply = msgspec.json.decode(message.data)
        error = reply.get("error")
        if error is None:
            stored = Stored(reply["stream"], int(reply["seq"]), bool(reply.get("duplicate")))
            self._window.stored(token)
            self._answer(token, stored)
            return
        err_code = int(error.get("err_code", 0))
        if why := passes(int(error.get("code", 0)), err_code):
            self._window.refused(token, why, monotonic_s())
            return
        refused = self._window.condemned(token)
        description = str(error.get("description", ""))
        self._answer(token, PublishRefused(refused.subject, err_code, description))

    def _answer(self, token: int, answer: Stored | PublishRefused) -> None:
        """Tell the caller, and wake the next waiter."""
        future = self._futures.pop(token)
        self._wake_next()
        if not self._futures:
            self._idle.set()
        if future.done():
            return  # Cancelled by who no longer wants to know.
        if isinstance(answer, Stored):
            future.set_result(answer)
        else:
            future.set_exception(answer)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            if not self._bus.client.is_connected:
                continue
            for again in self._window.due(monotonic_s()):
                self._on_retry(again.why)
                await self._send(again.token, again.message)


def _header_bytes(headers: Mapping[str, str]) -> int:
    """What headers take on the wire: a version line, one line each, an empty one."""
    if not headers:
        return 0
    lines = sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items())
    return len(b"NATS/1.0\r\n\r\n") + lines
