"""One channel: its durable on PW_ALERT, what waits, and what happens to it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pw_common.documents.channels import Channel
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Msg
from pw_common.jetstream.consuming.pulling import CONNECTION_LOST, Pull
from pw_common.jetstream.publishing.publisher import PublishRefused
from pw_common.process.clock import monotonic_s, now_ms
from pw_common.process.tasks import unless
from pw_common.service.run import Runtime
from pw_common.topology.subjects import STREAM_ALERT, notifier_consumer
from pw_common.wire.alerts import Alert, decode_alert
from pw_notifier.core.kinds import WAYS
from pw_notifier.core.pace import Pace, Turn
from pw_notifier.core.policy import Answer, Retry, Sent, fate_of, held_until_ms, wait_s
from pw_notifier.core.quiet import QUIET_S
from pw_notifier.core.standing import DOUBTED, Item, Standing
from pw_notifier.delivery.dead_letters import DeadLetters
from pw_notifier.delivery.delivery_log import DeliveryLog
from pw_notifier.delivery.durables import ACK_WAIT_S, WAITING_MAX, make_durable
from pw_notifier.delivery.sending import Sender

FETCH: Final = 32
FETCH_TIMEOUT_S: Final = 0.25
RETRY_S: Final = 0.5
# At their end what waited comes within a moment, to go out as one.
GATHER_S: Final = 2.0
# After the end, so that the clock has surely passed it.
TICK_S: Final = 0.05


@dataclass(kw_only=True)
class Waiting(Item):
    """An alert that is not delivered yet."""

    message: Msg
    alert: Alert
    stored_ms: int
    seq: int
    # Whether it came in quiet hours, and waited for their end.
    was_quiet: bool


@dataclass
class Delivery:
    """The state of one channel while it runs."""

    runtime: Runtime
    channel: Channel
    sender: Sender
    dead_letters: DeadLetters
    standing: Standing = field(default_factory=Standing)
    pace: Pace = field(default_factory=Pace)
    waiting: list[Waiting] = field(default_factory=list)
    not_before_s: float = 0.0
    _gathering: bool = True
    # Until when the durable says that alerts may wait.
    _quiet_until_ms: int = 0
    # What quiet hours hold up at the broker, by its place in the stream.
    _held: set[int] = field(default_factory=set)
    # When the channel's former quiet hours were edited.
    _freed_ms: int = 0
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    # What is being sent at this moment: nobody knows yet whether it arrives.
    _under_way: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Deliver until `end` or cancelled; a broker that is away is waited for."""
        self._delivery_log = DeliveryLog(self.runtime.bus, self.channel.name)
        while not self._ending.is_set():
            try:
                self._quiet_until_ms = 0
                self._held.clear()
                self._freed_ms = await make_durable(self.runtime, self.channel)
                await self._pull()
            except (BrokerAway, ApiRefused, *CONNECTION_LOST) as error:
                self._pauses(type(error).__name__)
            except PublishRefused as error:
                # A dead letter that cannot be stored: its alert is kept, and tried again.
                self._pauses(str(error))
            await unless(self._ending, RETRY_S)

    def end(self) -> None:
        """Begin no further attempt; an attempt under way comes to its end first."""
        self._ending.set()

    def fails(self, *, held_ms: int = 0) -> str:
        """Why nothing arrives through this channel; empty where it does."""
        return self.standing.says(now_ms(), len(self.waiting), held_ms=held_ms)

    def says(self) -> str:
        """What a person should see to on this channel; empty where nothing is wrong."""
        chat_id = self.sender.moved_to(self.channel)
        moved = f"sends to chat {chat_id}, which its group became: set this chat_id"
        return self.fails() or (moved if chat_id else "")

    def works(self) -> None:
        """Something else got through the channel: its fault is over, and what waits goes now."""
        self.standing.worked()
        self.not_before_s = 0.0

    def _pauses(self, why: str) -> None:
        self.runtime.log.warning("channel_waits", channel=self.channel.name, reason=why)
        # What waited comes again from the durable.
        self.waiting.clear()

    async def _pull(self) -> None:
        consumer = notifier_consumer(self.channel.name)
        held_s = monotonic_s()
        self._gathering = True
        async with Pull(self.runtime.bus, STREAM_ALERT, consumer) as pull:
            try:
                while not self._ending.is_set():
                    await self._turn(pull)
                    if monotonic_s() - held_s > ACK_WAIT_S / 3:
                        held_s = monotonic_s()
                        for one in self.waiting:
                            await one.message.in_progress()
            finally:
                await self._give_back()

    async def _turn(self, pull: Pull) -> None:
        """Deliver what is due, or look for more."""
        due = self.waiting and monotonic_s() >= self.not_before_s
        if due and not self._gathering:
            # Before looking for more: a quiet log would hold up each of a burst.
            await self._deliver()
        elif len(self.waiting) < WAITING_MAX:
            found = await self._take(pull)
            # A backlog is taken whole, so that it goes out as one digest.
            self._gathering = self._gathering and found == FETCH
            if not found and not self.waiting:
                await self._emptied()
        else:
            self._gathering = False
            await unless(self._ending, FETCH_TIMEOUT_S)

    async def _emptied(self) -> None:
        """Nothing came. A fault is over only if the broker has nothing more either."""
        if now_ms() >= self._quiet_until_ms:
            self._held.clear()
        if self._held and not self.standing.why:
            return  # What is held keeps until the end of the quiet hours how it is to go out.
        if self.standing.why or self.standing.gathers:
            name = notifier_consumer(self.channel.name)
            info = await self.runtime.bus.api(f"CONSUMER.INFO.{STREAM_ALERT}.{name}")
            # What was not acknowledged comes again: after a pause it waits there.
            if info["num_pending"] or info["num_ack_pending"] > len(self._held):
                return
            if self._held:
                self.standing.rests()
                return
        self.standing.emptied()

    async def _give_back(self) -> None:
        """What waits is asked for at once by whoever has the channel next."""
        try:
            if self._ending.is_set() and self.channel.delivery == "at_most_once":
                # We would have tried it again, so the next process may; but not what was cut off.
                for one in self.waiting:
                    if one.alert.id not in self._under_way:
                        await self._delivery_log.unsent(one.alert.id)
            for one in self.waiting:
                await one.message.nak()
        except (BrokerAway, ApiRefused, *CONNECTION_LOST):
            return  # Without a connection it comes again when its time is over.
        finally:
            self.waiting.clear()

    async def _take(self, pull: Pull) -> int:
        messages = await pull.fetch(FETCH, timeout_s=FETCH_TIMEOUT_S)
        known = {one.seq for one in self.waiting}
        for message in messages:
            meta = message.metadata
            seq = meta.sequence.stream
            if seq in known:
                continue
            self._held.discard(seq)
            try:
                alert = decode_alert(message.data)
            except msgspec.MsgspecError as error:
                await self._dead_letter(message, seq, f"not an alert: {error}")
                continue
            stored_ms = int(meta.timestamp.timestamp() * 1_000)
            if fate_of(self.channel, alert, stored_ms, stored_ms) == "unwanted":
                # At once, so that a channel that is held counts only what it would have sent.
                await message.ack()
                continue
            if await self._stays_quiet(message, alert):
                continue
            was_quiet = stored_ms < self._freed_ms or bool(
                held_until_ms(self.channel, alert, stored_ms)
            )
            if was_quiet and not any(one.was_quiet for one in self.waiting):
                self.not_before_s = max(self.not_before_s, monotonic_s() + GATHER_S)
            self.waiting.append(
                Waiting(
                    message=message, alert=alert, stored_ms=stored_ms, seq=seq, was_quiet=was_quiet
                )
            )
        # What was given back comes in any order.
        self.waiting.sort(key=lambda one: one.seq)
        return len(messages)

    async def _stays_quiet(self, message: Msg, alert: Alert) -> bool:
        """Whether quiet hours hold an alert up: then it waits at the broker.

        Here it would take the place of what is urgent.
        """
        at_ms = now_ms()
        until_ms = held_until_ms(self.channel, alert, at_ms)
        if not until_ms:
            return False
        if until_ms != self._quiet_until_ms:
            # Where they began since the durable was made.
            await make_durable(self.runtime, self.channel)
            self._quiet_until_ms = until_ms
        self._held.add(message.metadata.sequence.stream)
        await message.nak(delay=min(QUIET_S, (until_ms - at_ms) / 1_000 + TICK_S))
        return True

    async def _deliver(self) -> None:
        """One attempt: what is overdue, was held or is a burst as one, else the oldest alert."""
        late = await self._sorted_out()
        if not self.waiting:
            return
        turn = self._paced(late)
        if turn.wait_ms:
            # Meanwhile more are taken: all of them go as one message.
            self.not_before_s = monotonic_s() + turn.wait_ms / 1_000
            return
        what, at = self.standing.chosen(len(late), len(self.waiting), folds=turn.folds)
        chosen = {"late": late, "all": list(self.waiting), "one": [self.waiting[at]]}[what]
        chosen = [one for one in chosen if await self._is_ours(one)]
        if not chosen or self._ending.is_set():
            return
        is_late = bool(late) or self.standing.gathers
        self._under_way = frozenset(one.alert.id for one in chosen)
        answer = await self.sender.send(self.channel, [one.alert for one in chosen], late=is_late)
        self._under_way = frozenset()
        await self._after(answer, chosen, late=is_late)

    def _paced(self, late: list[Waiting]) -> Turn:
        """Whether to wait or to fold; what is late or was held goes as one message already."""
        if late or self.standing.gathers or not WAYS[self.channel.kind].folds:
            return Turn(0, folds=False)
        return self.pace.turn(len(self.waiting), _monotonic_ms())

    async def _sorted_out(self) -> list[Waiting]:
        """Drop what is too old; gives what is overdue."""
        late: list[Waiting] = []
        for one in list(self.waiting):
            fate = fate_of(
                self.channel, one.alert, one.stored_ms, now_ms(), freed_ms=self._freed_ms
            )
            if fate == "expired":
                why = f"not delivered in {self.channel.alert_age_max_s} s: {self.standing.why}"
                await self._give_up(one, why)
                self.standing.lose(1, now_ms())
            elif fate == "quiet":
                if await self._stays_quiet(one.message, one.alert):
                    self.waiting.remove(one)
            elif fate == "late":
                late.append(one)
        return late

    async def _after(self, answer: Answer, chosen: list[Waiting], *, late: bool) -> None:
        metrics, channel = self.runtime.metrics, self.channel
        verdict = self.standing.after(answer, chosen, now_ms())
        if verdict == "sent" or isinstance(answer, Sent):
            # If that many are late, more may be; the rest goes the same way.
            was_full = len(self.waiting) >= WAITING_MAX
            self.pace.sent(len(chosen), _monotonic_ms())
            await self._delivery_log.sent(*(one.alert.id for one in chosen))
            for one in chosen:
                await self._done(one)
            metrics.count("pw_notifier_sent_total", len(chosen), kind=channel.kind)
            if late:
                metrics.count("pw_notifier_late_total", len(chosen), kind=channel.kind)
            if not self.waiting and not was_full:
                self.standing.emptied()
            return
        if verdict == "condemned":
            (one,) = chosen
            await self._give_up(one, answer.why)
            return
        metrics.count("pw_notifier_failed_total", kind=channel.kind)
        self.runtime.log.warning("not_delivered", channel=channel.name, reason=answer.why)
        if verdict == "again":
            self.not_before_s = monotonic_s() + wait_s(
                self.standing.tries - 1,
                answer.after_s if isinstance(answer, Retry) else None,
                random.random(),  # noqa: S311, TID251 - only spreads load
            )
        unsure = isinstance(answer, Retry) and answer.unsure
        if channel.delivery == "at_most_once" and not unsure:
            # Surely not delivered: whoever has the channel next may send it, even after a crash.
            for one in chosen:
                await self._delivery_log.unsent(one.alert.id)

    async def _is_ours(self, one: Waiting) -> bool:
        """Whether to send it: not if it was sent, nor if it may have been and must not be twice.

        Somebody may look whether it arrived, and send its dead letter once more.
        """
        again = self.channel.delivery == "at_least_once"
        claim = await self._delivery_log.claim(one.alert.id, again=again)
        if claim == "ours":
            return True
        if claim == "unsure":
            await self._give_up(one, DOUBTED)
            self.standing.doubt(now_ms())
        else:
            await self._done(one)
        return False

    async def _give_up(self, one: Waiting, why: str) -> None:
        await self._dead_letter(one.message, one.seq, why)
        self._delivery_log.forget(one.alert.id)
        self.waiting.remove(one)

    async def _done(self, one: Waiting) -> None:
        await one.message.ack()
        self.waiting.remove(one)

    async def _dead_letter(self, message: Msg, seq: int, why: str) -> None:
        """Store, then acknowledge."""
        await self.dead_letters.store(self.channel.name, seq, message.data, why)
        await message.ack()
        self.runtime.metrics.count("pw_notifier_dead_letters_total", kind=self.channel.kind)


def _monotonic_ms() -> int:
    return int(monotonic_s() * 1_000)
