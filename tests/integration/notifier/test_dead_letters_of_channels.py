"""Dead letters of channels: their growth fires no alert, and a refused one ends nothing."""

from __future__ import annotations

from pathlib import Path

from pw_common.topology import subjects
from support.notifying import dead_letters, delivered, fire, hook, notifying
from support.poll import poll_until
from support.receiver import receiving


async def test_dead_letters_of_a_channel_are_no_growth_that_is_said_through_it(
    tmp_path: Path,
) -> None:
    with receiving() as bad, receiving() as good:
        channels = (hook("bad", bad.url, kinds=()), hook("good", good.url, kinds=()))
        async with notifying(tmp_path, *channels) as (bus, _, _process):
            # The watch begins after its grace, with its first alerts.
            async def watches() -> bool:
                return any("no_ingest" in str(one.body) for one in good.taken)

            await poll_until(watches, "a watch", timeout_s=60)
            bad.answers = [(400, {}, b"this one never")]
            await fire(bus, 1)

            async def reported() -> bool:
                return any(b"channel_bad" in one.body for one in good.taken)

            await poll_until(reported, "the other channel says so", timeout_s=30)
            assert not any(b"dead_letter" in one.body for one in bad.seen + good.seen)
            assert not any(b"channel_bad" in one.body for one in bad.seen)


async def test_a_dead_letter_that_the_broker_refuses_ends_nothing(tmp_path: Path) -> None:
    with receiving() as bad, receiving() as good:
        bad.answers = [(413, {}, b"too large"), (413, {}, b"too large")]
        channels = (hook("bad", bad.url), hook("good", good.url))
        async with notifying(tmp_path, *channels) as (bus, _, process):
            config = (await bus.api("STREAM.INFO.PW_DLQ"))["config"]
            await bus.api("STREAM.UPDATE.PW_DLQ", config | {"max_msg_size": 10})
            await fire(bus, 1)

            async def refused() -> bool:
                return bool(bad.seen)

            await poll_until(refused, "the refusal")
            await fire(bus, 2)
            await delivered(good, 1, 2)
            assert process.poll() is None
            await bus.api("STREAM.UPDATE.PW_DLQ", config | {"max_msg_size": 700})
            await fire(bus, 3)
            await delivered(good, 1, 2, 3)

            async def kept() -> bool:
                return await dead_letters(bus) == 1

            await poll_until(kept, "the dead letter, without its body", timeout_s=60)
            letter = await bus.js.get_msg(subjects.STREAM_DLQ, 1)
            assert "bytes left out" in (letter.headers or {})["Pw-Reason"]
            assert process.poll() is None


async def test_a_message_too_large_for_a_dead_letter_leaves_its_body_out(tmp_path: Path) -> None:
    with receiving() as good:
        async with notifying(tmp_path, hook("good", good.url)) as (bus, _, process):
            # It fits as it is, and would not with the headers of a dead letter.
            await bus.client.publish(subjects.alert("a" * 32), b"x" * int(bus.client.max_payload))
            await fire(bus, 1)
            await delivered(good, 1)

            async def kept() -> bool:
                return await dead_letters(bus) == 1

            await poll_until(kept, "the dead letter", timeout_s=30)
            assert (await bus.js.get_msg(subjects.STREAM_DLQ, 1)).data in (None, b"")
            assert process.poll() is None
