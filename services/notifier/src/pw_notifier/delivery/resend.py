"""Alerts that became dead letters, sent once more through their channel when somebody asks.

They go out as one digest. What the delivery log says was sent is not sent again, so that a
second request, or a first one whose answer got lost, doubles nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from pw_common.documents.channels import CHANNELS_MAX, Channel
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Msg, headers_of
from pw_common.jetstream.requests import Unanswered, answer_questions, respond
from pw_common.process.tasks import end_tasks
from pw_common.service.run import Runtime
from pw_common.topology.subjects import RESEND_NOTIFIER, TOKEN
from pw_common.wire.alerts import Alert, decode_alert
from pw_common.wire.envelope import CHANNEL
from pw_common.wire.limits import RESENT_ALERTS_MAX
from pw_notifier.core.policy import Refused, Sent
from pw_notifier.delivery.delivery_log import DeliveryLog
from pw_notifier.delivery.sending import Sender

# Requests under way at once; each is bounded by its exchange's deadline.
UNDER_WAY_MAX: Final = 4


class Resending:
    """Answers `pw dlq replay`."""

    def __init__(
        self,
        runtime: Runtime,
        sender: Sender,
        find: Callable[[str], Channel | str],
        on_sent: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._sender = sender
        # The channel of that name, or a sentence that says why there is none.
        self._find = find
        self._on_sent = on_sent
        # They remember what went out and could not be noted.
        self._delivery_logs: dict[str, DeliveryLog] = {}
        # One request after the other for each channel: what one sends, the next finds noted.
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Answer from now on."""
        bus = self._runtime.bus
        await answer_questions(bus, RESEND_NOTIFIER, "notifier", self._on_question)

    async def stop(self, within_s: float) -> None:
        """Let what is under way end, if it does so in time; begin nothing else."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        await end_tasks(*self._tasks)

    async def _on_question(self, message: Msg) -> None:
        if not message.reply:
            return
        if self._stopping or len(self._tasks) >= UNDER_WAY_MAX:
            why = f"{UNDER_WAY_MAX} such requests are under way: try again in a few seconds"
            if self._stopping:
                why = "this notifier is stopping: try again once another runs"
            await message.respond(msgspec.json.encode({"error": why}))
            return
        task = asyncio.create_task(self._answer(message), name="resend")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        try:
            result = await self._resend(headers_of(message).get(CHANNEL, ""), message.data)
        except (BrokerAway, ApiRefused) as error:
            result = {"error": str(error)}
        try:
            await respond(message, msgspec.json.encode(result))
        except Unanswered as error:
            self._runtime.log.warning("resend_unanswered", reason=error.why)

    async def _resend(self, name: str, body: bytes) -> dict[str, Any]:
        channel = self._find(name)
        if isinstance(channel, str):
            return {"error": channel}
        if not channel.enabled:
            return {"error": f"channel {name} is turned off: turn it on first"}
        try:
            alerts = _alerts(body)
        except (msgspec.MsgspecError, ValueError) as error:
            return {"error": str(error)}
        if name not in self._turns and len(self._turns) >= 2 * CHANNELS_MAX:
            # Of channels as they were once; few are taken, since few requests are under way.
            self._turns = {one: turn for one, turn in self._turns.items() if turn.locked()}
        async with self._turns.setdefault(name, asyncio.Lock()):
            return await self._send(channel, alerts)

    async def _send(self, channel: Channel, alerts: list[Alert]) -> dict[str, Any]:
        if channel.name not in self._delivery_logs and len(self._delivery_logs) >= CHANNELS_MAX:
            self._delivery_logs.clear()  # Of channels as they were once.
        delivery_log = self._delivery_logs.setdefault(
            channel.name, DeliveryLog(self._runtime.bus, channel.name)
        )
        once = {one.id: one for one in alerts}
        # A dead letter was tried before it became one; somebody asks for it to be sent now.
        try:
            claims = {one: await delivery_log.claim(one, again=True) for one in once}
            ours = [alert for one, alert in once.items() if claims[one] == "ours"]
            if ours:
                answer = await self._sender.send(channel, ours, late=True)
                if not isinstance(answer, Sent):
                    why = f"channel {channel.name}: {answer.why}"
                    return {"error": why, "condemned": isinstance(answer, Refused)}
        finally:
            # The next request asks the broker again: another notifier may have sent them.
            for one in once:
                delivery_log.forget(one)
        if ours:
            self._on_sent(channel.name)
            await self._remember(delivery_log, ours)
            metrics, kind = self._runtime.metrics, channel.kind
            metrics.count("pw_notifier_sent_total", len(ours), kind=kind)
            metrics.count("pw_notifier_late_total", len(ours), kind=kind)
        self._runtime.log.info("sent_again", channel=channel.name, alerts=len(ours))
        return {"before": len(alerts) - len(ours)}

    async def _remember(self, delivery_log: DeliveryLog, sent: list[Alert]) -> None:
        try:
            await delivery_log.sent(*(one.id for one in sent))
        except (BrokerAway, ApiRefused) as error:
            # They did go out. An error here would have somebody send them a second time.
            self._runtime.log.warning("sent_not_noted", reason=str(error))


def _alerts(body: bytes) -> list[Alert]:
    """Raises msgspec.MsgspecError, ValueError."""
    raw = msgspec.json.decode(body, type=list[msgspec.Raw])
    if not 1 <= len(raw) <= RESENT_ALERTS_MAX:
        raise ValueError(f"{len(raw)} alerts; allowed: 1 to {RESENT_ALERTS_MAX}")
    alerts = [decode_alert(bytes(one)) for one in raw]
    if not all(TOKEN.fullmatch(one.id) for one in alerts):
        # It becomes a part of a key at the broker.
        raise ValueError(f"an alert's id; allowed: {TOKEN.pattern}")
    return alerts
