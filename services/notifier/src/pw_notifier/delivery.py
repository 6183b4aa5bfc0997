"""One channel: its durable on PW_ALERT, what waits, and what becomes of it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from pw_common.alerts import Alert, decode_alert
from pw_common.bus import ApiRefused, BrokerAway
from pw_common.channels import Channel
from pw_common.clock import monotonic_s, now_ms
from pw_common.envelope import MSG_ID, ORIGIN_SEQ, ORIGIN_STREAM, REASON, SCHEMA
from pw_common.publisher import Publisher
from pw_common.run import Runtime
from pw_common.subjects import STREAM_ALERT, dead_letter, notifier_consumer
from pw_notifier.core.policy import Answer, Refused, Retry, fate_of, wait_s
from pw_notifier.outbox import Outbox
from pw_notifier.sending import Sender

FETCH: Final = 32
WAITING_MAX: Final = 256
FETCH_TIMEOUT_S: Final = 0.25
ACK_WAIT_S: Final = 30.0
RETRY_S: Final = 0.5
NS: Final = 1_000_000_000


@dataclass
class Waiting:
    """An alert that is not delivered yet."""

    message: Msg
    alert: Alert
    stored_ms: int
    seq: int


@dataclass
class Delivery:
    """The state of one channel while it runs."""

    runtime: Runtime
    channel: Channel
    sender: Sender
    publisher: Publisher
    waiting: list[Waiting] = field(default_factory=list)
    tries: int = 0
    not_before_s: float = 0.0
    last_error: str = ""

    async def run(self) -> None:
        """Deliver until cancelled; a broker that is away is waited for."""
        self._outbox = Outbox(self.runtime.bus, self.channel.name)
        while True:
            try:
                await make_durable(self.runtime, self.channel)
                await self._pull()
            except (BrokerAway, ApiRefused, NatsError, APIError, OSError) as error:
                self.runtime.log.warning(
                    "channel_waits", channel=self.channel.name, reason=type(error).__name__
                )
                # What waited comes again from the durable.
                self.waiting.clear()
                await asyncio.sleep(RETRY_S)

    async def _pull(self) -> None:
        subscription = await self.runtime.bus.js.pull_subscribe_bind(
            consumer=notifier_consumer(self.channel.name), stream=STREAM_ALERT
        )
        held_s = monotonic_s()
        try:
            while True:
                if self.waiting and monotonic_s() >= self.not_before_s:
                    # Before looking for more: a quiet log would hold up each of a burst.
                    await self._deliver()
                elif len(self.waiting) < WAITING_MAX:
                    await self._take(subscription)
                else:
                    await asyncio.sleep(FETCH_TIMEOUT_S)
                if monotonic_s() - held_s > ACK_WAIT_S / 3:
                    held_s = monotonic_s()
                    for one in self.waiting:
                        await one.message.in_progress()
        finally:
            await subscription.unsubscribe()

    async def _take(self, subscription: object) -> None:
        try:
            messages = await subscription.fetch(FETCH, timeout=FETCH_TIMEOUT_S)  # type: ignore[attr-defined]
        except TimeoutError:
            return
        known = {one.seq for one in self.waiting}
        for message in messages:
            meta = message.metadata
            if meta.sequence.stream in known:
                continue
            try:
                alert = decode_alert(message.data)
            except msgspec.MsgspecError as error:
                await self._dead_letter(message, meta.sequence.stream, f"not an alert: {error}")
                continue
            stored_ms = int(meta.timestamp.timestamp() * 1_000)
            self.waiting.append(Waiting(message, alert, stored_ms, meta.sequence.stream))

    async def _deliver(self) -> None:
        """One attempt: all that is late as one digest, else the oldest alert."""
        late: list[Waiting] = []
        for one in list(self.waiting):
            fate = fate_of(self.channel, one.alert, one.stored_ms, now_ms())
            if fate == "unwanted":
                await self._done(one)
            elif fate == "expired":
                why = f"not delivered in {self.channel.alert_age_max_s} s: {self.last_error}"
                await self._dead_letter(one.message, one.seq, why)
                self.waiting.remove(one)
            elif fate == "late":
                late.append(one)
        chosen = late or self.waiting[:1]
        chosen = [one for one in chosen if await self._is_ours(one)]
        if not chosen:
            return
        answer = await self.sender.send(
            self.channel, [one.alert for one in chosen], late=bool(late)
        )
        await self._after(answer, chosen, late=bool(late))

    async def _after(self, answer: Answer, chosen: list[Waiting], *, late: bool) -> None:
        metrics, channel = self.runtime.metrics, self.channel
        if isinstance(answer, Retry):
            self.last_error = answer.why
            self.not_before_s = monotonic_s() + wait_s(
                self.tries,
                answer.after_s,
                random.random(),  # noqa: S311, TID251 - only spreads load
            )
            self.tries += 1
            metrics.count("pw_notifier_failed_total", kind=channel.kind)
            self.runtime.log.warning("not_delivered", channel=channel.name, reason=answer.why)
            return
        self.tries = 0
        if isinstance(answer, Refused):
            for one in chosen:
                await self._dead_letter(one.message, one.seq, answer.why)
                self.waiting.remove(one)
            return
        for one in chosen:
            await self._outbox.sent(one.alert.id)
            await self._done(one)
        metrics.count("pw_notifier_sent_total", len(chosen), kind=channel.kind)
        if late:
            metrics.count("pw_notifier_late_total", len(chosen), kind=channel.kind)

    async def _is_ours(self, one: Waiting) -> bool:
        """Whether to send it: not when it was sent, nor where losing is better than doubling."""
        again = self.channel.delivery == "at_least_once"
        claim = await self._outbox.claim(one.alert.id, again=again)
        if claim == "ours":
            return True
        if claim != "sent":
            self.runtime.log.warning("not_sent_again", channel=self.channel.name, why=claim)
        await self._done(one)
        return False

    async def _done(self, one: Waiting) -> None:
        await one.message.ack()
        self.waiting.remove(one)

    async def _dead_letter(self, message: Msg, seq: int, why: str) -> None:
        """Store, then acknowledge."""
        plain = why.encode("ascii", "backslashreplace").decode("ascii")[:300]
        headers = {
            MSG_ID: f"dead:notifier:{self.channel.name}:{seq}",
            SCHEMA: "alert.v1",
            REASON: "".join(c if c.isprintable() else " " for c in f"{self.channel.name}: {plain}"),
            ORIGIN_STREAM: STREAM_ALERT,
            ORIGIN_SEQ: str(seq),
        }
        subject = dead_letter("notifier")
        await (await self.publisher.publish(subject, message.data, headers))
        await message.ack()
        self.runtime.metrics.count("pw_notifier_dead_letters_total", kind=self.channel.kind)


async def make_durable(runtime: Runtime, channel: Channel) -> None:
    """The channel's durable, beginning with what is stored from now on.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    name = notifier_consumer(channel.name)
    config = {
        "durable_name": name,
        "name": name,
        "deliver_policy": "new",
        "ack_policy": "explicit",
        "ack_wait": int(ACK_WAIT_S * NS),
        "max_deliver": -1,
        "max_ack_pending": 2 * WAITING_MAX,
        "replay_policy": "instant",
    }
    await runtime.bus.api(
        f"CONSUMER.CREATE.{STREAM_ALERT}.{name}",
        {"stream_name": STREAM_ALERT, "config": config, "action": ""},
    )


async def drop_durables(runtime: Runtime, keep: set[str]) -> None:
    """Delete the durables of channels that are gone. Raises BrokerAway, ApiRefused."""
    listed = await runtime.bus.api(f"CONSUMER.NAMES.{STREAM_ALERT}")
    prefix = notifier_consumer("x").removesuffix("x")
    wanted = {notifier_consumer(name) for name in keep}
    for name in listed.get("consumers") or []:
        if name.startswith(prefix) and name not in wanted:
            await runtime.bus.api(f"CONSUMER.DELETE.{STREAM_ALERT}.{name}")
