"""Captures: a sequence of varint-length-delimited protobuf messages, kept as received.

A capture file is that sequence, plain, gzip or zstd; a PW_TX body is that
sequence, zstd. This module only cuts and joins bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pw_common.wire.limits import UPDATE_BYTES_MAX

VARINT_BYTES_MAX = 10


class BadFrame(ValueError):
    """The sequence cannot be cut any further: a length is missing, absurd or past the end.

    `position` counts the frames before it; `offset` is the byte where it starts.
    """

    def __init__(self, why: str, position: int, offset: int) -> None:
        super().__init__(f"{why} at frame {position}, byte {offset}")
        self.why = why
        self.position = position
        self.offset = offset


def varint(value: int) -> bytes:
    """Encode a non-negative integer as a protobuf varint."""
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def frame(update: bytes) -> bytes:
    """One update preceded by its length."""
    return varint(len(update)) + update


def join(updates: Iterable[bytes]) -> bytes:
    """The delimited form of a sequence of updates."""
    parts: list[bytes] = []
    for update in updates:
        parts.append(varint(len(update)))
        parts.append(update)
    return b"".join(parts)


def split(body: bytes, *, update_bytes_max: int = UPDATE_BYTES_MAX) -> Iterator[bytes]:
    """Yield each update of a delimited sequence.

    Raises:
        BadFrame: where the sequence cannot be cut; the updates before it were yielded.
    """
    offset = 0
    position = 0
    end = len(body)
    while offset < end:
        start = offset
        length, offset = _read_varint(body, start, position)
        if length > update_bytes_max:
            raise BadFrame(f"length {length} over {update_bytes_max}", position, start)
        if offset + length > end:
            raise BadFrame(f"{length} bytes promised, {end - offset} left", position, start)
        yield body[offset : offset + length]
        offset += length
        position += 1


def _read_varint(body: bytes, offset: int, position: int) -> tuple[int, int]:
    value = 0
    for count in range(VARINT_BYTES_MAX):
        at = offset + count
        if at >= len(body):
            raise BadFrame("truncated length", position, offset)
        byte = body[at]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + 1
    raise BadFrame("length longer than a varint", position, offset)
