"""Sends each dead letter back, and gives a reason for each that it cannot send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage, get_message
from pw_common.jetstream.dead_letters.routes import Nowhere, ToChannel, ToParsers, route_of
from pw_common.jetstream.publishing.outcome import Publish
from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused, Stored
from pw_common.jetstream.requests import NobodyListens, Unanswered, ask
from pw_common.topology.subjects import RESEND_NOTIFIER, STREAM_ALERT, STREAM_DLQ
from pw_common.wire.envelope import CHANNEL, ORIGIN_SEQ, ORIGIN_STREAM
from pw_common.wire.limits import RESENT_ALERTS_MAX, RESENT_BYTES_MAX

STORE_TIMEOUT_S: Final = 30.0
# Longer than any exchange of the notifier.
RESEND_TIMEOUT_S: Final = 30.0

# A dead letter's sequence and its alert's body.
Notification: TypeAlias = tuple[int, bytes]
# Called with the sequences that were not sent, and why.
Refused: TypeAlias = Callable[[list[int], str], None]


@dataclass
class _Waiting:
    """Notifications of one channel that go out together."""

    dead_letters: list[Notification] = field(default_factory=list)
    size: int = 0
    # Why the channel takes nothing now: the rest is not tried either.
    refused: str = ""


class Sending:
    """One call; counts what became of each dead letter, and says why one was refused."""

    def __init__(
        self, bus: Bus, publisher: Publisher, on_refused: Refused, *, delete: bool
    ) -> None:
        """`delete`: each is deleted once it is sent back."""
        self._bus = bus
        self._publisher = publisher
        self._on_refused = on_refused
        self._delete = delete
        self._channels: dict[str, _Waiting] = {}
        self.sent = self.repeated = self.delivered = self.failed = 0

    async def take(self, seq: int) -> bool:
        """Send a dead letter back, or keep it until its channel's are sent together (`finish`).

        Returns whether there is such a dead letter.

        Raises:
            BrokerAway, ApiRefused: from the broker.
        """
        message = await get_message(self._bus, STREAM_DLQ, seq)
        if message is None:
            return False
        route = route_of(await self._whole(message))
        if isinstance(route, Nowhere):
            self._refuse([seq], route.why)
        elif isinstance(route, ToChannel):
            await self._keep(route, seq)
        else:
            await self._to_parsers(route, seq)
        return True

    async def _whole(self, message: StoredMessage) -> StoredMessage:
        """A dead letter without a body was too large with it: the alert is where it came from."""
        seq = message.headers.get(ORIGIN_SEQ, "")
        if message.body or message.headers.get(ORIGIN_STREAM) != STREAM_ALERT or not seq.isdigit():
            return message
        origin = await get_message(self._bus, STREAM_ALERT, int(seq[:18]))
        return message if origin is None else replace(message, body=origin.body)

    async def finish(self) -> None:
        """Send what was kept."""
        for name in list(self._channels):
            await self._flush(name)

    async def _to_parsers(self, route: ToParsers, seq: int) -> None:
        stored = await self._store(route.out)
        if isinstance(stored, str):
            self._refuse([seq], stored)
            return
        self.repeated += stored.duplicate
        self.sent += not stored.duplicate
        await self._done([seq])

    async def _keep(self, route: ToChannel, seq: int) -> None:
        waiting = self._channels.setdefault(route.channel, _Waiting())
        is_full = len(waiting.dead_letters) >= RESENT_ALERTS_MAX
        if is_full or waiting.size + len(route.body) > RESENT_BYTES_MAX:
            await self._flush(route.channel)
        waiting.dead_letters.append((seq, route.body))
        waiting.size += len(route.body) + 1

    async def _flush(self, channel: str) -> None:
        waiting = self._channels[channel]
        dead_letters, waiting.dead_letters, waiting.size = waiting.dead_letters, [], 0
        if not dead_letters:
            return
        if waiting.refused:
            self._refuse(_seqs(dead_letters), f"not tried: {waiting.refused}")
            return
        answered = await self._ask(channel, dead_letters)
        if answered.get("condemned") and len(dead_letters) > 1:
            # The service may never take one of them: each goes alone.
            for one in dead_letters:
                await self._answered([one], await self._ask(channel, [one]))
            return
        if "error" in answered and not answered.get("condemned"):
            waiting.refused = str(answered["error"])
        await self._answered(dead_letters, answered)

    async def _answered(self, dead_letters: list[Notification], answered: dict[str, Any]) -> None:
        seqs = _seqs(dead_letters)
        if "error" in answered:
            self._refuse(seqs, str(answered["error"]))
            return
        before = answered.get("before", 0)
        self.delivered += before
        self.sent += len(dead_letters) - before
        await self._done(seqs)

    async def _ask(self, channel: str, dead_letters: list[Notification]) -> dict[str, Any]:
        """What the notifier says to these; `error` where they did not go out."""
        body = b"[" + b",".join(one for _, one in dead_letters) + b"]"
        try:
            answer = await ask(
                self._bus,
                RESEND_NOTIFIER,
                body,
                timeout_s=RESEND_TIMEOUT_S,
                headers={CHANNEL: channel},
            )
            answered: dict[str, Any] = msgspec.json.decode(answer, type=dict[str, Any])
        except NobodyListens:
            return {"error": "no notifier is running, or only an older one: start it and try again"}
        except (Unanswered, msgspec.MsgspecError) as error:
            kind = error.why if isinstance(error, Unanswered) else "no answer of ours"
            why = f"no notifier answers ({kind})"
            return {"error": f"{why}: it may have been sent; look before you try again"}
        return answered

    async def _done(self, seqs: list[int]) -> None:
        for seq in seqs if self._delete else ():
            await self._bus.api(f"STREAM.MSG.DELETE.{STREAM_DLQ}", {"seq": seq})

    async def _store(self, out: Publish) -> Stored | str:
        """What the broker answered; or why it did not store it."""
        try:
            future = await self._publisher.publish(out.subject, out.body, out.headers)
            return await asyncio.wait_for(future, STORE_TIMEOUT_S)
        except TimeoutError:
            full = self._publisher.full
            why = "PW_TX is full" if full else "the broker did not store it in time"
            return f"{why}; try again later"
        except PublishRefused as error:
            return str(error)

    def _refuse(self, seqs: list[int], why: str) -> None:
        self.failed += len(seqs)
        self._on_refused(seqs, why)


def _seqs(dead_letters: list[Notification]) -> list[int]:
    return [seq for seq, _ in dead_letters]
