"""Whether values of the Python client are what the API told, to the last field."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from pocketwatcher import Client
from support.keeping import Kept

# What the API says of itself, or always says empty.
LEFT_OUT = frozenset({"type", "stored_ms"})


def agrees(value: Any, told: Any, left_out: frozenset[str] = LEFT_OUT) -> bool:
    """Whether a value of the client is what the API told, to the last field."""
    if isinstance(value, msgspec.Struct):
        known = set(value.__struct_fields__)
        assert set(told) - known <= left_out, set(told) - known
        return all(agrees(getattr(value, one), told[one]) for one in known & set(told))
    if isinstance(value, tuple):
        return len(value) == len(told) and all(map(agrees, value, told))
    if isinstance(value, Decimal):
        return value == Decimal(told)
    if isinstance(value, int) and isinstance(told, str):
        return str(value) == told
    return bool(value == told)


def all_agree(values: Iterable[Any], told: list[Any], left_out: frozenset[str] = LEFT_OUT) -> None:
    """Rows of the client are those that the API told, of which there must be some."""
    found = list(values)
    assert len(found) == len(told) > 0
    assert all(agrees(*both, left_out) for both in zip(found, told, strict=True))


def client_of(kept: Kept) -> Client:
    """The client of an API beside a history."""
    token = kept.client.headers["authorization"].removeprefix("Bearer ")
    return Client(str(kept.client.base_url), token=token)
