"""A source that is cut is told of within ten seconds, through the channels of the alerts."""

import time
from pathlib import Path
from typing import Any

import msgspec

from pw_common.topology import subjects
from pw_replay.market import generate
from support.broker import provisioned
from support.poll import poll_until
from support.receiver import Received, receiving
from support.replaying import Replaying, replaying
from support.services import running_service

SECRET = "s" * 24


def source_settings(source: Replaying) -> dict[str, str]:
    return {"PW_INGEST_ENDPOINT": f"http://{source.target}", "PW_INGEST_PROGRAMS": "all"}


def said(taken: list[Received]) -> dict[str, dict[str, Any]]:
    """Alerts by trigger: a busy machine may be behind for a moment as well."""
    return {alert["trigger"]: alert for one in taken for alert in one.json()["alerts"]}


async def test_a_source_that_is_cut_is_told_within_ten_seconds(tmp_path: Path) -> None:
    updates = list(generate(seed=2, minutes=0.5, tps=20))
    with receiving() as receiver:
        hook = {"name": "hook", "kind": "webhook", "url": receiver.url, "secret": SECRET}
        async with provisioned(tmp_path / "broker") as (broker, bus):
            body = msgspec.json.encode({"entries": [hook]})
            await bus.kv_put(subjects.BUCKET_CONFIG, subjects.KEY_CHANNELS, body)
            settings = {"PW_NATS_URL": broker.url}
            async with (
                running_service("pw_parser", settings),
                running_service("pw_detector", settings),
                running_service("pw_notifier", settings),
                replaying(updates, rate="30", loop=True) as source,
                running_service("pw_ingest", settings | source_settings(source)),
            ):

                async def flows() -> bool:
                    state = (await bus.api("STREAM.INFO.PW_SWAP"))["state"]
                    return int(state["messages"]) > 3

                await poll_until(flows, "swaps", timeout_s=20)
                # The watch gives a starting system eight seconds.
                began_s = time.monotonic()

                async def watched() -> bool:
                    return time.monotonic() - began_s > 10

                await poll_until(watched, "the watch has begun", timeout_s=15)
                assert "source_main" not in said(receiver.taken)
                await source.cut()
                cut_s = time.monotonic()

                async def told() -> bool:
                    return "source_main" in said(receiver.taken)

                await poll_until(told, "the blind alert", timeout_s=10)
                assert time.monotonic() - cut_s < 10
        alert = said(receiver.taken)["source_main"]
        assert (alert["kind"], alert["trigger"]) == ("blind", "source_main")
        assert alert["detail"].startswith("Source main is away")
