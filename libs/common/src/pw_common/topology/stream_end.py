"""Where a stream begins and ends at the broker, empty ones too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pw_common.text.broker_time import rfc3339_ms
from pw_common.topology.streams import stream_created


class StreamEnd(NamedTuple):
    """`first_seq` is the least sequence that is there or is to come.

    `first_ms` is when its oldest message was stored: None in an empty stream, of which the broker
    says that this was in the year 1.
    """

    created: str
    first_seq: int
    last_seq: int
    first_ms: int | None

    def holds_beyond(self, seq: int) -> bool:
        """Whether there may be a message after this one: those at the end may have been deleted."""
        return self.first_ms is not None and self.last_seq > seq


def stream_end(info: Mapping[str, Any]) -> StreamEnd:
    """What a STREAM.INFO answer says of it."""
    state = info["state"]
    last_seq = int(state["last_seq"])
    if not int(state["messages"]):
        return StreamEnd(stream_created(info), last_seq + 1, last_seq, None)
    first_ms = rfc3339_ms(state["first_ts"])
    return StreamEnd(stream_created(info), int(state["first_seq"]), last_seq, first_ms)
