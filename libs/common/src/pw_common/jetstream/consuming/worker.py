"""The consume loop: take, decide, store, acknowledge. In that order, whatever happens.

Between fetches the worker knows its consumer as KNOWN, NEW or BLOCKED; `knowing.py` decides
by its table which, whether messages may be handled, and when to look.

A handler's exception is a bug and ends the process: the messages in hand are
redelivered elsewhere. Only a broker that is away is waited for. A message that
cannot be read is the handler's business (`Done.dead_letters`), never a reason
to skip it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus, headers_of
from pw_common.jetstream.consuming.knowing import Knowing
from pw_common.jetstream.publishing.outcome import Done, NotNow, Publish
from pw_common.jetstream.publishing.publisher import Publisher, Stored
from pw_common.process.log import Log
from pw_common.process.tasks import end_tasks

FETCH_TIMEOUT_S = 0.5
BROKER_RETRY_S = 0.25
# Otherwise messages would be dropped, or counted as done, without us.
CONSUMER_MUST = {"max_deliver": -1, "ack_policy": "explicit"}


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


Handle: TypeAlias = Callable[[Delivery], Awaitable[Done]]


@dataclass(frozen=True)
class WorkerLimits:
    """How much to take at once, and when to give up on poison."""

    fetch: int
    ack_wait_s: float
    poison_run_max: int


class Durable(NamedTuple):
    """A durable consumer and its stream."""

    stream: str
    consumer: str


class Hooks:
    """What a service adds to the loop; by default nothing."""

    async def also(self, _done: Done, _stored: list[Stored]) -> tuple[Publish, ...]:
        """What else to store where an output was a duplicate, before the acknowledgement."""
        return ()

    async def on_back(self) -> None:
        """Awaited before the first message of a consumer that is NEW.

        Raises:
            BrokerAway: it could not look; the messages are given back.
        """

    def on_stored(self, delivery: Delivery, done: Done, stored: list[Stored]) -> None:
        """A message was answered, and is acknowledged."""

    def on_health(self, reason: str) -> None:
        """Why there can be no work; empty once there can be again."""

    def on_swept(self, count: int) -> None:
        """How many acknowledged messages were there again after a crash, and were removed."""


class _InHand(NamedTuple):
    message: Msg
    delivery: Delivery
    done: Done
    futures: list[asyncio.Future[Stored]]


class Worker:
    """One consume loop."""

    def __init__(
        self,
        bus: Bus,
        publisher: Publisher,
        handle: Handle,
        durable: Durable,
        limits: WorkerLimits,
        log: Log,
        hooks: Hooks | None = None,
    ) -> None:
        self._bus = bus
        self._publisher = publisher
        self._handle = handle
        self._durable = durable
        self._limits = limits
        self._log = log
        self._hooks = hooks if hooks is not None else Hooks()
        self._knowing = Knowing()
        self._poison_run = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then finish what is in hand and hand back the rest.

        Raises:
            TooMuchPoison: after `poison_run_max` unreadable messages in a row.
        """
        stream, consumer = self._durable
        subscription = await self._bus.js.pull_subscribe_bind(consumer=consumer, stream=stream)
        if not await self._look():
            self._knowing.bound()
        try:
            while not stop.is_set():
                messages = await _fetch(subscription, self._limits.fetch, self._log)
                await self._look_if_quiet(messages)
                if messages and await self._may_handle(messages):
                    self._knowing.handles(messages[-1].metadata.sequence.consumer)
                    await self._answer(messages, stop)
        finally:
            # nats-py's drain waits for its whole timeout while a pull is live.
            try:
                await subscription.unsubscribe()
            except NatsError as error:
                self._log.debug("unsubscribe_failed", reason=type(error).__name__)

    async def _look_if_quiet(self, messages: list[Msg]) -> None:
        self._knowing.fetched(len(messages))
        if not self._knowing.is_look_due:
            return
        if not await self._look():
            await _sweep(self._bus, self._durable, self._log, self._hooks.on_swept)

    async def _look(self) -> str:
        """Ask the broker for the consumer; why it cannot give us work."""
        reason, delivered = await _look(self._bus, self._durable)
        self._hooks.on_health(reason)
        self._knowing.looked(delivered, is_blocked=bool(reason))
        return reason

    async def _may_handle(self, messages: list[Msg]) -> bool:
        """Whether these may be handled; else they are given back."""
        if self._knowing.may_handle(messages[0].metadata.sequence.consumer):
            return True
        try:
            await self._hooks.on_back()
        except BrokerAway as error:
            self._log.warning("messages_given_back", messages=len(messages), reason=str(error))
            self._knowing.was_not_back()
            await _give_back(messages)
            await asyncio.sleep(BROKER_RETRY_S)
            return False
        self._knowing.was_back()
        return True

    async def _answer(self, messages: list[Msg], stop: asyncio.Event) -> None:
        """Answer a fetch: outputs of all messages share one window, then each input is acked."""
        holding = asyncio.create_task(_hold(messages, self._limits.ack_wait_s / 3), name="hold")
        try:
            in_hand = await self._handle_each(messages, stop)
            repeated: list[tuple[_InHand, list[Stored]]] = []
            for one in in_hand:
                stored = list(await asyncio.gather(*one.futures))
                if any(each.duplicate for each in stored):
                    repeated.append((one, stored))
                else:
                    await self._acknowledge(one, stored)
            await self._store_also(repeated)
        finally:
            await end_tasks(holding)

    async def _handle_each(self, messages: list[Msg], stop: asyncio.Event) -> list[_InHand]:
        """Handle in order and begin to store; what is not handled is given back."""
        in_hand: list[_InHand] = []
        for at, message in enumerate(messages):
            if stop.is_set():
                await _give_back(messages[at:])
                break
            delivery = _delivery(message)
            try:
                done = await self._handle(delivery)
            except NotNow as why:
                left = len(messages) - at
                self._log.warning("messages_given_back", messages=left, reason=str(why))
                await _give_back(messages[at:])
                break
            self._count_poison(delivery, done)
            in_hand.append(_InHand(message, delivery, done, await self._publish(done)))
            # The loop must turn between messages: acks and heartbeats ride on it.
            await asyncio.sleep(0)
        return in_hand

    def _count_poison(self, delivery: Delivery, done: Done) -> None:
        self._poison_run = self._poison_run + 1 if done.poisoned else 0
        if self._poison_run >= self._limits.poison_run_max:
            raise TooMuchPoison(
                f"{self._poison_run} messages in a row held nothing readable, the last at "
                f"sequence {delivery.seq}: the backlog is kept; look at its source and version"
            )

    async def _publish(self, done: Done) -> list[asyncio.Future[Stored]]:
        """Dead letters are stored before the output that counts them."""
        dead_letters = [await self._begin(one) for one in done.dead_letters]
        if dead_letters:
            await asyncio.gather(*dead_letters)
        return dead_letters + [await self._begin(one) for one in done.outputs]

    async def _begin(self, one: Publish) -> asyncio.Future[Stored]:
        return await self._publisher.publish(one.subject, one.body, one.headers)

    async def _store_also(self, repeated: list[tuple[_InHand, list[Stored]]]) -> None:
        """Together: each of them asks the broker, and after a restart there may be thousands."""
        asked = (self._hooks.also(one.done, stored) for one, stored in repeated)
        more = await asyncio.gather(*asked)
        sent = [[await self._begin(each) for each in wanted] for wanted in more]
        for (one, stored), futures in zip(repeated, sent, strict=True):
            stored.extend(await asyncio.gather(*futures))
            await self._acknowledge(one, stored)

    async def _acknowledge(self, one: _InHand, stored: list[Stored]) -> None:
        await _ack(one.message)
        self._hooks.on_stored(one.delivery, one.done, stored)


async def _look(bus: Bus, durable: Durable) -> tuple[str, int]:
    """Why this consumer cannot give us work, empty when it can; and how many it has delivered."""
    stream, consumer = durable
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


async def _give_back(messages: list[Msg]) -> None:
    for message in messages:
        await message.nak()


async def _sweep(bus: Bus, durable: Durable, log: Log, on_swept: Callable[[int], None]) -> None:
    """Remove what was acknowledged and is there again: nobody would ever be given it.

    A broker that crashes can forget deletions that it had made. The consumer's floor still
    knows that these were acknowledged, so a work queue would stay full of them for ever.
    """
    stream, consumer = durable
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


async def _hold(messages: list[Msg], every_s: float) -> None:
    """Tell the broker that we are still on it, so that nobody else gets the same messages."""
    while True:
        await asyncio.sleep(every_s)
        for message in messages:
            if not message.is_acked:
                try:
                    await message.in_progress()
                except (NatsError, OSError):
                    break  # The connection is away: redelivery exists for this.


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
