"""`pw dlq replay`: each dead letter goes back where it came from, or is refused with a sentence."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.envelope import MSG_ID, ORIGIN_SEQ, ORIGIN_STREAM, REASON, SCHEMA
from pw_common.wire.limits import POISON_RUN_MAX
from pw_common.wire.messages import encode
from support.broker import provisioned
from support.command import Ended, pw
from support.notifying import of_rules
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import store, store_dead_letter
from support.services import running_service

SECRET = "s" * 24


def alert(n: int) -> Alert:
    return Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="busy", severity="warning",
        slot=n, opened_slot=n, event_time_ms=n, mint="M" * 43, title=f"alert {n}",
    )  # fmt: skip


def hook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "hook", "kind": "webhook", "url": f"{receiver.url}/in", "secret": SECRET} | more


async def bury(bus: Bus, seq: int, body: bytes, *, channel: str = "hook") -> int:
    """A letter as the notifier makes one; `seq` is that of the alert in PW_ALERT."""
    headers = {
        MSG_ID: f"dead:notifier:{channel}:{seq}",
        SCHEMA: "alert.v1",
        REASON: f"{channel}: answered 413: too large",
        ORIGIN_STREAM: subjects.STREAM_ALERT,
        ORIGIN_SEQ: str(seq),
    }
    return await store(bus, subjects.dead_letter("notifier"), body, headers)


async def bury_alerts(bus: Bus, numbers: Sequence[int]) -> None:
    for n in numbers:
        await bury(bus, n, encode(alert(n)))


async def configure(bus: Bus, *entries: dict[str, Any]) -> None:
    body = msgspec.json.encode({"entries": entries})
    await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)


@asynccontextmanager
async def notifying(
    folder: Path, *entries: dict[str, Any]
) -> AsyncIterator[tuple[Bus, dict[str, str]]]:
    async with provisioned(folder / "broker") as (broker, bus):
        await configure(bus, *entries)
        environ = {"PW_NATS_URL": broker.url}
        async with running_service("pw_notifier", environ):
            wanted = len([one for one in entries if one.get("enabled", True)])

            async def listening() -> bool:
                names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
                return len(names) == wanted

            await poll_until(listening, "the channels' durables")
            yield bus, environ


async def count(bus: Bus, stream: str) -> int:
    return int((await bus.api(f"STREAM.INFO.{stream}"))["state"]["messages"])


async def stored_ever(bus: Bus, stream: str) -> int:
    return int((await bus.api(f"STREAM.INFO.{stream}"))["state"]["last_seq"])


def numbers(receiver: Receiver) -> list[int]:
    """The alerts of rules that were taken: on a slow machine the system speaks of itself too."""
    return sorted(n for _, some in of_rules(receiver) for n in some)


def assert_alive(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None


async def test_a_notification_goes_back_to_its_channel_and_nothing_to_the_parsers(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        # Only this message is condemned: the channel takes everything else.
        receiver.answers = [(413, {}, b"too large")]
        async with notifying(tmp_path, hook(receiver)) as (bus, environ):
            one = alert(1)
            await store(bus, subjects.alert(one.id), encode(one), {MSG_ID: one.id})

            async def buried() -> bool:
                return await count(bus, "PW_DLQ") == 1

            await poll_until(buried, "the dead letter")
            result = await pw("dlq", "replay", "--all", "--delete", **environ)
            assert result == Ended(0, "1 sent back\n", "")
            assert numbers(receiver) == [1]
            assert receiver.taken[0].json()["late"] is True
            assert await stored_ever(bus, "PW_TX") == 0
            assert await count(bus, "PW_DLQ") == 0


async def test_sixteen_notifications_make_no_new_letters_and_end_no_parser(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with notifying(tmp_path, hook(receiver)) as (bus, environ):
            await bury_alerts(bus, range(16))
            async with running_service("pw_parser", environ) as (parser, _):
                result = await pw("dlq", "replay", "--all", **environ)
                again = await pw("dlq", "replay", "--all", "--delete", **environ)
                # A message that the parsers do read shows that they have nothing else left.
                assert_alive(parser)
            assert result == Ended(0, "16 sent back\n", "")
            assert again.out == "0 sent back, 16 had been delivered already\n", again
            assert numbers(receiver) == list(range(16))
            # As one digest: a service that limits messages would refuse sixteen.
            assert len(of_rules(receiver)) == 1
            assert await stored_ever(bus, "PW_TX") == 0
            assert await stored_ever(bus, "PW_DLQ") == 16


async def test_a_letter_that_was_too_large_for_a_body_is_sent_as_its_alert_is_stored(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        # Nothing below warning, so that the channel does not take it by itself.
        async with notifying(tmp_path, hook(receiver, severity_min="critical")) as (bus, environ):
            one = alert(1)
            seq = await store(bus, subjects.alert(one.id), encode(one), {MSG_ID: one.id})
            await bury(bus, seq, b"")
            await bury(bus, 99, b"")
            shown = await pw("dlq", "show", "1", **environ)
            result = await pw("dlq", "replay", "--all", "--delete", **environ)
            assert shown.code == 0
            assert (result.code, result.out) == (1, "1 sent back, 1 not\n"), result
            assert result.err == (
                "pw dlq replay: 2: it was too large for a body, and its alert is no longer stored\n"
            )
            assert numbers(receiver) == [1]


async def test_a_notification_is_shown_as_the_alert_that_it_is(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        await bury_alerts(bus, [7])
        shown = await pw("dlq", "show", "1", PW_NATS_URL=broker.url)
    assert msgspec.json.decode(shown.out)["body"]["title"] == "alert 7"


async def test_updates_and_notifications_among_each_other_each_find_their_way(
    tmp_path: Path,
) -> None:
    with receiving() as receiver, receiving() as other:
        channels = hook(receiver), hook(other, name="other")
        async with notifying(tmp_path, *channels) as (bus, environ):
            await bury(bus, 1, encode(alert(1)))
            await store_dead_letter(bus, 77, b"\x12\x00")
            await bury(bus, 2, encode(alert(2)), channel="other")
            result = await pw("dlq", "replay", "--all", **environ)
            assert result == Ended(0, "3 sent back\n", "")
            assert (numbers(receiver), numbers(other)) == ([1], [2])
            assert await count(bus, "PW_TX") == 1


async def test_what_cannot_be_replayed_is_refused_with_a_sentence_and_stays(tmp_path: Path) -> None:
    with receiving() as receiver:
        off = hook(receiver, name="off", enabled=False)
        async with notifying(tmp_path, hook(receiver), off) as (bus, environ):
            await bury(bus, 1, encode(alert(1)), channel="gone")
            await bury(bus, 2, encode(alert(2)), channel="off")
            await bury(bus, 3, b'{"type": "another"}')
            # What an earlier version made of a notification that it sent to the parsers.
            piece = {MSG_ID: "dead:tx:replay:9:dead:notifier:hook:4:0", ORIGIN_STREAM: "PW_TX"}
            await store(bus, subjects.dead_letter("parser"), b"{", piece)
            await store(bus, subjects.dead_letter("stranger"), b"?", {MSG_ID: "dead:x"})
            whole = {MSG_ID: "dead:tx:5:all", ORIGIN_STREAM: "PW_TX", "Content-Encoding": "zstd"}
            await store(bus, subjects.dead_letter("parser"), b"no zstd", whole)
            result = await pw("dlq", "replay", "--all", "--delete", **environ)
            assert (result.code, result.out) == (1, "0 sent back, 6 not\n"), result
            told = result.err.splitlines()
            assert len(told) == 6
            for word in (
                "4: a piece of a notification",
                "5: from the service stranger",
                "6: no parser can read it",
                "1: there is no channel 'gone'",
                "2: channel off is turned off",
                "3: not an alert",
            ):
                assert any(word in line for line in told), (word, told)
            assert not receiver.seen
            assert await stored_ever(bus, "PW_TX") == 0
            assert await count(bus, "PW_DLQ") == 6


async def test_a_channel_that_still_refuses_keeps_its_letters_and_says_why(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.always = (503, {}, b"")
        async with notifying(tmp_path, hook(receiver)) as (bus, environ):
            await bury_alerts(bus, range(3))
            result = await pw("dlq", "replay", "--all", "--delete", **environ)
            assert result.code == 1
            assert "channel hook: " in result.err
            assert "503" in result.err
            assert await count(bus, "PW_DLQ") == 3
            receiver.always = (204, {}, b"")
            result = await pw("dlq", "replay", "1", "3", "--delete", **environ)
            assert result == Ended(0, "2 sent back\n", "")
            assert numbers(receiver) == [0, 2]
            assert await count(bus, "PW_DLQ") == 1


async def test_one_condemned_message_does_not_keep_the_others_of_its_digest(
    tmp_path: Path,
) -> None:
    with receiving() as receiver:
        # The digest is refused, then the first alone; the second alone is taken.
        receiver.answers = [(413, {}, b""), (413, {}, b"")]
        async with notifying(tmp_path, hook(receiver)) as (bus, environ):
            await bury_alerts(bus, range(2))
            result = await pw("dlq", "replay", "--all", "--delete", **environ)
            assert (result.code, result.out) == (1, "1 sent back, 1 not\n"), result
            assert result.err.startswith("pw dlq replay: 1: channel hook: ")
            assert numbers(receiver) == [1]
            assert await count(bus, "PW_DLQ") == 1


async def test_without_a_notifier_its_letters_stay_and_updates_go_back(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        await bury_alerts(bus, range(2))
        await store_dead_letter(bus, 77, b"\x12\x00")
        result = await pw("dlq", "replay", "--all", "--delete", PW_NATS_URL=broker.url)
        assert (result.code, result.out) == (1, "1 sent back, 2 not\n"), result
        assert "no notifier" in result.err
        assert (await count(bus, "PW_DLQ"), await count(bus, "PW_TX")) == (2, 1)


async def test_updates_that_still_cannot_be_read_end_no_parser(tmp_path: Path) -> None:
    many = POISON_RUN_MAX + 12
    async with provisioned(tmp_path) as (broker, bus):
        environ = {"PW_NATS_URL": broker.url}
        for number in range(many):
            await store_dead_letter(bus, number, b"\xff")
        async with running_service("pw_parser", environ) as (parser, _):
            result = await pw("dlq", "replay", "--all", "--delete", **environ)
            assert result == Ended(0, f"{many} sent back\n", "")

            async def answered() -> bool:
                assert_alive(parser)
                return await count(bus, "PW_TX") == 0

            await poll_until(answered, "every update answered")
        assert await count(bus, "PW_DLQ") == many


async def test_a_letter_that_nobody_needs_is_removed_by_name(tmp_path: Path) -> None:
    async with provisioned(tmp_path) as (broker, bus):
        await bury_alerts(bus, range(3))
        environ = {"PW_NATS_URL": broker.url}
        result = await pw("dlq", "rm", "1", "3", **environ)
        again = await pw("dlq", "rm", "1", **environ)
        assert result == Ended(0, "2 removed\n", "")
        assert (again.code, await count(bus, "PW_DLQ")) == (1, 1)
        assert "no dead letter 1" in again.err
