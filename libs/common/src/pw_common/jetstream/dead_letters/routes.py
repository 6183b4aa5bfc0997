"""Where a dead letter goes when it is sent back: to the parsers, to its channel, or nowhere. Pure.

A dead letter is known by the service that made it (its subject) and by its Msg-Id. Only updates go
to the parsers; anything else would come back as new dead letters and end a parser.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

import msgspec

from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.jetstream.publishing.outcome import Publish
from pw_common.topology.subjects import TOKEN, TX_REPLAY
from pw_common.wire.alerts import decode_alert
from pw_common.wire.envelope import (
    CONTENT_ENCODING,
    EPOCH,
    MSG_ID,
    REPLAY_ID,
    SOURCE,
    ZSTD,
    BadEnvelope,
    TxHeaders,
    compress,
    decompress,
    read_stamp,
    tx_headers,
)
from pw_common.wire.framing import BadFrame, split
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX

SOURCE_UNKNOWN: Final = "replay"
# The services whose dead letters are updates.
READERS: Final = frozenset({"parser", "backfill"})
NOTIFICATION: Final = re.compile(r"dead:notifier:([a-z0-9_-]{1,32}):[0-9]{1,20}")
# Versions before sent a notification to the parsers, which made dead letters of its pieces.
PIECE: Final = re.compile(r"dead:(?:tx:replay:[0-9]+:dead:)+notifier:.*", re.DOTALL)


class ToParsers(NamedTuple):
    """An update, as a message of PW_TX."""

    out: Publish


class ToChannel(NamedTuple):
    """A notification: the alert's body as it was stored."""

    channel: str
    body: bytes


class Nowhere(NamedTuple):
    """What cannot be sent back, and why."""

    why: str


Route: TypeAlias = ToParsers | ToChannel | Nowhere


def route_of(message: StoredMessage) -> Route:
    """Where a dead letter goes."""
    service = message.subject.rpartition(".")[2]
    msg_id = message.headers.get(MSG_ID, "")
    if service == "notifier":
        return _notification(msg_id, message.body)
    if service not in READERS:
        return Nowhere(f"from the service {service}, which takes nothing back")
    if PIECE.fullmatch(msg_id):
        return Nowhere(
            "a piece of a notification that an earlier version sent to the parsers; the whole one "
            "has its own dead letter: remove this with `pw dlq rm`"
        )
    return _update(message)


def _notification(msg_id: str, body: bytes) -> Route:
    found = NOTIFICATION.fullmatch(msg_id)
    if found is None:
        return Nowhere(f"its id names no channel: {msg_id[:100]!r}")
    if not body:
        return Nowhere("it was too large for a body, and its alert is no longer stored")
    try:
        alert = decode_alert(body)
    except msgspec.MsgspecError as error:
        return Nowhere(f"not an alert, so that no channel can take it: {error}")
    if not TOKEN.fullmatch(alert.id):
        return Nowhere(f"not an alert: its id is {alert.id[:40]!r}")
    return ToChannel(found[1], body)


def _update(message: StoredMessage) -> Route:
    try:
        return ToParsers(replayed(message))
    except (BadEnvelope, BadFrame) as error:
        return Nowhere(f"no parser can read it: {error}")


def replayed(message: StoredMessage) -> Publish:
    """The PW_TX message that tries an update again; its id is a function of the dead letter.

    Its frontier is 0, so it never says that any slot is complete.

    Raises:
        BadEnvelope, BadFrame: nothing in the dead letter is a whole update.
    """
    plain = plain_body(message)
    origin = message.headers.get(MSG_ID, "")
    epoch = message.headers.get(EPOCH, "0")
    headers = tx_headers(
        TxHeaders(
            msg_id=f"{REPLAY_ID}{message.seq}:{origin}",
            updates=_whole_updates(plain),
            source=message.headers.get(SOURCE, SOURCE_UNKNOWN),
            epoch=int(epoch) if epoch.isascii() and epoch.isdigit() else 0,
            frontier_slot=0,
            programs=_stamp(message),
        )
    )
    return Publish(TX_REPLAY, compress(plain), {**headers, CONTENT_ENCODING: ZSTD})


def plain_body(message: StoredMessage) -> bytes:
    """The body without its compression; raises BadEnvelope."""
    if message.headers.get(CONTENT_ENCODING) == ZSTD:
        return decompress(message.body, DECOMPRESSED_BYTES_MAX)
    return message.body


def _whole_updates(body: bytes) -> int:
    """How many whole updates there are; raises BadEnvelope, BadFrame where there is none."""
    updates = 0
    try:
        for _ in split(body):
            updates += 1
    except BadFrame:
        # What is whole before the break is read; the rest becomes another dead letter.
        if not updates:
            raise
    if not updates:
        raise BadEnvelope("it holds no update")
    return updates


def _stamp(message: StoredMessage) -> str:
    try:
        return read_stamp(message.headers)
    except BadEnvelope:
        return ""  # It is why the message is here.
