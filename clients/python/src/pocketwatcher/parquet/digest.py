"""The digest of rows, `md5-sum.1`, as docs/history.md gives it to a stranger. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from decimal import Decimal


def digest(rows: Iterable[Sequence[object]]) -> tuple[int, str]:
    """How many rows there are, and the sum of their MD5 modulo 2^128, as 32 hex digits."""
    count, total = 0, 0
    for row in rows:
        line = "".join(map(_field, row)).encode()
        # It finds accidents, and is no signature.
        total += int.from_bytes(hashlib.md5(line, usedforsecurity=False).digest(), "little")
        count += 1
    return count, f"{total % 2**128:032x}"


def _field(value: object) -> str:
    if value is None:
        return "-"
    text = _text(value)
    return f"{len(text.encode())}:{text}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(struct.unpack("<Q", struct.pack("<d", value))[0])
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return "".join(map(_field, value))
    return str(value)
