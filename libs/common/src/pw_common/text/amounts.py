"""Amounts in JSON for people and programs: raw units as decimal text. Pure.

A raw amount has up to 64 bits, and many readers of JSON keep 53. The stored messages hold whole
numbers, as their schemas say: this is for what is shown of them.
"""

from __future__ import annotations

from typing import Any

import msgspec

RAW = "_raw"
LAMPORTS = "lamports"
# Significant digits of a price.
PRICE_DIGITS = 7
# More than the zeros of one raw unit of quote for 2^64 raw units of a token.
DECIMALS_MAX = 30


def decimal_text(raw: int, decimals: int, separator: str = "") -> str:
    """Raw units as an exact decimal number, without trailing zeros.

    Args:
        separator: What stands between thousands.
    """
    sign = "-" if raw < 0 else ""
    whole, rest = divmod(abs(raw), 10**decimals)
    digits = f"{rest:0{decimals}}".rstrip("0") if decimals else ""
    shown = f"{whole:,}".replace(",", separator)
    return f"{sign}{shown}" + (f".{digits}" if digits else "")


def price_text(
    quote: tuple[int, int],
    base: tuple[int, int],
    *,
    digits: int = PRICE_DIGITS,
    separator: str = "",
) -> str | None:
    """What one whole token cost in whole quote, rounded down; None where no token was traded.

    Args:
        quote: What was paid or received, as (raw, decimals).
        base: The tokens, as (raw, decimals).
        digits: How many significant digits there are at least.
    """
    quote_raw, quote_decimals = quote
    base_raw, base_decimals = base
    if base_raw <= 0:
        return None
    for decimals in range(quote_decimals, quote_decimals + DECIMALS_MAX):
        scaled = quote_raw * 10 ** (base_decimals + decimals - quote_decimals) // base_raw
        if scaled >= 10 ** (digits - 1):
            return decimal_text(scaled, decimals, separator)
    return "0"


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
    """A stored message's JSON, shown so; anything that is not JSON stays as it is."""
    if b'_raw"' not in body and b'"lamports"' not in body:
        return body
    try:
        return msgspec.json.encode(amounts_as_text(msgspec.json.decode(body)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body


def _is_amount(name: object, value: object) -> bool:
    known = isinstance(name, str) and (name.endswith(RAW) or name == LAMPORTS)
    return known and isinstance(value, int) and not isinstance(value, bool)
