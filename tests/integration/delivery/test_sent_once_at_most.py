"""A channel that wants no alert twice loses none either, as long as the notifier stops in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from support.command import Ended, pw
from support.notifying import (
    configure,
    dead_letters,
    delivered,
    fire,
    hook,
    notifying,
    of_rules,
    said,
)
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.services import running_service


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def once(url: str, **more: Any) -> dict[str, Any]:
    return hook("hook", url, delivery="at_most_once", late_after_s=2, **more)


async def until_seen(receiver: Receiver, count: int) -> None:
    async def seen() -> bool:
        return len(receiver.seen) >= count

    await poll_until(seen, f"{count} requests", timeout_s=30)


async def until_noted(bus: Bus, n: int, value: bytes) -> None:
    async def noted() -> bool:
        entry = await bus.kv_get(subjects.BUCKET_OUTBOX, f"hook.{n:032}")
        return entry is not None and entry[0] == value

    await poll_until(noted, f"alert {n} noted as {value!r}", timeout_s=30)


async def test_what_no_connection_took_is_sent_once_the_address_is_right(tmp_path: Path) -> None:
    with receiving() as right:
        entry = once(f"http://127.0.0.1:{unused_port()}/x")
        async with notifying(tmp_path, entry) as (bus, url, _):
            await fire(bus, 1, 2, 3)
            # Even a crash would lose nothing now.
            await until_noted(bus, 1, b"unsent")
            await configure(bus, entry | {"url": right.url})
            await delivered(right, 1, 2, 3)
            await said(url, "")
            assert await dead_letters(bus) == 0


@pytest.mark.parametrize("status", [302, 429, 503])
async def test_what_was_answered_with_a_refusal_is_sent_by_the_next_notifier_even_after_a_crash(
    tmp_path: Path, status: int
) -> None:
    with receiving() as receiver:
        receiver.always = (status, {}, b"")
        async with notifying(tmp_path, once(receiver.url)) as (bus, _, process):
            await fire(bus, 1, 2, 3)
            await until_noted(bus, 1, b"unsent")
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            receiver.always = (204, {}, b"")
            broker = bus.client.connected_url
            assert broker is not None
            async with running_service("pw_notifier", {"PW_NATS_URL": broker.geturl()}):
                await delivered(receiver, 1, 2, 3)
            assert await dead_letters(bus) == 0


async def test_an_orderly_stop_hands_over_what_waits_and_what_is_under_way_goes_out_once(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        receiver.takes_s = 2
        async with notifying(tmp_path, once(receiver.url)) as (bus, _, process):
            await fire(bus, 1)
            await until_noted(bus, 1, b"sending")
            await fire(bus, 2, 3)
            process.terminate()
            assert await asyncio.to_thread(process.wait) == 0
            assert of_rules(receiver) == [(False, [1])]
            receiver.takes_s = 0
            broker = bus.client.connected_url
            assert broker is not None
            async with running_service("pw_notifier", {"PW_NATS_URL": broker.geturl()}):
                await delivered(receiver, 1, 2, 3)
            assert await dead_letters(bus) == 0


@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
async def test_an_edit_while_a_receiver_takes_its_time_neither_doubles_nor_loses(
    tmp_path: Path, delivery: str
) -> None:
    with receiving() as receiver:
        receiver.takes_s = 3
        entry = hook("hook", receiver.url, delivery=delivery)
        async with notifying(tmp_path, entry) as (bus, _, _process):
            await fire(bus, 1)
            await until_noted(bus, 1, b"sending")
            await configure(bus, entry | {"late_after_s": 300})
            await fire(bus, 2)
            assert await delivered(receiver, 1, 2) == [(False, [1]), (False, [2])]
            assert len(receiver.seen) == 2
            assert await dead_letters(bus) == 0


async def test_a_channel_that_ends_slowly_holds_up_no_other_that_was_changed(
    tmp_path: Path,
) -> None:
    with receiving() as slow, receiving() as other:
        slow.takes_s = 9
        entries = hook("slow", slow.url), hook("other", other.url)
        async with notifying(tmp_path, *entries) as (bus, _, _process):
            await fire(bus, 1)
            await delivered(other, 1)
            # Late from now on: a digest shows that the change has been taken up.
            await configure(bus, *(one | {"late_after_s": 1, "severity_min": "info"}
                                   for one in entries), hook("third", other.url))  # fmt: skip

            async def third() -> bool:
                names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
                return len(names) == 3

            await poll_until(third, "the new channel", timeout_s=6)
            await fire(bus, 2)
            await delivered(other, 1, 2, 2)
            assert not slow.taken
            await delivered(slow, 1, 2)
            assert len(slow.seen) == 2


async def test_what_may_have_been_sent_before_a_crash_is_a_dead_letter_that_can_go_back(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, once(receiver.url)) as (bus, _, process):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            await bus.kv_put(subjects.BUCKET_OUTBOX, f"hook.{1:032}", b"sending")
            await fire(bus, 1)
            broker = bus.client.connected_url
            assert broker is not None
            environ = {"PW_NATS_URL": broker.geturl()}
            async with running_service("pw_notifier", environ) as (_, url):
                await said(url, "lost 1 alert to dead letters: it may have been sent")
                assert not receiver.taken
                assert await dead_letters(bus) == 1
                result = await pw("dlq", "replay", "--all", **environ)
                assert result == Ended(0, "1 sent back\n", "")
            assert of_rules(receiver) == [(True, [1])]
