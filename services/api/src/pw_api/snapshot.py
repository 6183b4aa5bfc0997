"""Asks the broker for everything that status shows; the deciding is in the core."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pw_api.core.mode import HEARTBEAT_STALE_MS
from pw_common.bus import ApiRefused, Bus
from pw_common.log_reader import rfc3339_ms
from pw_common.messages import (
    Heartbeat,
    SourceState,
    WrongSchema,
    decode_heartbeat,
    decode_source_state,
)
from pw_common.subjects import BUCKET_INSTANCES, BUCKET_SOURCE, GAP_OPEN, STREAM_GAP
from pw_common.topology import Consumer, declare

NOT_FOUND = frozenset({10014, 10037, 10059})
DECLARED = declare()


@dataclass
class Snapshot:
    """Raw answers of the broker at one moment."""

    at_ms: int
    heartbeats: list[Heartbeat] = field(default_factory=list)
    checkpoints: list[SourceState] = field(default_factory=list)
    streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    consumers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    lag_s: dict[tuple[str, str], float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def is_stale(self, beat: Heartbeat) -> bool:
        """Whether an instance has not been heard of for too long."""
        return self.at_ms - beat.at_ms > HEARTBEAT_STALE_MS


async def take(bus: Bus, at_ms: int) -> Snapshot:
    """Ask for streams, consumers, heartbeats and checkpoints.

    Raises:
        BrokerAway: no answer.
        ApiRefused: an answer that is not "there is none".
    """
    shot = Snapshot(at_ms)
    await asyncio.gather(
        *(_stream(bus, shot, stream.name) for stream in DECLARED.streams),
        _heartbeats(bus, shot),
        _checkpoints(bus, shot),
    )
    await asyncio.gather(*(_consumer(bus, shot, one) for one in DECLARED.consumers))
    return shot


async def _stream(bus: Bus, shot: Snapshot, name: str) -> None:
    # Filled gaps have a subject of their own.
    body = {"subjects_filter": GAP_OPEN} if name == STREAM_GAP else None
    info = await _unless_missing(bus, f"STREAM.INFO.{name}", body)
    if info is None:
        shot.missing.append(name)
    else:
        shot.streams[name] = info


async def _consumer(bus: Bus, shot: Snapshot, declared: Consumer) -> None:
    if declared.stream not in shot.streams:
        return
    key = (declared.stream, declared.name)
    info = await _unless_missing(bus, f"CONSUMER.INFO.{declared.stream}.{declared.name}")
    if info is None:
        shot.missing.append("/".join(key))
        return
    shot.consumers[key] = info
    shot.lag_s[key] = await _lag_s(bus, shot, declared.stream, info)


async def _lag_s(bus: Bus, shot: Snapshot, stream: str, info: dict[str, Any]) -> float:
    """Age of the oldest message that is not acked, in seconds; 0 when there is none."""
    if not info["num_pending"] and not info["num_ack_pending"]:
        return 0.0
    state = shot.streams[stream]["state"]
    oldest = int(info["ack_floor"]["stream_seq"]) + 1
    if state["messages"] and state["first_seq"] >= oldest:
        at = str(state["first_ts"])
    else:
        message = await _unless_missing(
            bus, f"STREAM.MSG.GET.{stream}", {"seq": oldest, "next_by_subj": ">"}
        )
        if message is None:
            return 0.0
        at = str(message["message"]["time"])
    return max(0.0, (shot.at_ms - rfc3339_ms(at)) / 1000)


async def _heartbeats(bus: Bus, shot: Snapshot) -> None:
    for body in (await _bucket(bus, shot, BUCKET_INSTANCES)).values():
        try:
            shot.heartbeats.append(decode_heartbeat(body))
        except WrongSchema:
            continue  # Of another version: its own API shows it.
    shot.heartbeats.sort(key=lambda beat: (beat.service, beat.started_at_ms, beat.instance))


async def _checkpoints(bus: Bus, shot: Snapshot) -> None:
    for body in (await _bucket(bus, shot, BUCKET_SOURCE)).values():
        try:
            shot.checkpoints.append(decode_source_state(body))
        except WrongSchema:
            continue  # As above.


async def _bucket(bus: Bus, shot: Snapshot, name: str) -> dict[str, bytes]:
    try:
        return await bus.kv_all(name)
    except ApiRefused as error:
        if error.err_code not in NOT_FOUND:
            raise
        shot.missing.append(f"KV_{name}")
        return {}


async def _unless_missing(bus: Bus, subject: str, body: Any = None) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = await bus.api(subject, body)
    except ApiRefused as error:
        if error.err_code not in NOT_FOUND:
            raise
        return None
    return answer
