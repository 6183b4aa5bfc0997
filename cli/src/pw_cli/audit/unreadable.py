"""A stored message that is not what its stream holds."""

from __future__ import annotations

from pw_common.jetstream.bus import Msg
from pw_common.topology.subjects import STREAM_GAP
from pw_common.wire.messages import Gap, WrongSchema, decode_gap


class Unreadable(ValueError):
    """Says which message it is, and why."""


def gap_of(message: Msg) -> Gap:
    """The record in a message of PW_GAP.

    Raises:
        Unreadable: it is not a record.
    """
    try:
        return decode_gap(message.data)
    except WrongSchema as error:
        seq = message.metadata.sequence.stream
        raise Unreadable(f"{STREAM_GAP} {seq}: {error}") from error
