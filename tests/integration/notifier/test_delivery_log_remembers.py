"""What went out is not sent twice because the broker was away when it was to be noted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.topology import subjects
from pw_common.wire.envelope import CHANNEL
from pw_common.wire.messages import encode
from pw_notifier.delivery.delivery_log import DeliveryLog
from support.broker import provisioned
from support.command import Ended, pw
from support.notifying import alert, dead_letters, delivered, fire, hook, notifying, of_rules
from support.poll import poll_until
from support.receiver import receiving

ALERTS = tuple(f"{n:032}" for n in range(5))


@asynccontextmanager
async def nothing_is_stored(bus: Bus) -> AsyncIterator[None]:
    """The bucket refuses every write meanwhile."""
    stream = f"KV_{subjects.BUCKET_OUTBOX}"
    config = (await bus.api(f"STREAM.INFO.{stream}"))["config"]
    await bus.api(f"STREAM.UPDATE.{stream}", config | {"max_msg_size": 1})
    yield
    await bus.api(f"STREAM.UPDATE.{stream}", config)


async def test_a_digest_that_could_not_be_noted_is_noted_before_any_of_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        delivery_log = DeliveryLog(bus, "hook")
        for one in ALERTS:
            assert await delivery_log.claim(one, again=True) == "ours"
        async with nothing_is_stored(bus):
            with pytest.raises((ApiRefused, BrokerAway)):
                await delivery_log.sent(*ALERTS)
        for one in ALERTS:
            assert await delivery_log.claim(one, again=True) == "sent"
            # And so another process says.
            assert await DeliveryLog(bus, "hook").claim(one, again=True) == "sent"


async def test_an_orderly_end_never_says_of_what_went_out_that_it_may_be_sent(
    tmp_path: Path,
) -> None:
    async with provisioned(tmp_path) as (_, bus):
        delivery_log = DeliveryLog(bus, "hook")
        assert await delivery_log.claim("a", again=False) == "ours"
        async with nothing_is_stored(bus):
            with pytest.raises((ApiRefused, BrokerAway)):
                await delivery_log.sent("a")
        await delivery_log.unsent("a")
        assert await DeliveryLog(bus, "hook").claim("a", again=False) == "sent"


async def test_what_is_not_ours_any_more_is_not_kept_in_memory(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (_, bus):
        delivery_log = DeliveryLog(bus, "hook")
        for one in ALERTS[:3]:
            assert await delivery_log.claim(one, again=True) == "ours"
        assert delivery_log.kept == 3
        await delivery_log.sent(ALERTS[0])
        await delivery_log.unsent(ALERTS[1])
        delivery_log.forget(ALERTS[2])
        assert delivery_log.kept == 0


async def until_claimed(bus: Bus, alert_id: str) -> None:
    async def claimed() -> bool:
        return await bus.kv_get(subjects.BUCKET_OUTBOX, f"hook.{alert_id}") is not None

    await poll_until(claimed, "the claim")


async def test_an_alert_that_went_out_while_nothing_could_be_noted_goes_out_once(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        receiver.takes_s = 2
        async with notifying(tmp_path, hook("hook", receiver.url)) as (bus, _, _process):
            await fire(bus, 1)
            await until_claimed(bus, f"{1:032}")
            async with nothing_is_stored(bus):
                await delivered(receiver, 1)
                receiver.takes_s = 0

                async def given_back() -> bool:
                    info = await bus.api("CONSUMER.INFO.PW_ALERT.notifier-hook")
                    return int(info["num_redelivered"]) > 0

                await poll_until(given_back, "the alert comes again", timeout_s=40)
            await fire(bus, 2)
            assert sorted(n for _, some in await delivered(receiver, 1, 2) for n in some) == [1, 2]


async def test_a_replay_that_could_not_be_noted_doubles_nothing_in_the_next_one(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=2)
        async with notifying(tmp_path, entry) as (bus, _, _process):
            await fire(bus, 1, 2, 3)

            async def buried() -> bool:
                return await dead_letters(bus) == 3

            await poll_until(buried, "the dead letters", timeout_s=30)
            receiver.always = (204, {}, b"")
            broker = bus.client.connected_url
            assert broker is not None
            environ = {"PW_NATS_URL": broker.geturl()}
            async with nothing_is_stored(bus):
                # They are claimed already: only that they went out cannot be noted.
                replay = await pw("dlq", "replay", "--all", **environ)
                assert replay == Ended(0, "3 sent back\n", "")
            again = await pw("dlq", "replay", "--all", **environ)
            assert again == Ended(0, "0 sent back, 3 had been delivered already\n", "")
            assert of_rules(receiver) == [(True, [1, 2, 3])]


async def test_two_replays_at_once_send_nothing_twice(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (401, {}, b"")
        entry = hook("hook", receiver.url, late_after_s=1, alert_age_max_s=2)
        async with notifying(tmp_path, entry) as (bus, _, _process):
            await fire(bus, 1, 2, 3)

            async def buried() -> bool:
                return await dead_letters(bus) == 3

            await poll_until(buried, "the dead letters", timeout_s=30)
            receiver.always, receiver.takes_s = (204, {}, b""), 2.0
            body = b"[%b]" % b",".join(encode(alert(n)) for n in (1, 2, 3))
            answers = await asyncio.gather(
                *(
                    bus.client.request(
                        subjects.RESEND_NOTIFIER, body, timeout=20, headers={CHANNEL: "hook"}
                    )
                    for _ in range(2)
                )
            )
            said = [msgspec.json.decode(one.data) for one in answers]
            assert sorted(said, key=str) == [{"before": 0}, {"before": 3}]
            assert of_rules(receiver) == [(True, [1, 2, 3])]
