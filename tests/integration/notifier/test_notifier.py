"""Alerts reach people once, whatever their services and our processes do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import decode_heartbeat, encode
from support.broker import provisioned
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import store
from support.services import running_service

SECRET = "s" * 24


def alert(n: int, **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"{n:032}", "episode": "e", "n": n, "kind": "opened", "trigger": "busy",
        "severity": "warning", "slot": n, "opened_slot": n, "event_time_ms": n, "mint": "M" * 43,
        "title": f"alert {n}",
    }  # fmt: skip
    return Alert(**(fields | more))


async def fire(bus: Bus, one: Alert) -> None:
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "hook", "kind": "webhook", "url": f"{receiver.url}/in", "secret": SECRET} | more


async def configure(bus: Bus, *entries: dict[str, Any]) -> None:
    body = msgspec.json.encode({"entries": entries})
    await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)


async def durables(bus: Bus) -> list[str]:
    return (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []


@asynccontextmanager
async def notifying(
    folder: Path, *entries: dict[str, Any], **environ: str
) -> AsyncIterator[tuple[Bus, subprocess.Popen[bytes], str]]:
    async with provisioned(folder / "broker") as (broker, bus):
        await configure(bus, *entries)
        variables = {"PW_NATS_URL": broker.url, **environ}
        async with running_service("pw_notifier", variables) as (process, _):

            async def listening() -> bool:
                return len(await durables(bus)) == len(entries)

            await poll_until(listening, "the channels' durables")
            yield bus, process, broker.url


async def arrived(receiver: Receiver, count: int) -> list[int]:
    async def enough() -> bool:
        return len(numbers(receiver)) >= count

    await poll_until(enough, f"{count} alerts delivered", timeout_s=30)
    return numbers(receiver)


def numbers(receiver: Receiver) -> list[int]:
    return [one["n"] for request in receiver.taken for one in request.json()["alerts"]]


async def test_a_signed_webhook_gets_each_alert_once_in_order(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver)) as (bus, _, _url):
            for n in range(4):
                await fire(bus, alert(n))
            assert await arrived(receiver, 4) == [0, 1, 2, 3]
        request = receiver.taken[0]
        told = Webhook(SECRET).verify(request.body, request.headers)
        assert told["alerts"][0]["id"] == request.headers["webhook-id"]
        assert not [name for name in request.headers if name.startswith("pw-")]


async def test_discord_and_telegram_are_waited_for_as_they_ask(tmp_path: Path) -> None:
    with receiving() as discord, receiving() as telegram:
        discord.answers = [(429, {}, b'{"message": "slow", "retry_after": 0.3, "global": false}')]
        limited = b'{"ok": false, "error_code": 429, "parameters": {"retry_after": 1}}'
        telegram.answers = [(429, {}, limited)]
        telegram.always = (200, {}, b'{"ok": true}')
        channels = (
            {"name": "discord", "kind": "discord", "url": f"{discord.url}/api/webhooks/1/x"},
            {"name": "telegram", "kind": "telegram", "bot_token": "1:" + "a" * 30, "chat_id": "7"},
        )
        async with notifying(tmp_path, *channels, PW_NOTIFIER_TELEGRAM_URL=telegram.url) as (
            bus,
            _,
            _url,
        ):
            await fire(bus, alert(1))

            async def both() -> bool:
                return bool(discord.taken and telegram.taken)

            await poll_until(both, "both services took it", timeout_s=20)
        assert (len(discord.seen), len(telegram.seen)) == (2, 2)
        assert discord.taken[0].json()["embeds"][0]["title"] == "alert 1"
        assert telegram.taken[0].path == f"/bot1:{'a' * 30}/sendMessage"


async def test_a_channel_that_is_down_loses_nothing_and_tells_late_ones_at_once(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        receiver.always = (503, {}, b"")
        async with notifying(tmp_path, hook(receiver, late_after_s=2)) as (bus, _, _url):
            for n in range(5):
                await fire(bus, alert(n))

            async def tried() -> bool:
                return len(receiver.seen) >= 3

            await poll_until(tried, "some attempts", timeout_s=30)
            receiver.always = (204, {}, b"")
            assert sorted(await arrived(receiver, 5)) == [0, 1, 2, 3, 4]
        (digest,) = receiver.taken
        assert digest.json()["late"] is True
        assert len(digest.json()["alerts"]) == 5


@pytest.mark.parametrize(("delivery", "times"), [("at_least_once", 1), ("at_most_once", 0)])
async def test_after_a_crash_between_sending_and_sent_the_channel_decides(
    tmp_path: Path, delivery: str, times: int
) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver, delivery=delivery)) as (bus, process, url):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            cut_off, fresh = alert(1), alert(2)
            # What a notifier leaves that ends between the request and its answer.
            await bus.kv_put(subjects.BUCKET_OUTBOX, f"hook.{cut_off.id}", b"sending")
            await fire(bus, cut_off)
            await fire(bus, fresh)
            async with running_service("pw_notifier", {"PW_NATS_URL": url}):
                found = await arrived(receiver, 1 + times)
    assert found.count(1) == times
    assert found.count(2) == 1


async def test_a_notifier_killed_and_started_again_sends_nothing_twice(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver)) as (bus, process, url):
            await fire(bus, alert(1))
            await arrived(receiver, 1)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            await fire(bus, alert(2))
            async with running_service("pw_notifier", {"PW_NATS_URL": url}):
                await arrived(receiver, 2)
    assert numbers(receiver) == [1, 2]


async def test_what_is_refused_for_good_becomes_a_dead_letter(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.answers = [(400, {}, b"no such field")]
        async with notifying(tmp_path, hook(receiver)) as (bus, _, _url):
            await fire(bus, alert(1))
            await fire(bus, alert(2))
            assert await arrived(receiver, 1) == [2]
            state = (await bus.api("STREAM.INFO.PW_DLQ"))["state"]
            assert state["messages"] == 1


async def test_a_removed_channel_loses_its_durable_and_a_new_one_starts_at_new(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver)) as (bus, _, _url):
            await configure(bus)

            async def gone() -> bool:
                return await durables(bus) == []

            await poll_until(gone, "the durable is gone")
            await fire(bus, alert(1))
            await configure(bus, hook(receiver))

            async def back() -> bool:
                return len(await durables(bus)) == 1

            await poll_until(back, "the durable is back")
            await fire(bus, alert(2))
            assert await arrived(receiver, 1) == [2]


# As a version would write it that knows a kind which this one does not.
UNREADABLE = {"name": "team", "kind": "carrier-pigeon", "url": "http://127.0.0.1:9/in"}


async def until_said(bus: Bus, what: str) -> None:
    """Wait until the newest notifier says this of its readiness; nothing means ready."""

    async def said() -> bool:
        bodies = (await bus.kv_all(subjects.BUCKET_INSTANCES)).values()
        beats = [decode_heartbeat(one) for one in bodies]
        if not beats:
            return False
        newest = max(beats, key=lambda beat: beat.started_at_ms)
        return what in newest.reason and newest.ready is not bool(what)

    await poll_until(said, f"readiness says {what!r}")


async def delivered(receiver: Receiver, *wanted: int) -> None:
    """Wait for exactly these of our alerts; the notifier's own, of what it sees, may be between."""

    def found() -> list[int]:
        sent = [one for request in receiver.taken for one in request.json()["alerts"]]
        return sorted(one["n"] for one in sent if one["trigger"] == "busy")

    async def enough() -> bool:
        return len(found()) >= len(wanted)

    await poll_until(enough, f"alerts {wanted} delivered", timeout_s=30)
    assert found() == list(wanted)


async def test_channels_that_cannot_be_read_change_nothing_and_lose_no_alert(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        receiver.always = (503, {}, b"")
        async with notifying(tmp_path, hook(receiver)) as (bus, _, _url):
            await fire(bus, alert(1))
            await configure(bus, hook(receiver), UNREADABLE)
            await until_said(bus, "last good ones")
            await fire(bus, alert(2))
            receiver.always = (204, {}, b"")
            await delivered(receiver, 1, 2)


async def test_a_start_with_channels_that_cannot_be_read_delivers_to_none_and_drops_none(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver)) as (bus, process, url):
            process.terminate()
            await asyncio.to_thread(process.wait)
            await fire(bus, alert(1))
            await configure(bus, hook(receiver), UNREADABLE)
            async with running_service("pw_notifier", {"PW_NATS_URL": url}):
                await until_said(bus, "nothing is delivered")
                assert await durables(bus) == ["notifier-hook"]
                assert not receiver.seen
                await configure(bus, hook(receiver))
                await delivered(receiver, 1)
                await until_said(bus, "")


async def test_a_test_message_is_sent_on_request(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver)) as (bus, _, _url):
            for name, expected in (("hook", {"sent": True}), ("none", None)):
                question = msgspec.json.encode({"channel": name})
                answer = await bus.client.request(subjects.ASK_NOTIFIER, question, timeout=5)
                told = msgspec.json.decode(answer.data)
                assert told == expected or "no channel 'none'" in told["error"]
                assert told.get("is_unknown", False) is (name == "none")
        assert receiver.taken[0].json()["alerts"][0]["trigger"] == "test"
