"""JetStream's own snapshot and restore of one stream, in bounded memory.

The broker packs a stream with its sequences, consumers and acknowledgements; we never look
inside. It sends at most a window of chunks ahead of what we have written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout

from pw_common.jetstream.bus import BrokerAway, Bus, headers_of
from pw_common.process.clock import monotonic_s
from pw_common.process.tasks import end_tasks

CHUNK_BYTES: Final = 128 * 1024
# What may be under way, so what we may have to hold.
WINDOW_BYTES: Final = 2 * 1024 * 1024
LOOK_EVERY_S: Final = 0.5
# The broker gives a snapshot up after 5 s without an answer of ours; so do we, later.
IDLE_S: Final = 15.0
BEGIN_TIMEOUT_S: Final = 60.0
# The broker unpacks and checks everything before it answers the end.
END_TIMEOUT_S: Final = 3_600.0
CHUNK_TIMEOUT_S: Final = 30.0
STATUS_END: Final = "204"
# Its own headers and framing beside a chunk.
HEADROOM_BYTES: Final = 1024

T = TypeVar("T")


class Begun(NamedTuple):
    """What the broker said at the beginning of a snapshot."""

    config: dict[str, Any]
    state: dict[str, Any]


class Broken(RuntimeError):
    """A copy that is not whole, or that the broker does not take; says which and why."""


async def take(bus: Bus, stream: str, write: Callable[[bytes], None]) -> Begun:
    """Have the broker pack a stream, and hand each chunk to `write` before asking for more.

    Raises:
        BrokerAway: it went away or fell silent; what was written is worth nothing.
        ApiRefused: it refused.
        Broken: a chunk was lost on the way, or the broker gave up.
        OSError: whatever `write` raises.
    """
    inbox = bus.client.new_inbox()
    subscription = await bus.client.subscribe(inbox)
    try:
        body = {"deliver_subject": inbox, "chunk_size": CHUNK_BYTES, "window_size": WINDOW_BYTES}
        asked = bus.api(f"STREAM.SNAPSHOT.{stream}", body, timeout_s=BEGIN_TIMEOUT_S)
        begun = await _while_connected(bus, asked, stream)
        number = 0
        while True:
            message = await _next(bus, subscription, stream)
            if not message.data:
                _check_end(stream, message)
                return Begun(dict(begun["config"]), dict(begun["state"]))
            number += 1
            # The last chunk may come without a reply subject; all others are numbered.
            if message.reply and message.reply.rpartition(".")[2] != str(number):
                raise Broken(f"{stream}: chunk {number} was lost on the way; take another backup")
            write(message.data)
            if message.reply:
                await bus.client.publish(message.reply, b"")
    except NatsError as error:
        raise BrokerAway(f"{stream}: {type(error).__name__}") from error
    finally:
        await _unsubscribe(subscription)


async def give(
    bus: Bus, stream: str, config: dict[str, Any], state: dict[str, Any], chunks: Iterable[bytes]
) -> dict[str, Any]:
    """Have the broker make a stream of a copy; returns the new stream's info.

    Raises:
        BrokerAway: it went away; the stream may or may not be there.
        ApiRefused: it does not begin, for instance as the stream is there (10130).
        Broken: it did not take what the copy holds.
    """
    body = {"config": config, "state": state}
    asked = bus.api(f"STREAM.RESTORE.{stream}", body, timeout_s=BEGIN_TIMEOUT_S)
    begun = await _while_connected(bus, asked, stream)
    subject = str(begun["deliver_subject"])
    for chunk in chunks:
        answer = await _ask(bus, subject, chunk, CHUNK_TIMEOUT_S)
        if answer.data:
            _info(stream, answer)
    return _info(stream, await _ask(bus, subject, b"", END_TIMEOUT_S))


def chunk_bytes(bus: Bus) -> int:
    """How much may be sent at a time: the broker's bound, or less."""
    return min(2 * CHUNK_BYTES, int(bus.client.max_payload) - HEADROOM_BYTES)


def _info(stream: str, answer: Msg) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(answer.data)
    if error := found.get("error"):
        raise Broken(f"{stream}: {error.get('description', '')} ({error.get('err_code', 0)})")
    return found


async def _next(bus: Bus, subscription: Any, stream: str) -> Msg:
    """The next chunk; a broker that was lost takes the snapshot with it."""
    began_s = monotonic_s()
    while monotonic_s() - began_s < IDLE_S:
        try:
            message: Msg = await subscription.next_msg(timeout=LOOK_EVERY_S)
        except (TimeoutError, NatsTimeout):
            if not bus.connected:
                break
            continue
        return message
    raise BrokerAway(f"{stream}: the broker went away during the snapshot")


def _check_end(stream: str, message: Msg) -> None:
    headers = headers_of(message)
    status = headers.get("Status")
    if status not in {None, STATUS_END}:
        raise Broken(f"{stream}: the broker gave up: {status} {headers.get('Description', '')}")


async def _ask(bus: Bus, subject: str, body: bytes, timeout_s: float) -> Msg:
    try:
        asked = bus.client.request(subject, body, timeout=timeout_s)
        return await _while_connected(bus, asked, subject)
    except BrokerAway:
        raise
    except (NatsError, OSError, TimeoutError) as error:
        raise BrokerAway(f"{subject}: {type(error).__name__}") from error


async def _while_connected(bus: Bus, asked: Coroutine[Any, Any, T], what: str) -> T:
    """An answer, or BrokerAway as soon as the connection is lost: what was asked died with it."""
    asking = asyncio.ensure_future(asked)
    try:
        while True:
            done, _ = await asyncio.wait({asking}, timeout=LOOK_EVERY_S)
            if done:
                return asking.result()
            if not bus.connected:
                raise BrokerAway(f"{what}: the broker went away")
    finally:
        if not asking.done():
            await end_tasks(asking)


async def _unsubscribe(subscription: Any) -> None:
    try:
        await subscription.unsubscribe()
    except (NatsError, OSError):
        return  # The connection is gone, and the subscription with it.
