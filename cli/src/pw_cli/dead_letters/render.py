"""A stream's messages as JSON lines: bodies decompressed, updates by kind, slot and signature."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from solders.signature import Signature

from pw_common.jetstream.consuming.log_reader import StoredMessage
from pw_common.jetstream.dead_letters.routes import plain_body
from pw_common.text.amounts import amounts_as_text
from pw_common.text.plain_text import plain_json
from pw_common.topology.subjects import dead_letter
from pw_common.wire.envelope import BadEnvelope
from pw_common.wire.framing import BadFrame, split
from pw_geyser import shallow_pb2

BODY_HEX_BYTES_MAX = 4096
SIGNATURE_BYTES = 64
NOTIFICATIONS = dead_letter("notifier")


def json_line(stream: str, message: StoredMessage) -> bytes:
    """One line; a body that is neither JSON nor a capture is hex, cut at BODY_HEX_BYTES_MAX."""
    line: dict[str, Any] = {
        "stream": stream,
        "seq": message.seq,
        "time_ms": message.time_ms,
        "subject": message.subject,
        "headers": message.headers,
    }
    if not message.seq:
        # A core subscription knows neither: see `pw tail PW_TX`.
        del line["seq"], line["time_ms"]
    line.update(_body(message))
    # Names and symbols come from the chain, and a terminal may read this.
    return plain_json(msgspec.json.encode(line)) + b"\n"


def _body(message: StoredMessage) -> dict[str, Any]:
    try:
        body = plain_body(message)
    except BadEnvelope as error:
        return {"unreadable": str(error), **_hex(message.body)}
    # The notifier's dead letters are alerts.
    if message.subject.startswith(("pw.tx.", "pw.dlq.")) and message.subject != NOTIFICATIONS:
        return _updates(body)
    try:
        return {"body": amounts_as_text(msgspec.json.decode(body))}
    except msgspec.MsgspecError as error:
        return {"unreadable": str(error), **_hex(body)}


def _updates(body: bytes) -> dict[str, Any]:
    updates: list[dict[str, Any]] = []
    try:
        updates.extend(describe(update) for update in split(body))
    except BadFrame as error:
        return {"updates": updates, "unreadable": str(error), **_hex(body)}
    return {"updates": updates}


def describe(update: bytes) -> dict[str, Any]:
    """What an update is, as far as a shallow look tells."""
    size = {"size_bytes": len(update)}
    try:
        shallow = shallow_pb2.Update.FromString(update)
    except DecodeError as error:
        return {"kind": "unreadable", "reason": str(error), **size, **_hex(update)}
    if shallow.HasField("transaction"):
        raw = bytes(shallow.transaction.info.signature)
        known = len(raw) == SIGNATURE_BYTES
        return {
            "kind": "transaction",
            "slot": int(shallow.transaction.slot),
            "signature": str(Signature.from_bytes(raw)) if known else raw.hex(),
            "vote": bool(shallow.transaction.info.is_vote),
            **size,
        }
    if shallow.HasField("block_meta"):
        meta = shallow.block_meta
        return {
            "kind": "block_meta",
            "slot": int(meta.slot),
            "parent": int(meta.parent_slot),
            **size,
        }
    for kind in ("slot", "ping", "pong", "entry", "block", "transaction_status"):
        if shallow.HasField(kind):
            return {"kind": kind, **size}
    return {"kind": "unknown", **size, **_hex(update)}


def _hex(body: bytes) -> dict[str, Any]:
    shown: dict[str, Any] = {"body_hex": body[:BODY_HEX_BYTES_MAX].hex()}
    if len(body) > BODY_HEX_BYTES_MAX:
        shown["body_bytes"] = len(body)
    return shown
