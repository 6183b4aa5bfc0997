"""The durable of each channel on PW_ALERT: what the channel has not delivered waits there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pw_common.documents.channels import Channel
from pw_common.jetstream.bus import ApiRefused
from pw_common.process.clock import now_ms
from pw_common.service.run import Runtime
from pw_common.topology.subjects import (
    CHANNEL_FREED,
    CHANNEL_HOURS,
    CHANNEL_OFF,
    CHANNEL_QUIET,
    STREAM_ALERT,
    notifier_consumer,
)
from pw_notifier.core.quiet import waits_until_ms

WAITING_MAX: Final = 256
# How many may wait at the broker for the end of quiet hours, beside what is urgent.
QUIET_WAITING_MAX: Final = 8_192
ACK_WAIT_S: Final = 30.0
NS: Final = 1_000_000_000
NO_CONSUMER: Final = 10014


async def make_durable(runtime: Runtime, channel: Channel) -> int:
    """The channel's durable, beginning with what is stored from now on.

    It says whether its channel is off, or until when what quiet hours hold up may wait: then it
    is not a fault that alerts wait there.

    Returns when an edit last put other quiet hours in the place of those that the channel had,
    in ms since 1970; 0 where none did. The durable keeps that, so that a restart knows it.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    name = notifier_consumer(channel.name)
    metadata = {} if channel.enabled else {CHANNEL_OFF: "true"}
    hours = msgspec.json.encode(channel.quiet).decode() if channel.quiet else ""
    freed_ms = _freed_ms(await _metadata(runtime, name), hours)
    if may_wait_ms := waits_until_ms(channel.quiet, freed_ms, now_ms()):
        metadata[CHANNEL_QUIET] = str(may_wait_ms)
    metadata |= {CHANNEL_HOURS: hours} if hours else {}
    metadata |= {CHANNEL_FREED: str(freed_ms)} if freed_ms else {}
    config: dict[str, Any] = {
        "durable_name": name,
        "name": name,
        "deliver_policy": "new",
        "ack_policy": "explicit",
        "ack_wait": int(ACK_WAIT_S * NS),
        "max_deliver": -1,
        "max_ack_pending": QUIET_WAITING_MAX if channel.quiet else 2 * WAITING_MAX,
        "replay_policy": "instant",
        "metadata": metadata,
    }
    await runtime.bus.api(
        f"CONSUMER.CREATE.{STREAM_ALERT}.{name}",
        {"stream_name": STREAM_ALERT, "config": config, "action": ""},
    )
    return freed_ms


async def _metadata(runtime: Runtime, name: str) -> Mapping[str, str]:
    """What the durable says now; nothing where there is none."""
    try:
        info = await runtime.bus.api(f"CONSUMER.INFO.{STREAM_ALERT}.{name}")
    except ApiRefused as error:
        if error.err_code != NO_CONSUMER:
            raise
        return {}
    return info["config"].get("metadata") or {}


def _freed_ms(metadata: Mapping[str, str], hours: str) -> int:
    had = metadata.get(CHANNEL_HOURS, "")
    if CHANNEL_FREED not in metadata:
        # A version that did not write the hours down did say until when they held alerts up.
        had = had or metadata.get(CHANNEL_QUIET, "")
    if had and had != hours:
        return now_ms()
    freed = metadata.get(CHANNEL_FREED, "")
    return int(freed[:15]) if freed.isascii() and freed.isdigit() else 0


async def drop_durables(runtime: Runtime, keep: set[str]) -> set[str]:
    """Delete the durables of channels that are gone, and with them what these did not deliver.

    Returns the channels that have one.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    listed = await runtime.bus.api(f"CONSUMER.NAMES.{STREAM_ALERT}")
    names = set(listed.get("consumers") or [])
    prefix = notifier_consumer("x").removesuffix("x")
    wanted = {notifier_consumer(name) for name in keep}
    for name in sorted(names - wanted):
        if name.startswith(prefix):
            await runtime.bus.api(f"CONSUMER.DELETE.{STREAM_ALERT}.{name}")
    return {name for name in keep if notifier_consumer(name) in names}
