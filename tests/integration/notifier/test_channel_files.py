"""A file of channels that cannot be used: it changes nothing, is said, and ends nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pw_common.jetstream.bus import Bus
from pw_common.topology import subjects
from pw_common.wire.alerts import Alert
from pw_common.wire.messages import decode_heartbeat, encode
from support.broker import provisioned
from support.poll import poll_until
from support.receiver import Receiver, receiving
from support.records import store
from support.services import running_service

GOOD = """entries:
- name: hook
  kind: webhook
  url: {url}/in
  secret: ssssssssssssssssssssssss
"""


def absent(path: Path) -> None:
    path.unlink(missing_ok=True)


def folder(path: Path) -> None:
    absent(path)
    path.mkdir()


def pipe(path: Path) -> None:
    absent(path)
    os.mkfifo(path)


def holding(body: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(body)

    return write


BAD: dict[str, Callable[[Path], None]] = {
    "absent": absent,
    "folder": folder,
    "pipe": pipe,
    "no YAML": holding(b"entries: ["),
    "no UTF-8": holding(b"\xff\xfe"),
    "another document": holding(b"- {name: x}"),
    "unknown kind": holding(b"entries: [{name: x, kind: pigeon}]"),
    "too large": holding(b"#" * 300_000),
    "nested": holding(b"[" * 50_000),
}


def right(path: Path, text: str) -> None:
    """As somebody puts it right, whatever is there."""
    if path.is_dir():
        path.rmdir()
    absent(path)
    path.write_text(text)


async def said(bus: Bus, what: str) -> None:
    async def found() -> bool:
        bodies = (await bus.kv_all(subjects.BUCKET_INSTANCES)).values()
        beats = [decode_heartbeat(one) for one in bodies]
        return any(what in beat.reason and beat.ready is not bool(what) for beat in beats)

    await poll_until(found, f"the notifier says {what!r}", timeout_s=30)


async def fire(bus: Bus, n: int) -> None:
    one = Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="busy", severity="warning",
        slot=n, opened_slot=n, event_time_ms=n, mint="M" * 43, title=f"alert {n}",
    )  # fmt: skip
    await store(bus, subjects.alert(one.id), encode(one), {"Nats-Msg-Id": one.id})


async def delivered(receiver: Receiver, *wanted: int) -> None:
    def found() -> list[int]:
        sent = [one for request in receiver.taken for one in request.json()["alerts"]]
        return sorted(one["n"] for one in sent if one["trigger"] == "busy")

    async def enough() -> bool:
        return found() == list(wanted)

    await poll_until(enough, f"alerts {wanted} delivered", timeout_s=30)


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
async def test_a_bad_file_of_channels_at_the_start_or_later_ends_nothing_and_is_said(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "channels.yaml"
    spoil(path)
    with receiving() as receiver:
        async with provisioned(tmp_path / "broker") as (broker, bus):
            environ = {"PW_NATS_URL": broker.url, "PW_NOTIFIER_CHANNELS_FILE": str(path)}
            async with running_service("pw_notifier", environ) as (process, _):
                await said(bus, "nothing is delivered or dropped")
                right(path, GOOD.format(url=receiver.url))
                await said(bus, "")

                async def listening() -> bool:
                    names = (await bus.api("CONSUMER.NAMES.PW_ALERT")).get("consumers") or []
                    return names == ["notifier-hook"]

                await poll_until(listening, "the channel's durable")
                await fire(bus, 1)
                await delivered(receiver, 1)
                spoil(path)
                await said(bus, "the last good ones are used")
                await fire(bus, 2)
                await delivered(receiver, 1, 2)
                assert process.poll() is None
