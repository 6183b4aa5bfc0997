"""Turns what the broker answers into a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pw_common.jetstream.overview import Overview
from pw_common.text.broker_time import rfc3339_ms
from pw_common.topology.streams import stream_created
from pw_common.topology.subjects import (
    CHANNEL_OFF,
    CHANNEL_QUIET,
    CONSUMER_DETECTOR,
    CONSUMER_PARSER,
    STREAM_SWAP,
    STREAM_TX,
)
from pw_common.wire.heartbeat import Trouble
from pw_health.facts import Beat, Channel, Queue, Snapshot
from pw_health.processes import is_silent

SERVICE_OF = {CONSUMER_PARSER: "parser", CONSUMER_DETECTOR: "detector"}


class _Folded(msgspec.Struct, frozen=True):
    """Of the detector's position what tells how far it is behind."""

    swap_stream_created: str
    folded_seq: int
    folded_time_ms: int


_folded = msgspec.json.Decoder(_Folded)


def snapshot_of(view: Overview) -> Snapshot:
    """The facts."""
    said = _troubles(view)
    tx = view.streams.get(STREAM_TX)
    queues = [
        Queue(
            service=SERVICE_OF.get(name, name),
            stream=stream,
            pending=int(info["num_pending"]),
            lag_ms=int(view.lag_s[stream, name] * 1_000),
        )
        for (stream, name), info in view.consumers.items()
        if (stream, name) not in view.channels.values()
    ]
    folding_ms = _folding_lag_ms(view)
    if folding_ms:
        queues.append(Queue(service="detector", stream=STREAM_SWAP, lag_ms=folding_ms))
    return Snapshot(
        at_ms=view.broker_ms,
        took_ms=view.took_ms,
        beats=tuple(
            Beat(said=one, stored_ms=view.stored_ms[one.instance]) for one in view.heartbeats
        ),
        queues=tuple(queues),
        channels=tuple(_channel(view, name, said) for name in sorted({*view.channels, *said})),
        missing=tuple(view.missing),
        checkpoints=tuple(one.source for one in view.checkpoints),
        tx_bytes=int(tx["state"]["bytes"]) if tx else 0,
        tx_bytes_max=max(0, int(tx["config"]["max_bytes"])) if tx else 0,
        tx_last_ms=_last_ms(tx),
    )


def silent_instances(view: Overview) -> frozenset[str]:
    """The processes that have been silent for too long."""
    return frozenset(
        name for name, stored_ms in view.stored_ms.items() if is_silent(stored_ms, view.broker_ms)
    )


def _troubles(view: Overview) -> dict[str, Trouble]:
    """What live notifiers report about channels, by channel; the worse if two differ."""
    silent, found = silent_instances(view), list[Trouble]()
    for beat in view.heartbeats:
        if beat.instance not in silent:
            found += (one for one in beat.troubles if one.channel)
    found.sort(key=lambda one: (one.failing, one.what))
    return {one.channel: one for one in found}


def _channel(view: Overview, name: str, troubles: Mapping[str, Trouble]) -> Channel:
    said = troubles.get(name, Trouble(what=""))
    trouble, note = (said.what, "") if said.failing else ("", said.what)
    if name not in view.channels:
        return Channel(name=name, trouble=trouble, note=note)
    place = view.channels[name]
    info = view.consumers[place]
    lag_s = view.lag_s[place]
    if quiet_until_ms(info, view.at_ms) is not None:
        # What quiet hours hold up is old without being late.
        lag_s = view.pending_lag_s.get(place, lag_s if info["num_pending"] else 0.0)
    return Channel(
        name=name,
        waiting=_alerts_waiting(info, view.at_ms),
        lag_ms=int(lag_s * 1_000),
        trouble=trouble,
        note=note,
    )


def _alerts_waiting(info: Mapping[str, Any], at_ms: int) -> int:
    """How many alerts a channel should have taken.

    A channel that is off should take none, and in its quiet hours those that it was handed wait.
    """
    if CHANNEL_OFF in _metadata(info):
        return 0
    is_quiet = quiet_until_ms(info, at_ms) is not None
    return int(info["num_pending"]) + (0 if is_quiet else int(info["num_ack_pending"]))


def quiet_until_ms(info: Mapping[str, Any], at_ms: int) -> int | None:
    """Until when a channel's quiet hours hold up what it was handed; None where they do not."""
    until = str(_metadata(info).get(CHANNEL_QUIET, ""))
    if not (until.isascii() and until.isdigit()):
        return None
    until_ms = int(until[:15])
    return until_ms if at_ms < until_ms else None


def _metadata(info: Mapping[str, Any]) -> Mapping[str, Any]:
    return info.get("config", {}).get("metadata") or {}


def _folding_lag_ms(view: Overview) -> int:
    """How much newer the newest batch is than the last one that the detector folded.

    Its consumer does not show that: it is acknowledged on receipt.
    """
    info = view.streams.get(STREAM_SWAP)
    if view.position is None or info is None or not info["state"]["messages"]:
        return 0
    try:
        folded = _folded.decode(view.position)
    except msgspec.MsgspecError:
        return 0  # Of another version, or damaged: the detector itself says so.
    is_same = folded.swap_stream_created == stream_created(info)
    if not is_same or folded.folded_seq >= int(info["state"]["last_seq"]):
        return 0
    return max(0, (_last_ms(info) or 0) - folded.folded_time_ms)


def _last_ms(info: dict[str, Any] | None) -> int | None:
    """When a stream last got a message; None when it never did."""
    at_ms = rfc3339_ms(info["state"]["last_ts"]) if info else 0
    return at_ms if at_ms > 0 else None
