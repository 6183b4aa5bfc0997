"""`drain` ends when everything sent is stored, and rests while it waits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log

STORED = msgspec.json.encode({"stream": "S", "seq": 7})


def publisher() -> Publisher:
    # Not connected: what is published waits in the window, and nothing else happens.
    client = SimpleNamespace(is_connected=False, max_payload=1_000_000)
    return Publisher(cast("Bus", SimpleNamespace(client=client)), Log("test"))


async def answer(one: Publisher, token: int) -> None:
    message = SimpleNamespace(subject=f"inbox.{token}", headers=None, data=STORED)
    await one._on_ack(cast("Any", message))


async def test_drain_rests_when_a_future_was_cancelled_and_ends_when_it_is_stored(
    monkeypatch: Any,
) -> None:
    one = publisher()
    future = await one.publish("a", b"x", {})
    future.cancel()
    rounds = 0
    wait = asyncio.wait

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal rounds
        rounds += 1
        if rounds > 20:
            raise AssertionError("it spins")
        return await wait(*args, **kwargs)

    monkeypatch.setattr(asyncio, "wait", counted)
    draining = asyncio.create_task(one.drain())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not draining.done()
    await answer(one, 1)
    await asyncio.wait_for(draining, 5)
    assert one.in_flight == 0
