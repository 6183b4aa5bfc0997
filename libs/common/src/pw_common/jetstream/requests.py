"""Questions and answers between services, and listening to a subject: core NATS, nothing stored."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

from pw_common.jetstream.bus import BrokerAway, Bus


class Unanswered(BrokerAway):
    """Nobody answered in time, or the broker is away; `why` is the client's word for it."""

    def __init__(self, subject: str, error: Exception) -> None:
        super().__init__(f"{subject}: {type(error).__name__}")
        self.why = type(error).__name__


class NobodyListens(Unanswered):
    """No service has subscribed to the subject: nothing was done."""


async def ask(
    bus: Bus,
    subject: str,
    body: bytes,
    *,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Ask whoever listens; returns the answer's body.

    Raises:
        NobodyListens: nobody does.
        Unanswered: no answer came; what was asked for may have been done.
    """
    sent = dict(headers) if headers else None
    try:
        answer = await bus.client.request(subject, body, timeout=timeout_s, headers=sent)
    except NoRespondersError as error:
        raise NobodyListens(subject, error) from error
    except (NatsError, OSError, TimeoutError) as error:
        raise Unanswered(subject, error) from error
    return answer.data


async def answer_questions(
    bus: Bus, subject: str, group: str, on_question: Callable[[Msg], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """Take questions from now on. The instances of `group` share them.

    The broker has the subscription when this returns, unless it is away or slow meanwhile: the
    client then subscribes as soon as it can. Returns what ends it.
    """
    subscription = await bus.client.subscribe(subject, queue=group, cb=on_question)
    with contextlib.suppress(NatsError, OSError):
        await _heard(bus)

    async def end() -> None:
        try:
            await subscription.unsubscribe()
        except (NatsError, OSError):
            return  # The connection is gone, and the subscription with it.

    return end


async def respond(question: Msg, body: bytes) -> None:
    """Answer a question.

    Raises:
        Unanswered: the connection is gone; whoever asked waits in vain.
    """
    try:
        await question.respond(body)
    except NatsError as error:
        raise Unanswered(question.subject, error) from error


class Listener:
    """What is published on a subject from now on; nothing is waited for or acknowledged."""

    def __init__(self, bus: Bus, subscription: Any) -> None:
        self._bus = bus
        self._subscription = subscription

    @property
    def waiting(self) -> int:
        """Messages that came and were not taken."""
        return int(self._subscription.pending_msgs)

    async def next(self, timeout_s: float) -> Msg | None:
        """The next message, or None when none came in time."""
        try:
            message: Msg = await self._subscription.next_msg(timeout=timeout_s)
        except (TimeoutError, NatsTimeout):
            return None
        return message

    async def settle(self, timeout_s: float) -> bool:
        """Wait until what the broker has taken so far is here; whether it said so in time."""
        try:
            await self._bus.client.flush(timeout=timeout_s)  # type: ignore[arg-type]
        except NatsError:
            return False
        return True

    async def close(self) -> None:
        """Stop listening."""
        try:
            await self._subscription.unsubscribe()
        except (NatsError, OSError):
            return  # The connection is gone, and the subscription with it.


async def listen(
    bus: Bus, subject: str, *, messages_max: int = 512 * 1024, bytes_max: int = 128 * 1024 * 1024
) -> Listener:
    """Listen to a subject; at most so much waits to be taken, the rest is dropped and reported.

    The broker has the subscription when this returns: what is published then is heard.
    """
    subscription = await bus.client.subscribe(
        subject, pending_msgs_limit=messages_max, pending_bytes_limit=bytes_max
    )
    await _heard(bus)
    return Listener(bus, subscription)


async def _heard(bus: Bus) -> None:
    """Wait until the broker has read what was subscribed to."""
    # The client's ping overtakes what it has not written yet. An answer to the first says that the
    # subscription was written meanwhile; one to the second, that the broker has read it.
    await bus.client.flush()
    await bus.client.flush()
