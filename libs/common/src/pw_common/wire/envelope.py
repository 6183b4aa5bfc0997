"""What stands around a body at the broker: headers, ids, bounded zstd.

A PW_TX message's id is a function of the ordered identities of its updates,
never of their bytes: two endpoints send the same transaction with another
`created_at` and other `filters`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast, get_args

import zstandard

from pw_common.wire.messages import Coverage

MSG_ID = "Nats-Msg-Id"
EXPECTED_LAST_SUBJECT_SEQUENCE = "Nats-Expected-Last-Subject-Sequence"
CONTENT_ENCODING = "Content-Encoding"
SCHEMA = "Pw-Schema"
COUNT = "Pw-Count"
SOURCE = "Pw-Source"
EPOCH = "Pw-Epoch"
FRONTIER_SLOT = "Pw-Frontier-Slot"
COVERAGE = "Pw-Coverage"
# The subscription that a message came through: a name of `coverage`. A header of its own, since
# an older parser makes a dead letter of a value of Pw-Coverage that it does not know.
FILTER = "Pw-Filter"
REASON = "Pw-Reason"
ORIGIN_STREAM = "Pw-Origin-Stream"
ORIGIN_SEQ = "Pw-Origin-Seq"
POSITION = "Pw-Position"
# On alerts that are to go out through one channel once more.
CHANNEL = "Pw-Channel"
# Which table of programs a message is read with; absent: the shipped one alone.
PROGRAMS = "Pw-Programs"
# On what is filled in afterwards: the id of the gap that it belongs to.
GAP = "Pw-Gap"
TRACEPARENT = "traceparent"

SCHEMA_TX = "capture.v1"
SCHEMA_BATCH = "batch.v1"
SCHEMA_GAP = "gap.v1"
SCHEMA_DEAD_LETTER = "deadletter.v1"

# The beginning of a message's id that was a dead letter before.
REPLAY_ID = "tx:replay:"

ZSTD = "zstd"
ZSTD_LEVEL = 1
# A header's integer stays within 63 bits, which every encoder of ours can hold.
DIGITS_MAX = 18
TEXT_MAX = 128
_STAMP = re.compile(r"[1-9][0-9]{0,17}\.[0-9a-f]{16}")


class BadEnvelope(ValueError):
    """A header is missing or wrong, or the body cannot be decompressed within its bound."""


class Identity(NamedTuple):
    """What makes an update itself, wherever it comes from.

    `kind` is `tx`, `slot`, `meta` or `other`; `key` is a transaction's signature (64 raw
    bytes), a block's hash as its header spells it (empty where a source names none), a
    slot's status (one byte), or a digest of the whole update.
    """

    kind: str
    slot: int
    key: bytes


class TxHeaders(NamedTuple):
    """The headers of a PW_TX message, typed."""

    msg_id: str
    updates: int
    source: str
    epoch: int
    frontier_slot: int
    traceparent: str = ""
    coverage: Coverage = "none"
    gap: str = ""
    programs: str = ""
    filter: str = ""


def tx_msg_id(identities: Iterable[Identity]) -> str:
    """The Msg-Id of a batch of updates: blake2b over its ordered identities."""
    digest = hashlib.blake2b(digest_size=16)
    for kind, slot, key in identities:
        digest.update(f"{kind}:{slot}:{len(key)}:".encode())
        digest.update(key)
    return "tx:" + digest.hexdigest()


def tx_headers(headers: TxHeaders) -> dict[str, str]:
    """Header map of a PW_TX message."""
    out = {
        MSG_ID: headers.msg_id,
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_TX,
        COUNT: str(headers.updates),
        SOURCE: headers.source,
        EPOCH: str(headers.epoch),
        FRONTIER_SLOT: str(headers.frontier_slot),
        COVERAGE: headers.coverage,
    }
    if headers.traceparent:
        out[TRACEPARENT] = headers.traceparent
    if headers.gap:
        out[GAP] = headers.gap
    if headers.programs:
        out[PROGRAMS] = headers.programs
    if headers.filter:
        out[FILTER] = headers.filter
    return out


def read_tx_headers(headers: Mapping[str, str]) -> TxHeaders:
    """Typed headers of a PW_TX message.

    Raises:
        BadEnvelope: naming the header that is missing, wrong, or of another schema version.
    """
    schema = headers.get(SCHEMA)
    if schema != SCHEMA_TX:
        raise BadEnvelope(f"{SCHEMA} is {schema!r}, this version reads {SCHEMA_TX!r}")
    msg_id = headers.get(MSG_ID)
    if not msg_id:
        raise BadEnvelope(f"{MSG_ID} is missing")
    return TxHeaders(
        msg_id=msg_id,
        updates=_integer(headers, COUNT),
        source=headers.get(SOURCE, ""),
        epoch=_integer(headers, EPOCH),
        frontier_slot=_integer(headers, FRONTIER_SLOT),
        traceparent=headers.get(TRACEPARENT, ""),
        coverage=_coverage(headers),
        gap=headers.get(GAP, "")[:TEXT_MAX],
        programs=read_stamp(headers),
        # A name that only a newer version knows passes as it is: nothing is claimed by it here.
        filter=headers.get(FILTER, "")[:TEXT_MAX],
    )


def stamp_of(revision: int, table: bytes) -> str:
    """How a message names the table of programs to read it with.

    The digest tells two tables apart that had the same revision in two lives of a bucket.
    """
    return f"{revision}.{hashlib.sha256(table).hexdigest()[:16]}"


def read_stamp(headers: Mapping[str, str]) -> str:
    """Which table of programs to read a message with; empty for the shipped table.

    Raises:
        BadEnvelope: the header is there and names none.
    """
    # Absent in messages of older versions; 0 says the same in words.
    stamp = headers.get(PROGRAMS, "")
    if stamp in {"", "0"}:
        return ""
    if not _STAMP.fullmatch(stamp):
        raise BadEnvelope(f"{PROGRAMS} is {stamp[:40]!r}, expected a revision and its digest")
    return stamp


def compress(body: bytes) -> bytes:
    """zstd-1 with the content size in the frame header."""
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_content_size=True).compress(body)


def decompress(body: bytes, bytes_max: int) -> bytes:
    """Decompress one zstd frame, never holding more than `bytes_max` + 1 bytes.

    Raises:
        BadEnvelope: not zstd, truncated, or larger than the bound.
    """
    try:
        size = zstandard.frame_content_size(body)
        if size > bytes_max:
            raise BadEnvelope(f"body decompresses to {size} bytes, over {bytes_max}")
        reader = zstandard.ZstdDecompressor().decompressobj(read_across_frames=False)
        if size >= 0:
            out = reader.decompress(body)
        else:
            return _decompress_unsized(body, bytes_max)
    except zstandard.ZstdError as error:
        raise BadEnvelope(f"body is not zstd: {error}") from error
    if not reader.eof:
        raise BadEnvelope("body is a truncated zstd frame")
    if len(out) > bytes_max:
        raise BadEnvelope(f"body decompresses to over {bytes_max} bytes")
    return out


def _decompress_unsized(body: bytes, bytes_max: int) -> bytes:
    # A frame without a declared size is read piece by piece, up to the bound.
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        out = reader.read(bytes_max + 1)
    if len(out) > bytes_max:
        raise BadEnvelope(f"body decompresses to over {bytes_max} bytes")
    return out


def _coverage(headers: Mapping[str, str]) -> Coverage:
    # Absent in messages of older versions: then nothing is claimed.
    value = headers.get(COVERAGE, "none")
    if value not in get_args(Coverage):
        raise BadEnvelope(f"{COVERAGE} is {value[:40]!r}, allowed: {', '.join(get_args(Coverage))}")
    return cast(Coverage, value)


def _integer(headers: Mapping[str, str], name: str) -> int:
    value = headers.get(name)
    if not value or len(value) > DIGITS_MAX or not value.isascii() or not value.isdigit():
        shown = value if value is None else value[:40]
        raise BadEnvelope(f"{name} is {shown!r}, expected a non-negative integer")
    return int(value)
