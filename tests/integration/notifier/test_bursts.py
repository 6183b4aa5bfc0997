"""A burst of alerts reaches people as a few messages, and machines one by one."""

from __future__ import annotations

import re
from pathlib import Path

from support.notifying import delivered, fire, hook, notifying
from support.poll import poll_until
from support.receiver import Receiver, receiving

ALERTS = 40


def counted(receiver: Receiver) -> list[int]:
    """Of how many alerts each message is."""
    texts = [one.json()["text"] for one in receiver.taken]
    found = [re.match(r"(\d+) alerts?: ", text) for text in texts]
    return [int(one[1]) if one else 1 for one in found]


async def test_a_burst_is_a_few_messages_for_people_and_every_alert_for_a_webhook(
    tmp_path: Path,
) -> None:
    with receiving() as people, receiving() as machine:
        people.always = (200, {}, b"ok")
        team = {"name": "team", "kind": "slack", "url": f"{people.url}/services/T/B/X"}
        channels = (team | {"kinds": ("opened",)}, hook("hook", machine.url))
        async with notifying(tmp_path, *channels) as (bus, _, _process):
            await fire(bus, *range(ALERTS))
            assert len(await delivered(machine, *range(ALERTS))) == ALERTS

            async def all_of_them() -> bool:
                return sum(counted(people)) >= ALERTS

            await poll_until(all_of_them, "every alert is counted", timeout_s=30)
    assert sum(counted(people)) == ALERTS
    assert len(people.taken) <= 8
    first = next(one for one in people.taken if "alerts" in one.json()["text"])
    assert "[warning] alert " in first.json()["blocks"][1]["text"]["text"]
    assert "more, left out here" in first.json()["blocks"][1]["text"]["text"]
