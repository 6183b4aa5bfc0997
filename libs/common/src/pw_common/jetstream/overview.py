"""Asks the broker how the system is. What the answers mean is decided elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from pw_common.jetstream.bus import NOT_FOUND as NO_MESSAGE
from pw_common.jetstream.bus import ApiRefused, Bus, Listing
from pw_common.process.clock import monotonic_s
from pw_common.text.broker_time import rfc3339_ms
from pw_common.topology.streams import Consumer, declare
from pw_common.topology.subjects import (
    BUCKET_DETECTOR,
    BUCKET_INSTANCES,
    BUCKET_SOURCE,
    GAP_OPEN,
    KEY_POSITION,
    STREAM_ALERT,
    STREAM_DLQ,
    STREAM_GAP,
    dead_letter,
    notifier_consumer,
)
from pw_common.wire.heartbeat import Heartbeat
from pw_common.wire.messages import (
    SourceState,
    WrongSchema,
    decode_heartbeat,
    decode_source_state,
)

NOT_FOUND: Final = frozenset({10014, NO_MESSAGE, 10059})
DECLARED: Final = declare()
CHANNEL_PREFIX: Final = notifier_consumer("x").removesuffix("x")
# Consumers of PW_ALERT are asked for in pages of 256; those beyond are not ours.
PAGES_MAX: Final = 4
# In these streams we count the messages of certain subjects: of open gaps, since filled ones
# have their own subject, and for the notifier's dead letters.
COUNTED: Final = {STREAM_GAP: GAP_OPEN, STREAM_DLQ: dead_letter("notifier")}


@dataclass
class Overview:
    """Raw answers of the broker at one moment.

    `at_ms` is our own clock, `broker_ms` the broker's, before it was asked for the first
    heartbeat. `took_ms` is how long all the answers took. `stored_ms` is when the broker stored
    each instance's heartbeat. `channels` are the durables of channels of alerts, by channel.
    `lag_s` is the age of the oldest message that is not acknowledged, and `pending_lag_s`, for
    channels alone, that of the oldest one that was never handed out.
    """

    at_ms: int
    broker_ms: int = 0
    took_ms: int = 0
    heartbeats: list[Heartbeat] = field(default_factory=list)
    stored_ms: dict[str, int] = field(default_factory=dict)
    checkpoints: list[SourceState] = field(default_factory=list)
    streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    consumers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, tuple[str, str]] = field(default_factory=dict)
    lag_s: dict[tuple[str, str], float] = field(default_factory=dict)
    pending_lag_s: dict[tuple[str, str], float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    position: bytes | None = None


async def take(bus: Bus, at_ms: int) -> Overview:
    """Ask for streams, consumers, heartbeats, checkpoints and the detector's position.

    Raises:
        BrokerAway: no answer.
        ApiRefused: an answer that is not "there is none".
    """
    view, began_s = Overview(at_ms), monotonic_s()
    await asyncio.gather(
        *(_stream(bus, view, stream.name) for stream in DECLARED.streams),
        _heartbeats(bus, view),
        _checkpoints(bus, view),
        _position(bus, view),
    )
    if not view.broker_ms:
        # Without the bucket of heartbeats, or with a broker that does not give its time there.
        view.broker_ms = min((*_times(view), *view.stored_ms.values()), default=at_ms)
    await asyncio.gather(
        *(_consumer(bus, view, one) for one in DECLARED.consumers), _channels(bus, view)
    )
    view.took_ms = int((monotonic_s() - began_s) * 1_000)
    return view


def _times(view: Overview) -> list[int]:
    return [rfc3339_ms(info["ts"]) for info in view.streams.values() if "ts" in info]


async def _stream(bus: Bus, view: Overview, name: str) -> None:
    body = {"subjects_filter": COUNTED[name]} if name in COUNTED else None
    info = await _unless_missing(bus, f"STREAM.INFO.{name}", body)
    if info is None:
        view.missing.append(name)
    else:
        view.streams[name] = info


async def _consumer(bus: Bus, view: Overview, declared: Consumer) -> None:
    if declared.stream not in view.streams:
        return
    info = await _unless_missing(bus, f"CONSUMER.INFO.{declared.stream}.{declared.name}")
    if info is None:
        view.missing.append(f"{declared.stream}/{declared.name}")
    else:
        await _waiting(bus, view, declared.stream, declared.name, info)


async def _channels(bus: Bus, view: Overview) -> None:
    if STREAM_ALERT not in view.streams:
        return
    offset = 0
    for _ in range(PAGES_MAX):
        page = await _unless_missing(bus, f"CONSUMER.LIST.{STREAM_ALERT}", {"offset": offset})
        found = (page or {}).get("consumers") or []
        ours = {str(i["name"]): i for i in found if str(i["name"]).startswith(CHANNEL_PREFIX)}
        await asyncio.gather(
            *(_waiting(bus, view, STREAM_ALERT, name, info) for name, info in ours.items()),
            *(_pending(bus, view, name, info) for name, info in ours.items()),
        )
        for name in ours:
            view.channels[name.removeprefix(CHANNEL_PREFIX)] = (STREAM_ALERT, name)
        offset += len(found)
        if not found or offset >= int((page or {}).get("total", 0)):
            return


async def _waiting(
    bus: Bus, view: Overview, stream: str, consumer: str, info: dict[str, Any]
) -> None:
    view.consumers[stream, consumer] = info
    view.lag_s[stream, consumer] = await _lag_s(bus, view, stream, info)


async def _pending(bus: Bus, view: Overview, consumer: str, info: dict[str, Any]) -> None:
    """Only where messages that were handed out may be older than those that were not."""
    if info["num_pending"] and info["num_ack_pending"]:
        after = int(info["delivered"]["stream_seq"])
        view.pending_lag_s[STREAM_ALERT, consumer] = await _age_s(bus, view, STREAM_ALERT, after)


async def _lag_s(bus: Bus, view: Overview, stream: str, info: dict[str, Any]) -> float:
    """Age of the oldest message that is not acked, in seconds; 0 when there is none."""
    if not info["num_pending"] and not info["num_ack_pending"]:
        return 0.0
    return await _age_s(bus, view, stream, int(info["ack_floor"]["stream_seq"]))


async def _age_s(bus: Bus, view: Overview, stream: str, after_seq: int) -> float:
    """Age of the oldest message after a place in the stream, in seconds; 0 when there is none."""
    state = view.streams[stream]["state"]
    oldest = after_seq + 1
    if state["messages"] and state["first_seq"] >= oldest:
        at = str(state["first_ts"])
    else:
        message = await _unless_missing(
            bus, f"STREAM.MSG.GET.{stream}", {"seq": oldest, "next_by_subj": ">"}
        )
        if message is None:
            return 0.0
        at = str(message["message"]["time"])
    return max(0.0, (view.broker_ms - rfc3339_ms(at)) / 1000)


async def _heartbeats(bus: Bus, view: Overview) -> None:
    listing = await _bucket(bus, view, BUCKET_INSTANCES)
    view.broker_ms = listing.at_ms
    for entry in listing.entries.values():
        try:
            beat = decode_heartbeat(entry.value)
        except WrongSchema:
            continue  # Of another version: its own API shows it.
        view.heartbeats.append(beat)
        view.stored_ms[beat.instance] = entry.stored_ms
    view.heartbeats.sort(key=lambda beat: (beat.service, beat.started_at_ms, beat.instance))


async def _checkpoints(bus: Bus, view: Overview) -> None:
    for entry in (await _bucket(bus, view, BUCKET_SOURCE)).entries.values():
        try:
            view.checkpoints.append(decode_source_state(entry.value))
        except WrongSchema:
            continue  # As above.


async def _position(bus: Bus, view: Overview) -> None:
    try:
        entry = await bus.kv_last(BUCKET_DETECTOR, KEY_POSITION)
    except ApiRefused as error:
        if error.err_code not in NOT_FOUND:
            raise
        view.missing.append(f"KV_{BUCKET_DETECTOR}")
        return
    view.position = None if entry is None else entry[0]


async def _bucket(bus: Bus, view: Overview, name: str) -> Listing:
    try:
        return await bus.kv_listing(name)
    except ApiRefused as error:
        if error.err_code not in NOT_FOUND:
            raise
        view.missing.append(f"KV_{name}")
        return Listing(0, {})


async def _unless_missing(bus: Bus, subject: str, body: Any = None) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = await bus.api(subject, body)
    except ApiRefused as error:
        if error.err_code not in NOT_FOUND:
            raise
        return None
    return answer
