"""Each fault: wait until work is pending, strike, and say what was pending."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import grpc
import httpx

from chaos import hostile
from chaos.fleet import Fleet, Member
from pw_common.dev.local_broker import restart_broker
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_replay.fault_injection import Refusal
from support.hostile import Hostile
from support.poll import poll_until
from support.receiver import TAKES, Receiver

PENDING_TIMEOUT_S: Final = 60.0
BACKLOG_S: Final = 0.4
# A frozen detector sleeps until the other one has stored an alert without it, or this long.
FROZEN_MAX_S: Final = 9.0
# And then for longer than the broker remembers the alert's id.
FORGOTTEN_S: Final = 1.5
BROKER_FROZEN_S: Final = 2.5
BEHIND_SLOTS: Final = 20


@dataclass
class Strikes:
    """What strikes, at what, with which luck."""

    fleet: Fleet
    bus: Bus
    luck: random.Random
    api_url: str
    tx_bytes_max: int
    webhook: Hostile
    moody: Receiver

    async def strike(self, kind: str) -> str:
        """Land one fault; returns what was pending when it did."""
        return await _STRIKES[kind](self)

    async def kill_parser(self) -> str:
        # A short stop makes a backlog; the victim falls while it works that off.
        parsers = self.fleet.of("parser")
        _signal(parsers, signal.SIGSTOP)
        await asyncio.sleep(BACKLOG_S)
        _signal(parsers, signal.SIGCONT)
        pending = await self._pending("messages in a parser's hands", self._unacked)
        await asyncio.sleep(self.luck.uniform(0.0, 0.03))
        self.fleet.kill(self.luck.choice(self.fleet.of("parser")))
        return pending

    async def kill_detector(self) -> str:
        pending = await self._pending("batches not folded", self._unfolded)
        self.fleet.kill(self.luck.choice(self.fleet.of("detector")))
        return pending

    async def kill_ingest(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        self.fleet.kill(self.fleet.of("ingest")[0])
        return pending

    async def kill_history(self) -> str:
        # Rows are stored once a second: it falls with some in hand, or while it stores them.
        pending = await self._pending("updates arriving", self._arriving)
        await asyncio.sleep(self.luck.uniform(0.0, 1.2))
        self.fleet.kill(self.fleet.of("history")[0])
        return pending

    async def kill_api(self) -> str:
        # A request is under way when it dies.
        async with httpx.AsyncClient(trust_env=False) as client:

            async def answers() -> bool:
                try:
                    return (await client.get(f"{self.api_url}/livez", timeout=2.0)).is_success
                except httpx.HTTPError:
                    return False  # It is coming back from an earlier fault.

            await poll_until(answers, "an API that answers", timeout_s=PENDING_TIMEOUT_S)
            asked = asyncio.create_task(client.get(f"{self.api_url}/v1/swaps", timeout=10.0))
            await asyncio.sleep(0.003)
            self.fleet.kill(self.fleet.of("api")[0])
            (answer,) = await asyncio.gather(asked, return_exceptions=True)
        return f"a request, which ended in {type(answer).__name__}"

    async def kill_notifier(self) -> str:
        pending = await self._pending("alerts not delivered", self._undelivered)
        self.fleet.kill(self.fleet.of("notifier")[0])
        return pending

    async def kill_broker(self) -> str:
        pending = await self._pending("messages in a parser's hands", self._unacked)
        self.fleet.broker.kill()
        await asyncio.sleep(self.luck.uniform(0.1, 1.0))
        await restart_broker(self.fleet.broker)
        return pending

    async def freeze_broker(self) -> str:
        pending = await self._pending("messages in a parser's hands", self._unacked)
        os.kill(self.fleet.broker.process.pid, signal.SIGSTOP)
        await asyncio.sleep(BROKER_FROZEN_S)
        os.kill(self.fleet.broker.process.pid, signal.SIGCONT)
        return pending

    async def drop(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        await self._cut()
        return pending

    async def find_slow(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        await self._cut(lagged=True)
        return pending

    async def replay_too_much(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        fault_injection = self.fleet.source.player.fault_injection
        fault_injection.behind_slots = BEHIND_SLOTS
        await self._cut()
        await self._streaming()
        fault_injection.behind_slots = 0
        return pending

    async def refuse(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        fault_injection = self.fleet.source.player.fault_injection
        refusals = [
            Refusal(grpc.StatusCode.UNAVAILABLE, "no healthy upstream"),
            Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many subscriptions"),
            Refusal(grpc.StatusCode.INTERNAL, "failed to get replay response"),
        ]
        before = fault_injection.refused
        fault_injection.refusals.extend(refusals)
        await self._cut()

        async def all_met() -> bool:
            return fault_injection.refused >= before + len(refusals)

        await poll_until(all_met, "every refusal met", timeout_s=PENDING_TIMEOUT_S)
        return pending

    async def fill_queue(self) -> str:
        parsers = self.fleet.of("parser")
        _signal(parsers, signal.SIGSTOP)

        async def full() -> str:
            state = (await self.bus.api("STREAM.INFO.PW_TX"))["state"]
            # Less room than one batch takes: whoever publishes is refused.
            if state["bytes"] < self.tx_bytes_max - 40_000:
                return ""
            return f"{state['messages']} messages of {state['bytes']} bytes, no room for more"

        try:
            pending = await self._pending("a full queue", full)
            await asyncio.sleep(self.luck.uniform(0.8, 1.6))
            self.fleet.kill(self.fleet.of("ingest")[0])
        finally:
            _signal(parsers, signal.SIGCONT)
        return pending

    async def freeze_detector(self) -> str:
        pending = await self._pending("batches not folded", self._unfolded)
        victim = self.luck.choice(self.fleet.of("detector"))
        before = await self._alerts()
        _signal([victim], signal.SIGSTOP)
        try:
            overtaken = await self._overtaken(before)
            await asyncio.sleep(FORGOTTEN_S)
        finally:
            _signal([victim], signal.SIGCONT)
        return f"{pending}; {overtaken} alerts stored by the other one meanwhile"

    async def flood_api(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        return f"{pending}; {await hostile.flood(self.api_url)}"

    async def turn_webhook(self) -> str:
        pending = await self._pending("alerts not delivered", self._undelivered)
        return f"{pending}; {await hostile.turn(self.webhook, self.bus, self.luck)}"

    async def refuse_alerts(self) -> str:
        """The channel is set up wrong, in one way or another, until it comes back."""
        if _accepts(self.moody):
            pending = await self._pending("updates arriving", self._arriving)
        else:
            pending = await self._pending("alerts held", self._held)
        return f"{pending}; {await hostile.refuse(self.moody, self.luck)}"

    async def take_alerts(self) -> str:
        """It is set right, and perhaps somebody tries it out."""
        if _accepts(self.moody):
            await hostile.refuse(self.moody, self.luck)
        pending = await self._pending("alerts held", self._held)
        self.moody.always = TAKES
        tried = self.luck.random() < 0.5 and await hostile.try_out(self.bus, "moody")
        return f"{pending}; {'tried out' if tried else 'by itself'}"

    async def lie(self) -> str:
        pending = await self._pending("updates arriving", self._arriving)
        await self._streaming()
        return f"{pending}; {await hostile.lie(self.fleet.source.player, self.bus, self.luck)}"

    async def _alerts(self) -> int:
        info: dict[str, Any] = await self.bus.api("STREAM.INFO.PW_ALERT")
        return int(info["state"]["last_seq"])

    async def _overtaken(self, before: int) -> int:
        deadline_s = asyncio.get_running_loop().time() + FROZEN_MAX_S
        while not (grown := await self._alerts() - before):
            if asyncio.get_running_loop().time() > deadline_s:
                break
            await asyncio.sleep(0.05)
        return grown

    async def _cut(self, *, lagged: bool = False) -> None:
        await self._streaming()
        self.fleet.source.player.cut_all(lagged=lagged)

    async def _streaming(self) -> None:
        async def open_streams() -> int:
            return self.fleet.source.player.subscribers

        await poll_until(open_streams, "an open stream", timeout_s=PENDING_TIMEOUT_S)

    async def _pending(self, what: str, probe: Callable[[], Awaitable[str]]) -> str:
        async def steady() -> str:
            try:
                return await probe()
            except (BrokerAway, ApiRefused):
                return ""  # It is coming back from an earlier fault.

        return await poll_until(steady, what, timeout_s=PENDING_TIMEOUT_S, every_s=0.004)

    async def _unacked(self) -> str:
        info = await self.bus.api("CONSUMER.INFO.PW_TX.parser", timeout_s=1.0)
        count = int(info["num_ack_pending"])
        return f"{count} messages delivered and not acknowledged" if count else ""

    async def _unfolded(self) -> str:
        import msgspec

        last = (await self.bus.api("STREAM.INFO.PW_SWAP"))["state"]["last_seq"]
        entry = await self.bus.kv_get("pw_detector", "position")
        folded = msgspec.json.decode(entry[0])["folded_seq"] if entry else 0
        return f"{last - folded} batches stored and not folded" if last > folded > 0 else ""

    async def _arriving(self) -> str:
        before = await self._last_seq()
        await asyncio.sleep(0.05)
        grown = await self._last_seq() - before
        done = self.fleet.source.player.done
        return f"{grown} messages stored within 50 ms" if grown > 0 and not done else ""

    async def _last_seq(self) -> int:
        info: dict[str, Any] = await self.bus.api("STREAM.INFO.PW_TX")
        return int(info["state"]["last_seq"])

    async def _undelivered(self) -> str:
        count = await self._waiting("hook")
        return f"{count} alerts stored and not delivered" if count else ""

    async def _held(self) -> str:
        count = await self._waiting("moody")
        return f"{count} alerts held" if count else ""

    async def _waiting(self, channel: str) -> int:
        info = await self.bus.api(f"CONSUMER.INFO.PW_ALERT.notifier-{channel}")
        return int(info["num_pending"]) + int(info["num_ack_pending"])


def _accepts(receiver: Receiver) -> bool:
    return receiver.always[0] < 300


def _signal(members: list[Member], number: int) -> None:
    for member in members:
        if member.process.poll() is None:
            os.kill(member.process.pid, number)


_STRIKES: Final[dict[str, Callable[[Strikes], Awaitable[str]]]] = {
    "kill parser": Strikes.kill_parser,
    "kill detector": Strikes.kill_detector,
    "kill ingest": Strikes.kill_ingest,
    "kill api": Strikes.kill_api,
    "kill history": Strikes.kill_history,
    "kill notifier": Strikes.kill_notifier,
    "kill broker": Strikes.kill_broker,
    "source drops": Strikes.drop,
    "source finds us slow": Strikes.find_slow,
    "source replays too much": Strikes.replay_too_much,
    "source refuses": Strikes.refuse,
    "queue full, ingest killed": Strikes.fill_queue,
    "detector frozen": Strikes.freeze_detector,
    "broker frozen": Strikes.freeze_broker,
    "API flooded": Strikes.flood_api,
    "webhook hostile": Strikes.turn_webhook,
    "source lies": Strikes.lie,
    "channel refuses": Strikes.refuse_alerts,
    "channel comes back": Strikes.take_alerts,
}
