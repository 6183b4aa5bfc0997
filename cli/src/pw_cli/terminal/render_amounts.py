"""Amounts and mints as people read them: exact digits, and no name for what only looks like it."""

from __future__ import annotations

from typing import Final

from pw_common.text.amounts import PRICE_DIGITS, decimal_text, price_text
from pw_parser.core.decode.programs import SOL_MINT, USD1_MINT, USDC_MINT, USDT_MINT

SHORT: Final = 8
SEPARATOR: Final = ","
QUOTE_NAMES: Final = {SOL_MINT: "SOL", USDC_MINT: "USDC", USDT_MINT: "USDT", USD1_MINT: "USD1"}


def name_of(mint: str) -> str:
    """Quotes by their name, other mints by their beginning, which anybody can choose."""
    return QUOTE_NAMES.get(mint, mint[:SHORT])


def in_decimals(raw: int, decimals: int) -> str:
    """Raw units as a decimal number with thousands separators and no trailing zeros."""
    return decimal_text(raw, decimals, SEPARATOR)


def price_of(
    quote: tuple[int, int], base: tuple[int, int], digits: int = PRICE_DIGITS
) -> str | None:
    """What one token cost, of (raw, decimals) each; None where nothing was traded."""
    return price_text(quote, base, digits=digits, separator=SEPARATOR)
