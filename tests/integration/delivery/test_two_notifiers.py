"""Two notifiers at once, as while one takes the place of another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pw_common.jetstream.bus import Bus
from support.beating import beating
from support.broker import provisioned
from support.notifying import configure, dead_letters, fire, hook
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import beat, source_health
from support.services import running_service


async def system(bus: Bus) -> None:
    source = source_health()
    await asyncio.gather(
        beat(bus, "ingest", source=source), beat(bus, "parser"), beat(bus, "detector")
    )


def triggers(receiver: Receiver) -> set[str]:
    return {one["trigger"] for request in receiver.taken for one in request.json()["alerts"]}


@pytest.mark.timeout(120)
async def test_letters_of_the_other_notifier_are_no_updates_that_could_not_be_read(
    tmp_path: Path,
) -> None:
    with receiving() as bad, receiving() as team, receiving() as one, receiving() as other:
        bad.always = (400, {}, b"no")
        switches = {"one": one, "other": other}
        for name, switch in switches.items():
            (tmp_path / name).write_text(f"{switch.url}/ping")
        async with provisioned(tmp_path / "broker") as (broker, bus), beating(lambda: system(bus)):
            await configure(bus, hook("bad", bad.url), hook("team", team.url, kinds=()))
            first, second = (
                {"PW_NATS_URL": broker.url, "PW_NOTIFIER_DEADMAN_URL_FILE": str(tmp_path / name)}
                for name in switches
            )
            async with (
                running_service("pw_notifier", first),
                running_service("pw_notifier", second),
            ):

                async def both_look() -> bool:
                    return bool(one.seen and other.seen)

                await poll_until(both_look, "both look at the system", timeout_s=40)
                await fire(bus, 1)

                async def said() -> bool:
                    return "channel_bad" in triggers(team)

                await poll_until(said, "the channel is said", timeout_s=30)
                assert await dead_letters(bus) == 1
                assert "dead_letter" not in triggers(team)
