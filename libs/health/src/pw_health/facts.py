"""What is known of the system at one moment: everything that a condition may depend on."""

from __future__ import annotations

from dataclasses import dataclass, field

from pw_common.wire.heartbeat import Heartbeat


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A heartbeat, and when the broker stored it, by the broker's clock."""

    said: Heartbeat
    stored_ms: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits for a service on a stream. `lag_ms` is how long the oldest message has waited."""

    service: str
    stream: str
    pending: int = 0
    lag_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel of alerts. `trouble` is why nothing arrives, where known: `holds 3 alerts`.

    `note` is what a person should know about it although alerts arrive, or may do so in a moment.
    """

    name: str
    waiting: int = 0
    lag_ms: int = 0
    trouble: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The facts. `at_ms` is the broker's clock, by which all ages are judged.

    `tx_last_ms` is when PW_TX last got a message, None when it never did. `missing` names streams,
    consumers and buckets that the broker does not have. `checkpoints` are the sources that were
    ever read. `took_ms` is how long the broker took to answer all that is here.
    """

    at_ms: int
    took_ms: int = 0
    beats: tuple[Beat, ...] = ()
    queues: tuple[Queue, ...] = ()
    channels: tuple[Channel, ...] = ()
    missing: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = field(default=())
    tx_bytes: int = 0
    tx_bytes_max: int = 0
    tx_last_ms: int | None = None
