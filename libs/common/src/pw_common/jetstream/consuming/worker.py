"""The consume loop: take, decide, store, acknowledge. In that order, whatever happens.

A handler's exception is a bug and ends the process: the messages in hand are
redelivered elsewhere. Only a broker that is away is waited for. A message that
cannot be read is the handler's business (`Done.dead_letters`), never a reason
to skip it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus, headers_of
from pw_common.jetstream.publishing.outcome import Done, NotNow, Publish
from pw_common.jetstream.publishing.publisher import Publisher, Stored
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks

FETCH_TIMEOUT_S = 0.5
BROKER_RETRY_S = 0.25
# After so many fetches without a message, look whether the consumer is there at all.
QUIET_FETCHES = 4
# Otherwise messages would be given up, or taken for done, without us.
CONSUMER_MUST = {"max_deliver": -1, "ack_policy": "explicit"}


async def _nothing() -> None:
    return


async def _no_more(_done: Done, _stored: list[Stored]) -> tuple[Publish, ...]:
    return ()


class TooMuchPoison(RuntimeError):
    """Nothing readable for many messages in a row: the backlog stays where it is."""


@dataclass(frozen=True)
class Delivery:
    """One message of a stream, as a handler sees it. `delivered` counts from 1."""

    body: bytes
    headers: dict[str, str]
    seq: int
    delivered: int
    pending: int


Handle = Callable[[Delivery], Awaitable[Done]]
OnStored = Callable[[Delivery, Done, list[Stored]], None]
Also = Callable[[Done, list[Stored]], Awaitable[tuple[Publish, ...]]]


@dataclass(frozen=True)
class WorkerLimits:
    """How much to take at once, and when to give up on poison."""

    fetch: int
    ack_wait_s: float
    poison_run_max: int


async def run_worker(
    bus: Bus,
    publisher: Publisher,
    handle: Handle,
    *,
    stream: str,
    consumer: str,
    limits: WorkerLimits,
    stop: asyncio.Event,
    log: Log,
    also: Also = _no_more,
    on_stored: OnStored = lambda _delivery, _done, _stored: None,
    on_health: Callable[[str], None] = lambda _reason: None,
    on_back: Callable[[], Awaitable[None]] = _nothing,
    on_swept: Callable[[int], None] = lambda _count: None,
) -> None:
    """Consume until `stop` is set; then finish what is in hand and hand back the rest.

    Args:
        also: Asked what else to store where an output was a duplicate, before the acknowledgement.
        on_health: Told why there can be no work (the consumer is gone or not as declared),
            and told an empty reason when there can again.
        on_swept: Told how many acknowledged messages were there again after a crash of the
            broker and were removed.
        on_back: Awaited before the first message after a consumer was gone or counts from its
            beginning again: it may be of another stream by that name.

    Raises:
        TooMuchPoison: after `poison_run_max` unreadable messages in a row.
    """
    subscription = await bus.js.pull_subscribe_bind(consumer=consumer, stream=stream)
    poison_run = 0
    quiet = 0
    reason, delivered = await _look(bus, stream, consumer)
    on_health(reason)
    is_known = not reason
    try:
        while not stop.is_set():
            messages = await _fetch(subscription, limits.fetch, log)
            # While something is in the way, traffic need not pause before we look again.
            quiet = 0 if messages and not reason else quiet + 1
            if quiet >= QUIET_FETCHES:
                quiet = 0
                reason, known = await _look(bus, stream, consumer)
                on_health(reason)
                is_known = is_known and not reason and known >= delivered
                delivered = max(delivered, known)
                if not reason:
                    await _sweep(bus, stream, consumer, log, on_swept)
            if not messages:
                continue
            if not is_known or messages[0].metadata.sequence.consumer <= delivered:
                is_known = await _is_known_again(on_back, messages, log)
                if not is_known:
                    continue
            delivered = messages[-1].metadata.sequence.consumer
            poison_run = await _answer(
                messages, publisher, handle, limits, stop, also, on_stored, poison_run, log
            )
    finally:
        # nats-py's drain waits for its whole timeout while a pull is live.
        try:
            await subscription.unsubscribe()
        except NatsError as error:
            log.debug("unsubscribe_failed", reason=type(error).__name__)


async def _look(bus: Bus, stream: str, consumer: str) -> tuple[str, int]:
    """Why this consumer cannot give us work, empty when it can; and how many it has delivered."""
    try:
        info = await bus.api(f"CONSUMER.INFO.{stream}.{consumer}")
    except ApiRefused as error:
        return f"{stream}/{consumer}: {error.description}: run provision", 0
    except BrokerAway as error:
        return str(error), 0
    for name, wanted in CONSUMER_MUST.items():
        found = info["config"].get(name)
        if found != wanted:
            why = f"{name} is {found!r}, needed is {wanted!r}"
            return f"{stream}/{consumer}: {why}: run provision", 0
    return "", int(info["delivered"]["consumer_seq"])


async def _is_known_again(
    on_back: Callable[[], Awaitable[None]], messages: list[Msg], log: Log
) -> bool:
    """Whether `on_back` could look; if not, the messages are given back."""
    try:
        await on_back()
    except BrokerAway as error:
        log.warning("messages_given_back", messages=len(messages), reason=str(error))
        await _give_back(messages)
        await asyncio.sleep(BROKER_RETRY_S)
        return False
    return True


async def _give_back(messages: list[Msg]) -> None:
    for message in messages:
        await message.nak()


async def _sweep(
    bus: Bus, stream: str, consumer: str, log: Log, on_swept: Callable[[int], None]
) -> None:
    """Remove what was acknowledged and is there again: nobody would ever be given it.

    A broker that crashes can forget deletions that it had made. The consumer's floor still
    knows that these were acknowledged, so a work queue would stay full of them for ever.
    """
    try:
        info = await bus.api(f"CONSUMER.INFO.{stream}.{consumer}")
        floor_seq = int(info["ack_floor"]["stream_seq"])
        found = await bus.api(f"STREAM.INFO.{stream}")
        state = found["state"]
        is_queue = found["config"]["retention"] == "workqueue"
        if not is_queue or not state["messages"] or int(state["first_seq"]) > floor_seq:
            return
        purged = await bus.api(f"STREAM.PURGE.{stream}", {"seq": floor_seq + 1})
    except (ApiRefused, BrokerAway) as error:
        log.warning("sweep_deferred", reason=str(error))
        return
    count = int(purged.get("purged", 0))
    log.warning("acknowledged_messages_removed", stream=stream, messages=count)
    on_swept(count)


async def _fetch(subscription: object, count: int, log: Log) -> list[Msg]:
    try:
        return await subscription.fetch(count, timeout=FETCH_TIMEOUT_S)  # type: ignore[attr-defined,no-any-return]
    except TimeoutError:
        return []
    except (NatsError, APIError, OSError) as error:
        # No leader, a consumer that is being made, a connection coming back.
        log.warning("fetch_failed", reason=f"{type(error).__name__}: {error}")
        await asyncio.sleep(BROKER_RETRY_S)
        return []


async def _answer(
    messages: list[Msg],
    publisher: Publisher,
    handle: Handle,
    limits: WorkerLimits,
    stop: asyncio.Event,
    also: Also,
    on_stored: OnStored,
    poison_run: int,
    log: Log,
) -> int:
    """Answer a fetch: outputs of all messages share one window, then each input is acked."""
    waiting: list[tuple[Msg, Delivery, Done, list[asyncio.Future[Stored]]]] = []
    in_hand = asyncio.create_task(_hold(messages, limits.ack_wait_s / 3), name="hold")
    try:
        for at, message in enumerate(messages):
            if stop.is_set():
                await _give_back(messages[at:])
                break
            delivery = _delivery(message)
            try:
                done = await handle(delivery)
            except NotNow as reason:
                log.warning("messages_given_back", messages=len(messages) - at, reason=str(reason))
                await _give_back(messages[at:])
                break
            poison_run = poison_run + 1 if done.poisoned else 0
            if poison_run >= limits.poison_run_max:
                raise TooMuchPoison(
                    f"{poison_run} messages in a row held nothing readable, the last at "
                    f"sequence {delivery.seq}: the backlog is kept; look at its source and version"
                )
            # Dead letters are stored before the output that counts them.
            letters = [
                await publisher.publish(p.subject, p.body, p.headers) for p in done.dead_letters
            ]
            if letters:
                await asyncio.gather(*letters)
            futures = [await publisher.publish(p.subject, p.body, p.headers) for p in done.outputs]
            waiting.append((message, delivery, done, letters + futures))
            # The loop must turn between messages: acks and heartbeats ride on it.
            await asyncio.sleep(0)
        known: list[tuple[Msg, Delivery, Done, list[Stored]]] = []
        for message, delivery, done, futures in waiting:
            stored = list(await asyncio.gather(*futures))
            if any(one.duplicate for one in stored):
                known.append((message, delivery, done, stored))
                continue
            await _ack(message)
            on_stored(delivery, done, stored)
        # Together: each of them asks the broker, and after a restart there may be thousands.
        more = await asyncio.gather(*(also(done, stored) for _, _, done, stored in known))
        sent = [[await publisher.publish(p.subject, p.body, p.headers) for p in m] for m in more]
        for (message, delivery, done, stored), futures in zip(known, sent, strict=True):
            stored.extend(await asyncio.gather(*futures))
            await _ack(message)
            on_stored(delivery, done, stored)
    finally:
        await end_tasks(in_hand)
    return poison_run


async def _hold(messages: list[Msg], every_s: float) -> None:
    """Tell the broker that we are still on it, so that nobody else gets the same messages."""
    while True:
        await asyncio.sleep(every_s)
        for message in messages:
            if not message.is_acked:
                try:
                    await message.in_progress()
                except (NatsError, OSError):
                    break  # The connection is away: redelivery is what it is for.


async def _ack(message: Msg) -> None:
    try:
        await message.ack()
    except (NatsError, OSError):
        # The output is stored; a redelivery will find its Msg-Id taken.
        return


def _delivery(message: Msg) -> Delivery:
    meta = message.metadata
    return Delivery(
        body=message.data,
        headers=headers_of(message),
        seq=meta.sequence.stream,
        delivered=meta.num_delivered or 1,
        pending=meta.num_pending or 0,
    )
