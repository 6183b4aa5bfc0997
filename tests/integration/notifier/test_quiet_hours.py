"""Quiet hours of a channel: what is urgent passes, the rest waits at the broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pw_common.jetstream.bus import Bus, Msg
from pw_common.jetstream.overview import take
from pw_common.process.clock import now_ms
from pw_common.topology import subjects
from pw_common.wire.messages import encode
from pw_health import conditions
from pw_health.reading import snapshot_of
from support.notifying import (
    alert,
    configure,
    dead_letters,
    delivered,
    hook,
    notifying,
    of_rules,
    readiness,
    said,
)
from support.poll import poll_until
from support.receiver import receiving
from support.records import store
from support.services import running_service

DURABLE = "notifier-hook"
# More than a channel holds in memory, or may have from the broker at once without quiet hours.
MANY = 520


def around_now(start_h: int = -1, end_h: int = 10) -> dict[str, str]:
    """Hours that began an hour ago and end in ten, or others from now."""
    now = datetime.fromtimestamp(now_ms() / 1_000, UTC)
    hours = [(now + timedelta(hours=more)).strftime("%H:%M") for more in (start_h, end_h)]
    return {"from": hours[0], "to": hours[1], "time_zone": "+00:00"}


async def fire(bus: Bus, n: int, severity: str) -> None:
    one = alert(n, severity=severity, detail="")
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


async def test_what_waits_for_the_end_of_quiet_hours_holds_up_nothing_and_is_not_lost(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        entry = hook("hook", receiver.url, late_after_s=1)
        async with notifying(tmp_path, entry | {"quiet": around_now()}) as (bus, _, _process):
            for n in range(MANY):
                await fire(bus, n, "warning")
            await fire(bus, MANY, "critical")
            assert await delivered(receiver, MANY) == [(False, [MANY])]

            async def all_wait() -> bool:
                info = await bus.api(f"CONSUMER.INFO.{subjects.STREAM_ALERT}.{DURABLE}")
                return bool(info["num_ack_pending"] == MANY and not info["num_pending"])

            await poll_until(all_wait, "all others wait at the broker", timeout_s=30)
            assert len(receiver.seen) == 1
            snapshot = snapshot_of(await take(bus, now_ms()))
            assert snapshot.channels[0].waiting == 0
            assert not [one for one in conditions(snapshot) if one.name == "channel_hook"]
            await configure(bus, entry)

            async def all_sent() -> bool:
                return sum(len(numbers) for _, numbers in of_rules(receiver)) > MANY

            await poll_until(all_sent, "an edit ends the quiet hours", timeout_s=120)
            sent = await delivered(receiver, *range(MANY + 1))
            assert await dead_letters(bus) == 0
    assert all(late for late, numbers in sent if numbers != [MANY])


async def held_for(bus: Bus, count: int, age_s: float) -> None:
    """Wait until quiet hours have held up that many, for longer than they may be late."""
    since_ms = now_ms()

    async def waited() -> bool:
        info = await bus.api(f"CONSUMER.INFO.{subjects.STREAM_ALERT}.{DURABLE}")
        is_old = now_ms() - since_ms > 1_000 * age_s
        return is_old and info["num_ack_pending"] == count

    await poll_until(waited, "they wait", timeout_s=30)


@pytest.mark.parametrize("edit", ["removed", "louder", "moved", "removed while it was stopped"])
async def test_an_edit_of_quiet_hours_makes_no_dead_letter_of_what_waited_for_their_end(
    tmp_path: Path, edit: str
) -> None:
    hours = around_now()
    quiet = {"louder": hours | {"severity_min": "info"}, "moved": around_now(9, 10)}.get(edit)
    with receiving() as receiver:
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=3, quiet=hours)
        async with notifying(tmp_path, entry) as (bus, _, process):
            for n in range(3):
                await fire(bus, n, "warning")
            await held_for(bus, 3, 4)
            if "stopped" not in edit:
                await configure(bus, entry | {"quiet": quiet})
                sent = await delivered(receiver, *range(3))
            else:
                process.terminate()
                process.wait()
                await configure(bus, entry | {"quiet": quiet})
                broker = bus.client.connected_url
                assert broker is not None
                async with running_service("pw_notifier", {"PW_NATS_URL": broker.geturl()}):
                    sent = await delivered(receiver, *range(3))
            assert await dead_letters(bus) == 0
    assert all(late for late, _ in sent)


async def test_what_is_held_up_is_called_late_neither_after_an_edit_nor_for_its_age(
    tmp_path: Path,
) -> None:
    made: list[str] = []

    async def note(message: Msg) -> None:
        made.append(message.subject)

    async def until_made(times: int) -> None:
        async def again() -> bool:
            return len(made) >= times

        await poll_until(again, f"the durable is made again, {times}", timeout_s=20)

    async def never_waits(more: int) -> None:
        """For a second from now on."""
        since_ms = now_ms()

        async def a_second() -> bool:
            assert snapshot_of(await take(bus, now_ms())).channels[0].waiting <= more
            return now_ms() > since_ms + 1_000

        await poll_until(a_second, "a second")

    with receiving() as receiver:
        entry = hook("hook", receiver.url, late_after_s=1)
        quiet = entry | {"quiet": around_now()}
        async with notifying(tmp_path, quiet) as (bus, _, process):
            for n in range(3):
                await fire(bus, n, "warning")
            await held_for(bus, 3, 1)
            await bus.client.subscribe(f"$JS.API.CONSUMER.CREATE.PW_ALERT.{DURABLE}", cb=note)
            await configure(bus, quiet | {"late_after_s": 2})
            await until_made(1)
            await never_waits(0)
            await held_for(bus, 3, 1)
            # Nobody takes up what comes now, and it is new.
            process.terminate()
            process.wait()
            since_ms = now_ms()
            await fire(bus, 3, "critical")
            (found,) = snapshot_of(await take(bus, now_ms())).channels
            assert found.waiting == 1
            assert found.lag_ms <= now_ms() - since_ms + 50
            made.clear()
            await configure(bus, entry)
            broker = bus.client.connected_url
            assert broker is not None
            async with running_service("pw_notifier", {"PW_NATS_URL": broker.geturl()}):
                await until_made(1)
                await never_waits(1)
                await delivered(receiver, *range(4))


async def test_a_fault_of_the_evening_is_none_all_night_and_the_broker_is_not_asked_for_it(
    tmp_path: Path,
) -> None:
    now = datetime.fromtimestamp(now_ms() / 1_000, UTC)
    # The next full minute that leaves time to start.
    start = (now + timedelta(seconds=75)).replace(second=0)
    hours = {"from": f"{start:%H:%M}", "to": f"{start + timedelta(hours=2):%H:%M}"}
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url, quiet=hours)
        async with notifying(tmp_path, entry) as (bus, url, _process):

            async def evening() -> bool:
                return now_ms() > start.timestamp() * 1_000 - 5_000

            await poll_until(evening, "a moment before the quiet hours", timeout_s=120)
            await fire(bus, 1, "warning")
            await said(url, "channel hook holds 1 alert")
            await held_for(bus, 1, 5)
            await said(url, "")
            asked: list[str] = []

            async def note(message: Msg) -> None:
                asked.append(message.subject)

            await bus.client.subscribe(f"$JS.API.CONSUMER.INFO.PW_ALERT.{DURABLE}", cb=note)
            since_ms = now_ms()

            async def three_seconds() -> bool:
                assert not (await readiness(url))["reason"]
                return now_ms() > since_ms + 3_000

            await poll_until(three_seconds, "it would have asked")
            assert asked == []
            # What is urgent finds out whether the fault lasts.
            receiver.always = (204, {}, b"")
            await fire(bus, 2, "critical")
            await delivered(receiver, 2)


async def test_at_the_end_of_quiet_hours_all_that_waited_is_one_digest(tmp_path: Path) -> None:
    now = datetime.fromtimestamp(now_ms() / 1_000, UTC)
    # The next full minute that leaves time to start.
    end = (now + timedelta(seconds=85)).replace(second=0)
    hours = {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{end:%H:%M}"}
    with receiving() as receiver:
        # Nobody waits that long for what quiet hours do not hold up.
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=15, quiet=hours)
        async with notifying(tmp_path, entry) as (bus, _, _process):
            for n in range(40):
                await fire(bus, n, "info")

            async def sent() -> bool:
                return bool(of_rules(receiver))

            await poll_until(sent, "the quiet hours are over", timeout_s=120)
            assert now_ms() >= end.timestamp() * 1_000
            assert await delivered(receiver, *range(40)) == [(True, list(range(40)))]
            assert await dead_letters(bus) == 0
