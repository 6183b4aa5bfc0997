"""Amounts and mints as people read them: exact digits, and no name for what only looks like it."""

from __future__ import annotations

from typing import Final

from pw_parser.core.decode.programs import SOL_MINT, USD1_MINT, USDC_MINT, USDT_MINT

SHORT: Final = 8
# Significant digits of a price.
PRICE_DIGITS: Final = 7
# More than the zeros of one raw unit of quote for 2^64 raw units of a token.
PLACES_MAX: Final = 30
QUOTE_NAMES: Final = {SOL_MINT: "SOL", USDC_MINT: "USDC", USDT_MINT: "USDT", USD1_MINT: "USD1"}


def name_of(mint: str) -> str:
    """Quotes by their name, other mints by their beginning, which anybody can choose."""
    return QUOTE_NAMES.get(mint, mint[:SHORT])


def in_decimals(raw: int, decimals: int) -> str:
    """Raw units as a decimal number with thousands separators and no trailing zeros."""
    sign = "-" if raw < 0 else ""
    whole, rest = divmod(abs(raw), 10**decimals)
    digits = f"{rest:0{decimals}}".rstrip("0") if decimals else ""
    return f"{sign}{whole:,}" + (f".{digits}" if digits else "")


def price_of(
    quote: tuple[int, int], base: tuple[int, int], digits: int = PRICE_DIGITS
) -> str | None:
    """What one token cost, of (raw, decimals) each; None where nothing was traded."""
    quote_raw, quote_decimals = quote
    base_raw, base_decimals = base
    if base_raw <= 0:
        return None
    # Enough decimal places to show `digits` significant digits, rounded down.
    for places in range(quote_decimals, quote_decimals + PLACES_MAX):
        scaled = quote_raw * 10 ** (base_decimals + places - quote_decimals) // base_raw
        if scaled >= 10 ** (digits - 1):
            return in_decimals(scaled, places)
    return "0"
