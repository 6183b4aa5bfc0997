"""What ends a channel's fault, and what a channel keeps while it is turned off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.overview import take
from pw_common.process.clock import now_ms
from pw_common.topology import subjects
from pw_health.reading import snapshot_of
from support.command import Ended, pw
from support.notifying import (
    configure,
    dead_letters,
    delivered,
    fire,
    hook,
    notifying,
    of_rules,
    readiness,
    said,
)
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.services import running_service

HELD = "channel hook holds 3 alerts until it is set right: answered 401"


async def tried(bus: Bus, name: str) -> dict[str, Any]:
    question = msgspec.json.encode({"channel": name})
    answer = await bus.client.request(subjects.ASK_NOTIFIER, question, timeout=15)
    found: dict[str, Any] = msgspec.json.decode(answer.data)
    return found


async def durables(bus: Bus) -> list[str]:
    return (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []


async def until_letters(bus: Bus, count: int) -> None:
    async def stored() -> bool:
        return await dead_letters(bus) == count

    await poll_until(stored, f"{count} dead letters", timeout_s=30)


async def failing(url: str) -> bool:
    """Whether readiness speaks of a channel that takes nothing, not of what it lost."""
    reason = (await readiness(url))["reason"]
    return "holds" in reason or "taken nothing" in reason


async def well(url: str) -> None:
    """Wait until the fault has cleared; readiness follows shortly after the response."""

    async def ended() -> bool:
        return not await failing(url)

    await poll_until(ended, "the fault is over", timeout_s=10)


async def test_a_fault_ends_with_the_last_alert_that_it_held(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=4)
        async with notifying(tmp_path, entry) as (bus, url, _):
            await fire(bus, 1, 2)
            await said(url, "channel hook holds 2 alerts")
            await until_letters(bus, 2)
            await said(url, "channel hook lost 2 alerts to dead letters")
            await well(url)
            receiver.always = (204, {}, b"")
            await fire(bus, 3)
            # As an alert of its own: the digest of what was held is over too.
            assert await delivered(receiver, 3) == [(False, [3])]


async def test_a_test_message_or_a_replay_that_gets_through_ends_the_fault(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=3)
        async with notifying(tmp_path, entry) as (bus, url, _):
            broker = bus.client.connected_url
            assert broker is not None
            await fire(bus, 1)
            await until_letters(bus, 1)
            # This one takes what it is asked for, and still refuses what waits.
            refuses(receiver, 2)
            await configure(bus, entry | {"alert_age_max_s": 600})
            await fire(bus, 2)
            await said(url, "channel hook holds 1 alert")
            seen = attempts(receiver, 2)
            result = await pw("dlq", "replay", "--all", PW_NATS_URL=broker.geturl())
            assert result == Ended(0, "1 sent back\n", "")

            async def tried_at_once() -> bool:
                return attempts(receiver, 2) > seen

            await poll_until(tried_at_once, "another attempt with what waits", timeout_s=5)
            receiver.answer = Receiver.answer.__get__(receiver)  # type: ignore[method-assign]
            receiver.always = (204, {}, b"")
            assert await tried(bus, "hook") == {"sent": True}
            await delivered(receiver, 1, 2)
            await well(url)


def refuses(receiver: Receiver, n: int) -> None:
    """Refuse whatever has this alert in it."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        receiver.seen.append(request)
        if any(one["n"] == n and one["trigger"] == "busy" for one in request.json()["alerts"]):
            return 401, {}, b""
        receiver.taken.append(request)
        return 204, {}, b""

    receiver.answer = answer  # type: ignore[method-assign]


def attempts(receiver: Receiver, n: int) -> int:
    return sum(
        any(one["n"] == n and one["trigger"] == "busy" for one in request.json()["alerts"])
        for request in receiver.seen
    )


async def test_a_channel_that_is_turned_off_keeps_what_it_held_until_it_is_on(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url)
        async with notifying(tmp_path, entry) as (bus, url, _):
            await fire(bus, 1, 2, 3)
            await said(url, HELD)
            await configure(bus, entry | {"enabled": False})
            await said(url, "")
            # A channel that is started in the same look shows that the look was whole.
            await configure(bus, entry | {"enabled": False}, hook("other", receiver.url))

            async def looked() -> bool:
                return "notifier-other" in await durables(bus)

            await poll_until(looked, "the other channel")
            # What waits there is no fault for as long as the channel is off.
            assert await waiting(bus, "hook") == (0, 3)
            receiver.always = (204, {}, b"")
            await configure(bus, entry)
            assert await delivered(receiver, 1, 2, 3) == [(True, [1, 2, 3])]
            assert await dead_letters(bus) == 0
            receiver.always = (401, {}, b"")
            await fire(bus, 4)
            await said(url, "channel hook holds 1 alert")
            assert await waiting(bus, "hook") == (1, 1)


async def waiting(bus: Bus, channel: str) -> tuple[int, int]:
    """How many alerts wait for a channel by the status, and how many do at the broker."""
    (found,) = [
        one for one in snapshot_of(await take(bus, now_ms())).channels if one.name == channel
    ]
    info = await bus.api(f"CONSUMER.INFO.PW_ALERT.notifier-{channel}")
    return found.waiting, int(info["num_pending"]) + int(info["num_ack_pending"])


async def test_channels_that_cannot_be_read_are_not_said_to_be_gone(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=2)
        async with notifying(tmp_path, entry) as (bus, url, process):
            await fire(bus, 1)
            await until_letters(bus, 1)
            unreadable = hook("hook", receiver.url, kind="pager")
            await configure(bus, unreadable)
            await said(url, "the last good ones are used")
            other = await tried(bus, "other")
            assert "there are: hook; the channels as they are now cannot be read" in other["error"]
            process.terminate()
            process.wait()
            broker = bus.client.connected_url
            assert broker is not None
            environ = {"PW_NATS_URL": broker.geturl()}
            async with running_service("pw_notifier", environ) as (_, second):
                await said(second, "the channels cannot be read")
                told = (await tried(bus, "hook"))["error"]
                result = await pw("dlq", "replay", "--all", **environ)
            for words in (told, result.err):
                assert "the channels cannot be read: " in words
                assert "pager" in words
                assert "there are" not in words
                assert "there is no" not in words
            assert of_rules(receiver) == []
