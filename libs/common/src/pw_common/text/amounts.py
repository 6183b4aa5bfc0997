"""Amounts in JSON for people and programs: raw units as decimal text. Pure.

A raw amount has up to 64 bits, and many readers of JSON keep 53. The stored messages hold whole
numbers, as their schemas say: this is for what is shown of them.
"""

from __future__ import annotations

from typing import Any

import msgspec

RAW = "_raw"
LAMPORTS = "lamports"


def amounts_as_text(value: Any) -> Any:
    """The same value, with each raw amount in it as text; a named tuple becomes a mapping."""
    if isinstance(value, dict):
        return {
            name: str(one) if _is_amount(name, one) else amounts_as_text(one)
            for name, one in value.items()
        }
    if isinstance(value, msgspec.Struct):
        return amounts_as_text(msgspec.to_builtins(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return amounts_as_text(value._asdict())
    if isinstance(value, list | tuple):
        return [amounts_as_text(one) for one in value]
    return value


def body_with_text(body: bytes) -> bytes:
    """A stored message's JSON, shown so; what is no JSON stays as it is."""
    if b'_raw"' not in body and b'"lamports"' not in body:
        return body
    try:
        return msgspec.json.encode(amounts_as_text(msgspec.json.decode(body)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body


def _is_amount(name: object, value: object) -> bool:
    known = isinstance(name, str) and (name.endswith(RAW) or name == LAMPORTS)
    return known and isinstance(value, int) and not isinstance(value, bool)
