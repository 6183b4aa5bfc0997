"""`pw dlq replay`: sends each dead letter back, and gives a reason for each that it cannot send."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from pw_cli.dead_letters.dlq_routes import Nowhere, ToChannel, ToParsers, route_of
from pw_cli.terminal.terminal import complain
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage, get_message
from pw_common.jetstream.consuming.ranges import read_range
from pw_common.jetstream.publishing.outcome import Publish
from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused, Stored
from pw_common.jetstream.requests import NobodyListens, Unanswered, ask
from pw_common.process.log import Log
from pw_common.topology.streams import DUPLICATE_WINDOW_S
from pw_common.topology.subjects import RESEND_NOTIFIER, STREAM_ALERT, STREAM_DLQ
from pw_common.wire.envelope import CHANNEL, ORIGIN_SEQ, ORIGIN_STREAM
from pw_common.wire.limits import RESENT_ALERTS_MAX, RESENT_BYTES_MAX

STORE_TIMEOUT_S: Final = 30.0
# Longer than any exchange of the notifier.
RESEND_TIMEOUT_S: Final = 30.0
SEQS_SHOWN_MAX: Final = 5
EXIT_REFUSED: Final = 1

# A dead letter's sequence and its alert's body.
Notification = tuple[int, bytes]


@dataclass
class _Waiting:
    """Notifications of one channel that go out together."""

    dead_letters: list[Notification] = field(default_factory=list)
    size: int = 0
    # Why the channel takes nothing now: the rest is not tried either.
    refused: str = ""


class _Replay:
    """One call; counts what became of each dead letter."""

    def __init__(self, bus: Bus, publisher: Publisher, *, delete: bool) -> None:
        self._bus = bus
        self._publisher = publisher
        self._delete = delete
        self._channels: dict[str, _Waiting] = {}
        self.sent = self.repeated = self.delivered = self.failed = 0

    async def take(self, seq: int) -> None:
        """Send a dead letter back, or keep it until its channel's are sent together."""
        message = await get_message(self._bus, STREAM_DLQ, seq)
        if message is None:
            self.failed += not_there(seq)
            return
        route = route_of(await self._whole(message))
        if isinstance(route, Nowhere):
            self._refuse([seq], route.why)
        elif isinstance(route, ToChannel):
            await self._keep(route, seq)
        else:
            await self._to_parsers(route, seq)

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
        stored = await self._store(route.out, seq)
        if stored is None:
            self.failed += 1
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

    async def _store(self, out: Publish, seq: int) -> Stored | None:
        try:
            future = await self._publisher.publish(out.subject, out.body, out.headers)
            return await asyncio.wait_for(future, STORE_TIMEOUT_S)
        except TimeoutError:
            full = self._publisher.full
            why = "PW_TX is full" if full else "the broker did not store it in time"
            complain("dlq replay", f"{seq}: {why}; try again later")
        except PublishRefused as error:
            complain("dlq replay", f"{seq}: {error}")
        return None

    def _refuse(self, seqs: list[int], why: str) -> None:
        shown = ", ".join(map(str, seqs[:SEQS_SHOWN_MAX]))
        more = len(seqs) - SEQS_SHOWN_MAX
        complain("dlq replay", f"{shown}{f' and {more} more' if more > 0 else ''}: {why}")
        self.failed += len(seqs)


async def replay(bus: Bus, seqs: list[int] | None, *, delete: bool) -> int:
    """Send these dead letters back, or every one; 1 where one of them was not.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    publisher = Publisher(bus, Log("pw"))
    await publisher.start()
    work = _Replay(bus, publisher, delete=delete)
    try:
        for seq in await _every(bus) if seqs is None else dict.fromkeys(seqs):
            await work.take(seq)
        await work.finish()
    finally:
        await publisher.stop()
    summary = [f"{work.sent} sent back"]
    if work.repeated:
        summary.append(
            f"{work.repeated} were sent back within the last {DUPLICATE_WINDOW_S} s already"
        )
    if work.delivered:
        summary.append(f"{work.delivered} had been delivered already")
    if work.failed:
        summary.append(f"{work.failed} not")
    print(", ".join(summary))
    return EXIT_REFUSED if work.failed else 0


def not_there(seq: int) -> int:
    """Say that there is no such dead letter; the exit code for it."""
    sys.stderr.write(f"pw dlq: there is no dead letter {seq}: see `pw dlq list`\n")
    return EXIT_REFUSED


def _seqs(dead_letters: list[Notification]) -> list[int]:
    return [seq for seq, _ in dead_letters]


async def _every(bus: Bus) -> list[int]:
    return [one.seq async for one in read_range(bus, STREAM_DLQ, headers_only=True)]
