"""Every stream, consumer and bucket, as data, in one place.

`provision` applies it; services only bind. Every field that matters is written
out: a broker default may change under us. Bodies are the raw JetStream API's
JSON, durations in nanoseconds, because client libraries lag behind the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pw_common.topology import subjects
from pw_common.wire.limits import (
    BROKER_PAYLOAD_BYTES_MAX,
    PARSER_ACK_WAIT_S,
    PARSER_FETCH,
    PARSER_REPLICAS_MAX,
)

NS = 1_000_000_000
MIB = 1024 * 1024
GIB = 1024 * MIB

# A parser must always find work although every other one holds a full fetch
# while a second is under way: twice the fleet's fetches.
PARSER_ACK_PENDING_MAX = 2 * PARSER_FETCH * PARSER_REPLICAS_MAX

# Acks only tell the lag, so a few fetches in flight are enough.
DETECTOR_ACK_PENDING_MAX = 4_096

# The broker forgets Msg-Ids after this long; longer than any retry of ours.
DUPLICATE_WINDOW_S = 600


# In a restored stream's metadata: when the stream that it continues was made. The broker
# gives a restored stream a new date, which to every reader would be another stream.
METADATA_CREATED = "pw-created"


def stream_created(info: Mapping[str, Any]) -> str:
    """Which stream this is: when it was made (RFC 3339), kept over a backup and its restore.

    Args:
        info: A STREAM.INFO answer.
    """
    metadata = info["config"].get("metadata") or {}
    return str(metadata.get(METADATA_CREATED) or info["created"])


@dataclass(frozen=True)
class Stream:
    """One stream. `max_bytes` is what an operator may raise; the rest is the design's."""

    name: str
    subjects: tuple[str, ...]
    retention: str
    discard: str
    max_bytes: int
    max_age_s: int = 0
    replicas: int = 1
    max_msg_size: int = BROKER_PAYLOAD_BYTES_MAX
    duplicate_window_s: int = DUPLICATE_WINDOW_S

    def body(self) -> dict[str, Any]:
        """The STREAM.CREATE request."""
        return {
            "name": self.name,
            "subjects": list(self.subjects),
            "retention": self.retention,
            "discard": self.discard,
            "max_bytes": self.max_bytes,
            "max_age": self.max_age_s * NS,
            "max_msgs": -1,
            "max_msgs_per_subject": -1,
            "max_msg_size": self.max_msg_size,
            "max_consumers": -1,
            "storage": "file",
            "num_replicas": self.replicas,
            "duplicate_window": self.duplicate_window_s * NS,
            "compression": "none",
            "allow_direct": True,
        }


@dataclass(frozen=True)
class Consumer:
    """One durable pull consumer with explicit acks."""

    stream: str
    name: str
    ack_wait_s: float
    max_ack_pending: int
    deliver_policy: str = "all"
    headers_only: bool = False

    def body(self) -> dict[str, Any]:
        """The CONSUMER.CREATE request's `config`."""
        return {
            "headers_only": self.headers_only,
            "durable_name": self.name,
            "name": self.name,
            "deliver_policy": self.deliver_policy,
            "ack_policy": "explicit",
            "ack_wait": int(self.ack_wait_s * NS),
            "max_deliver": -1,
            "max_ack_pending": self.max_ack_pending,
            "max_waiting": 512,
            "replay_policy": "instant",
        }


@dataclass(frozen=True)
class Bucket:
    """One key-value bucket; a stream named `KV_<name>` underneath."""

    name: str
    history: int
    max_bytes: int
    ttl_s: int = 0
    replicas: int = 1

    def body(self) -> dict[str, Any]:
        """The STREAM.CREATE request of the bucket's stream."""
        return {
            "name": f"KV_{self.name}",
            "subjects": [f"$KV.{self.name}.>"],
            "retention": "limits",
            "discard": "new",
            "max_bytes": self.max_bytes,
            "max_age": self.ttl_s * NS,
            "max_msgs": -1,
            "max_msgs_per_subject": self.history,
            "max_msg_size": -1,
            "max_consumers": -1,
            "storage": "file",
            "num_replicas": self.replicas,
            "duplicate_window": min(120, self.ttl_s or 120) * NS,
            "compression": "none",
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "allow_direct": True,
        }


@dataclass(frozen=True)
class Topology:
    """The whole declaration."""

    streams: tuple[Stream, ...]
    consumers: tuple[Consumer, ...]
    buckets: tuple[Bucket, ...] = field(default=())


CONSUMERS: Final = (
    Consumer(
        stream=subjects.STREAM_TX,
        name=subjects.CONSUMER_PARSER,
        ack_wait_s=PARSER_ACK_WAIT_S,
        max_ack_pending=PARSER_ACK_PENDING_MAX,
    ),
    Consumer(
        stream=subjects.STREAM_SWAP,
        name=subjects.CONSUMER_DETECTOR,
        ack_wait_s=PARSER_ACK_WAIT_S,
        max_ack_pending=DETECTOR_ACK_PENDING_MAX,
        headers_only=True,
    ),
)


def declare(
    *,
    tx_bytes_max: int = 8 * GIB,
    swap_bytes_max: int = 4 * GIB,
    replicas: int = 1,
) -> Topology:
    """The declaration, with what an operator sizes as arguments.

    PW_TX is a work queue that refuses what does not fit (`discard: new`) and
    never trims by age: a full queue makes ingest wait. PW_DLQ refuses as well,
    since a dead letter must not push out another. The others are logs.
    """
    return Topology(
        streams=_streams(tx_bytes_max, swap_bytes_max, replicas),
        consumers=CONSUMERS,
        buckets=_buckets(replicas),
    )


def _streams(tx_bytes_max: int, swap_bytes_max: int, replicas: int) -> tuple[Stream, ...]:
    return (
        Stream(
            name=subjects.STREAM_TX,
            subjects=(subjects.TX_ALL,),
            retention="workqueue",
            discard="new",
            max_bytes=tx_bytes_max,
            replicas=replicas,
        ),
        Stream(
            name=subjects.STREAM_SWAP,
            subjects=(subjects.SWAP_ALL,),
            retention="limits",
            discard="old",
            max_bytes=swap_bytes_max,
            max_age_s=24 * 3600,
            replicas=replicas,
        ),
        Stream(
            name=subjects.STREAM_ALERT,
            subjects=(subjects.ALERT_ALL,),
            retention="limits",
            discard="old",
            max_bytes=GIB,
            max_age_s=30 * 24 * 3600,
            replicas=replicas,
        ),
        Stream(
            name=subjects.STREAM_GAP,
            subjects=(subjects.GAP_ALL,),
            retention="limits",
            discard="old",
            max_bytes=256 * MIB,
            max_age_s=30 * 24 * 3600,
            replicas=replicas,
        ),
        Stream(
            name=subjects.STREAM_DLQ,
            subjects=(subjects.DLQ_ALL,),
            retention="limits",
            discard="new",
            max_bytes=GIB,
            replicas=replicas,
        ),
    )


def _buckets(replicas: int) -> tuple[Bucket, ...]:
    return (
        Bucket(name=subjects.BUCKET_SOURCE, history=5, max_bytes=16 * MIB, replicas=replicas),
        Bucket(name=subjects.BUCKET_CONFIG, history=32, max_bytes=64 * MIB, replicas=replicas),
        Bucket(
            name=subjects.BUCKET_INSTANCES,
            history=1,
            max_bytes=16 * MIB,
            # In a file, although it is worthless after seconds: a bucket in memory is gone
            # after a crash of the broker, and nobody would make it again.
            ttl_s=15,
            replicas=replicas,
        ),
        Bucket(name=subjects.BUCKET_DETECTOR, history=5, max_bytes=16 * MIB, replicas=replicas),
        # Projections: written again by the detector at any time, never read back by it.
        Bucket(name=subjects.BUCKET_HOT, history=1, max_bytes=64 * MIB, replicas=replicas),
        Bucket(name=subjects.BUCKET_TOKENS, history=1, max_bytes=64 * MIB, replicas=replicas),
        # Every table of programs that a message was ever stamped with, by its stamp: the
        # queue may be older than the history of `pw_config`.
        Bucket(name=subjects.BUCKET_PROGRAMS, history=1, max_bytes=32 * MIB, replicas=replicas),
        # What a node said of mints: asked for again when it is gone. A full key has 2 KB or so.
        Bucket(
            name=subjects.BUCKET_FACTS,
            history=1,
            max_bytes=64 * MIB,
            ttl_s=24 * 3600,
            replicas=replicas,
        ),
        # What each channel sent, for longer than any alert may be late.
        Bucket(
            name=subjects.BUCKET_OUTBOX,
            history=1,
            max_bytes=256 * MIB,
            ttl_s=7 * 24 * 3600,
            replicas=replicas,
        ),
    )


# What `provision` may change on a live stream or consumer. Anything else that
# differs is refused with a diff, because changing it loses or re-reads data.
STREAM_MAY_CHANGE = frozenset({"max_bytes", "max_age", "duplicate_window", "num_replicas"})
CONSUMER_MAY_CHANGE = frozenset({"ack_wait", "max_ack_pending", "max_waiting"})
