"""Numbers as traders write them: few digits, no exponent, a unit beside each. Pure.

They come from an API that may be somebody else's: none is too large, and no time too far.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from pw_cli.terminal.render_amounts import QUOTE_NAMES, name_of
from pw_common.wire.history import TIME_MS_MAX
from pw_parser.core.decode.programs import SOL_DECIMALS, SOL_MINT

UNKNOWN: Final = "unknown"
# From where on a number has a letter: 9,990 and then 10K.
SIZES: Final = (
    (Decimal(10**12), Decimal(10**12), "T"),
    (Decimal(10**9), Decimal(10**9), "B"),
    (Decimal(10**6), Decimal(10**6), "M"),
    (Decimal(10**4), Decimal(10**3), "K"),
)
ROUNDS_UP: Final = Decimal("0.9995")
DOLLAR_DECIMALS: Final = 6
# A mint states its decimals in a byte.
DECIMALS_MAX: Final = 255
RECENT_MS: Final = 2 * 86_400_000
# Clocks differ: a trade may seem to be of the next moment.
AHEAD_MS: Final = 60_000


def digits(value: float | Decimal) -> str:
    """Three digits that count, with thousands separated and without an exponent."""
    # Read back as decimals: those of a tiny price are not 0.
    return f"{Decimal(f'{value:.3g}').normalize():,f}"


def compact(value: float | Decimal) -> str:
    """Three digits, and K, M, B or T for thousands and more: `12.3K`."""
    exact = Decimal(value)
    for begins, size, letter in SIZES:
        if abs(exact) >= begins * ROUNDS_UP:
            return f"{digits(exact / size)}{letter}"
    return digits(exact)


def sol(value: float | None) -> str:
    """SOL in three digits."""
    return UNKNOWN if value is None else f"{compact(value)} SOL"


def percent(share: float | Decimal, *, signed: bool = False) -> str:
    """A share of one as percent."""
    shown = compact(Decimal(share) * 100)
    return f"{'+' if signed and share > 0 else ''}{shown} %"


def count(number: int, of: str) -> str:
    """`1 buy`, `1,200 buys`."""
    return f"{number:,} {of}{'' if number == 1 else 's'}"


def amount(raw: int | None, decimals: int | None, unit: str = "") -> str:
    """Raw units in whole ones; as raw units where nobody said how many decimals there are."""
    if raw is None:
        return UNKNOWN
    if decimals is None or not 0 <= decimals <= DECIMALS_MAX:
        return f"{compact(raw)} raw units"
    return f"{compact(Decimal(raw).scaleb(-decimals))} {unit}".rstrip()


def quote_amount(raw: int | None, quote_mint: str | None, decimals: int | None = None) -> str:
    """What was paid, by the name of what it was paid with."""
    if quote_mint is None:
        return UNKNOWN
    return amount(raw, decimals_of(quote_mint, decimals), name_of(quote_mint))


def decimals_of(quote_mint: str, told: int | None = None) -> int | None:
    """How many decimals a quote has; those of the known ones are not left to the API."""
    if quote_mint in QUOTE_NAMES:
        return SOL_DECIMALS if quote_mint == SOL_MINT else DOLLAR_DECIMALS
    return told


def utc(time_ms: int | None) -> str:
    """A time as a date and a clock, in UTC."""
    if time_ms is None or not 0 <= time_ms <= TIME_MS_MAX:
        return "unknown time"
    return f"{datetime.fromtimestamp(time_ms // 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(time_ms: int) -> str:
    """A time of a day of which the date is said elsewhere."""
    if not 0 <= time_ms <= TIME_MS_MAX:
        return "unknown time"
    return f"{datetime.fromtimestamp(time_ms // 1_000, UTC):%H:%M:%S}"


def age(ms: int) -> str:
    """How long ago, in the largest unit of which there are two."""
    seconds = max(0, ms) // 1_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"


def when(time_ms: int | None, at_ms: int) -> str:
    """`12 s ago`; the time itself where that is long ago, as in a recording."""
    if time_ms is None:
        return UNKNOWN
    is_recent = -AHEAD_MS <= at_ms - time_ms < RECENT_MS
    return f"{age(at_ms - time_ms)} ago" if is_recent else utc(time_ms)
