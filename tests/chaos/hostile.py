"""What strangers do to the system: a flooded API, a receiver that means harm, a source that lies.

Each returns what it did, after the system has met it.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
from nats.errors import Error as NatsError

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.topology import subjects
from pw_common.wire.messages import decode_heartbeat
from pw_replay.player import Player
from support.hostile import BEHAVIOURS, Hostile
from support.lying import block_meta_at
from support.poll import poll_until
from support.receiver import Receiver

# More than the API takes in all, so that the bound itself is met.
IDLE_CONNECTIONS: Final = 400
HALF_REQUESTS: Final = 60
HALF_REQUEST: Final = b"PUT /api/v1/watchlists HTTP/1.1\r\nHost: localhost\r\n"
MET_TIMEOUT_S: Final = 120.0
# Faults of a channel: none of them condemns an alert.
REFUSALS: Final = (
    (302, b""),
    (401, b"no such token"),
    (403, b"blocked"),
    (404, b"no such hook"),
    (405, b""),
    (409, b"conflict"),
    (415, b"not this type"),
    (422, b"not in this form"),
)


async def flood(api_url: str) -> str:
    """Hold more connections open than are allowed, some in the middle of a request."""
    address = urlsplit(api_url)
    opened = await asyncio.gather(
        *(
            asyncio.open_connection(address.hostname, address.port)
            for _ in range(IDLE_CONNECTIONS + HALF_REQUESTS)
        ),
        return_exceptions=True,
    )
    writers = [one[1] for one in opened if not isinstance(one, BaseException)]
    try:
        for writer in writers[:HALF_REQUESTS]:
            writer.write(HALF_REQUEST)
        async with httpx.AsyncClient(trust_env=False) as client:

            async def lives() -> bool:
                try:
                    return (await client.get(f"{api_url}/livez", timeout=2.0)).is_success
                except httpx.HTTPError:
                    return False

            # An API that an earlier fault killed comes back, and a flooded one still answers.
            await poll_until(lives, "an API that answers in a flood", timeout_s=MET_TIMEOUT_S)
    finally:
        for writer in writers:
            writer.transport.abort()
    return f"{len(writers)} connections that ask for nothing"


async def turn(webhook: Hostile, bus: Bus, luck: random.Random) -> str:
    """Let the second channel's receiver take another way to do harm, and wait until it did."""
    webhook.now = luck.choice(sorted(BEHAVIOURS))
    before = webhook.met[webhook.now]

    async def met() -> bool:
        if webhook.met[webhook.now] > before:
            return True
        # A receiver that has long failed is asked once in a minute, unless somebody tries it out.
        await try_out(bus, "harm")
        return False

    what = f"a notifier that meets {webhook.now}"
    await poll_until(met, what, timeout_s=MET_TIMEOUT_S, every_s=1.0)
    return webhook.now


async def refuse(receiver: Receiver, luck: random.Random) -> str:
    """Let a channel's receiver refuse as one does that is set up wrong, and wait until it did."""
    was_at_fault = receiver.always[0] >= 300
    status, words = luck.choice(REFUSALS)
    before = len(receiver.seen)
    receiver.always = (status, {"Location": "http://127.0.0.1:1/"} if status < 400 else {}, words)

    async def refused() -> bool:
        return len(receiver.seen) > before

    # One that is refused already asks again when it is time.
    if not was_at_fault:
        await poll_until(refused, f"an alert answered {status}", timeout_s=MET_TIMEOUT_S)
    return f"{status} {words.decode()}"


async def try_out(bus: Bus, channel: str) -> bool:
    """Send a test message through a channel; whether a notifier answered."""
    question = msgspec.json.encode({"channel": channel})
    try:
        await bus.client.request(subjects.ASK_NOTIFIER, question, timeout=5.0)
    except (NatsError, OSError, TimeoutError):
        return False  # It or the broker is coming back from an earlier fault.
    return True


async def lie(player: Player, bus: Bus, luck: random.Random) -> str:
    """Let the source claim slots and times that cannot be, until it was refused."""
    slot = player.slot
    lies = {
        "a slot of 2^63": block_meta_at(2**63, slot, 1_750_000_000),
        "a slot near 2^64": block_meta_at(2**64 - 2, slot, 1_750_000_000),
        "a slot of 10^12": block_meta_at(10**12, slot, 1_750_000_000),
        "a block time of 2^62": block_meta_at(slot, slot - 1, 2**62),
        "a block time of -2^62": block_meta_at(slot, slot - 1, -(2**62)),
        "a block time in the year 3000": block_meta_at(slot, slot - 1, 32_503_680_000),
    }
    name = luck.choice(sorted(lies))
    before = await _refused(bus) or {}

    async def refused() -> bool:
        # Again, since a stream that is cut takes with it what was queued.
        player.say_beside([lies[name]])
        now = await _refused(bus)
        # One that was started again under its name counts from 0, below what it last said.
        return any(
            count and count != before.get(instance, 0) for instance, count in (now or {}).items()
        )

    await poll_until(refused, f"{name} refused", timeout_s=MET_TIMEOUT_S, every_s=0.2)
    return name


async def _refused(bus: Bus) -> dict[str, int] | None:
    """How many claims each ingest has refused; None while the broker does not answer."""
    try:
        values = (await bus.kv_all(subjects.BUCKET_INSTANCES)).values()
    except (BrokerAway, ApiRefused):
        return None
    beats = [decode_heartbeat(value) for value in values]
    return {beat.instance: beat.source.refused for beat in beats if beat.source is not None}
