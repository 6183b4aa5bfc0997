"""Who waits for room is woken, whatever becomes of others; what was refused comes back spread."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.jetstream.publishing.window import RETRY_MAX_S, evenly
from pw_common.process.log import Log

FULL = msgspec.json.encode({"error": {"code": 503, "err_code": 10077, "description": "full"}})
STORED = msgspec.json.encode({"stream": "S", "seq": 7})


def publisher(messages_max: int = 1) -> Publisher:
    # Not connected: what is published waits in the window, and nothing else happens.
    client = SimpleNamespace(is_connected=False, max_payload=1_000_000)
    return Publisher(cast("Bus", SimpleNamespace(client=client)), Log("test"),
                     messages_max=messages_max)  # fmt: skip


async def waiting(one: Publisher, count: int) -> list[asyncio.Task[Any]]:
    await one.publish("a", b"x", {})
    tasks = [asyncio.create_task(one.publish("a", b"x", {})) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    return tasks


async def store_one(one: Publisher) -> None:
    message = SimpleNamespace(subject=f"inbox.{min(one._futures)}", headers=None, data=STORED)
    await one._on_ack(cast("Any", message))


async def test_one_that_is_cancelled_when_it_was_woken_wakes_the_next() -> None:
    one = publisher()
    first, second = await waiting(one, 2)
    await store_one(one)
    # The room is the first one's; it has not run since.
    first.cancel()
    await asyncio.wait_for(asyncio.shield(second), 5)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert one.in_flight == 1


async def test_one_that_is_cancelled_while_it_waits_takes_nothing_with_it() -> None:
    one = publisher()
    first, second, third = await waiting(one, 3)
    first.cancel()
    await asyncio.wait({first})
    await store_one(one)
    await asyncio.wait_for(asyncio.shield(second), 5)
    await store_one(one)
    await asyncio.wait_for(asyncio.shield(third), 5)


async def test_a_whole_window_that_is_refused_at_once_does_not_fall_due_at_once() -> None:
    one = publisher(messages_max=64)
    for _ in range(64):
        await one.publish("a", b"x", {})
    for _ in range(8):
        for token in list(one._futures):
            message = SimpleNamespace(subject=f"inbox.{token}", headers=None, data=FULL)
            await one._on_ack(cast("Any", message))
    due_s = sorted(one._window.due_at_s())
    assert due_s[-1] - due_s[0] > 0.4 * RETRY_MAX_S
    # Evenly: no tenth of the time has a third of them.
    for at in range(10):
        low = due_s[0] + (due_s[-1] - due_s[0]) * at / 10
        high = due_s[0] + (due_s[-1] - due_s[0]) * (at + 1) / 10
        assert sum(low <= one_s <= high for one_s in due_s) < 64 / 3


def test_the_spread_is_the_same_at_every_run() -> None:
    one, other = evenly(), evenly()
    numbers = [one() for _ in range(1_000)]
    assert numbers == [other() for _ in range(1_000)]
    assert all(0 <= number < 1 for number in numbers)
