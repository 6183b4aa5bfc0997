"""How an answer becomes values: raw amounts are whole numbers, and what is new is left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from pocketwatcher.errors import BadAnswer, plain

T = TypeVar("T")

# A sum of 64-bit amounts has at most 39 digits, and a sign.
RAW_CHARS_MAX: Final = 40


class Raw(int):
    """A raw amount: an ordinary whole number, which came as text."""

    __slots__ = ()


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was answered."""


def whole(raw: int, decimals: int) -> Decimal:
    """Raw units as whole ones, exactly: `whole(1_500_000_000, 9)` is 1.5 SOL."""
    if not raw:
        return Decimal(0)  # With its decimals it would be printed as 0E-9.
    # Not by arithmetic, which would round to the digits of the context.
    return Decimal((int(raw < 0), tuple(map(int, str(abs(raw)))), -decimals))


def decoded(body: bytes | str, kind: type[T]) -> T:
    """An answer's JSON as a value.

    Raises:
        BadAnswer: it is something else; says at which field.
    """
    try:
        return msgspec.json.decode(body, type=kind, dec_hook=_raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadAnswer(f"an answer that this client cannot read: {plain(str(error))}") from error


def _raw(_kind: type, value: Any) -> Raw:
    """A raw amount out of its text; what is stored may have it as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Raw(value)
    if isinstance(value, str) and len(value) <= RAW_CHARS_MAX:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            return Raw(value)
    raise ValueError("a raw amount is a whole number in decimal digits")
