"""The replay source's side record: which transaction was sent when, for latency reports.

A sequence of fixed records: the 64 raw bytes of a signature, then the time of
sending as an unsigned 64-bit big-endian number of nanoseconds since 1970 (UTC).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

RECORD = struct.Struct(">64sQ")


def sent_entry(signature: bytes, sent_ns: int) -> bytes:
    """One record."""
    return RECORD.pack(signature, sent_ns)


def read_sent_record(body: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield (signature, sent_ns); a record cut off at the end is left out."""
    whole = len(body) - len(body) % RECORD.size
    yield from RECORD.iter_unpack(body[:whole])
