"""Line one of every message: which token, which rule, price, market cap, change. Pure.

A phone's lock screen shows about 80 characters, so all of it is within the first 80. What is
unknown is left out. Prices and caps are in SOL: nothing here knows what SOL is worth.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final

from pw_common.text.plain_text import CUT
from pw_common.wire.alerts import Alert

LOCK_SCREEN_CHARS: Final = 80
BETWEEN: Final = " · "
# A long symbol makes room for its rule down to this.
SYMBOL_CHARS_MIN: Final = 10
# The first of these that is known.
CHANGES: Final = ("5m", "1h")
# From four zeros on they are counted, as charts do: 0.0₅123.
ZEROS_MIN: Final = 4
SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# Beyond what these can say, a number is garbage, and must not be long either.
THOUSANDS: Final = (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3))


def headline(alert: Alert) -> str:
    """What an alert is about, and its figures.

    `WIF: whale · 0.0₅123 SOL · cap 1.23k SOL · 5m +45 %`. The title alone where no figure is known;
    else the title is cut so that 80 characters hold all.
    """
    figures = [
        _price(alert.price_sol),
        _cap(alert.market_cap_sol),
        _change(alert.metrics),
    ]
    known = BETWEEN.join(one for one in figures if one)
    if not known:
        return alert.title
    title = _cut_title(alert, LOCK_SCREEN_CHARS - len(known) - len(BETWEEN))
    return f"{title}{BETWEEN}{known}"


def price_text(price_sol: float) -> str:
    """A price in SOL with three digits that count."""
    if price_sol >= 1e6:
        return f"{compact(price_sol)} SOL"
    if price_sol >= 1_000:
        return f"{price_sol:,.0f} SOL"
    return f"{_small(price_sol)} SOL"


def _small(value: float) -> str:
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    zeros = -int(exponent) - 1
    if zeros < ZEROS_MIN:
        return _three(value)
    digits = mantissa.replace(".", "").rstrip("0")
    return f"0.0{str(zeros).translate(SUBSCRIPTS)}{digits}"


def compact(value: float) -> str:
    """A number with three digits that count, in thousands, millions or billions."""
    for unit, size in THOUSANDS:
        # What would round to a thousand is one.
        if abs(value) >= 0.9995 * size:
            return f"{_three(value / size)}{unit}"
    return _three(value) if abs(value) >= 1 else _small(value)


def percent(share: float) -> str:
    """A change with its sign, in percent: 1 is +100 %."""
    value = share * 100
    if abs(value) >= 10_000:
        return f"{'+' if value > 0 else ''}{compact(value)} %"
    shown = f"{value:+,.1f}" if abs(value) < 9.95 else f"{value:+,.0f}"
    return "0 %" if shown in {"+0.0", "-0.0"} else f"{shown.removesuffix('.0')} %"


def _three(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value:.2e}"
    shown = format(Decimal(f"{value:.2e}"), "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _price(price_sol: float | None) -> str:
    return price_text(price_sol) if price_sol and _is_amount(price_sol) else ""


def _cap(cap_sol: float | None) -> str:
    return f"cap {compact(cap_sol)} SOL" if cap_sol and _is_amount(cap_sol) else ""


def _is_amount(value: float) -> bool:
    return isfinite(value) and value > 0


def _change(metrics: dict[str, float | None]) -> str:
    for span in CHANGES:
        share = metrics.get(f"price_change_{span}")
        if share is not None and isfinite(share):
            return f"{span} {percent(share)}"
    return ""


def _cut_title(alert: Alert, chars_max: int) -> str:
    """The title within so many characters: a long symbol gives way first, then the rule's end."""
    title = alert.title
    if len(title) <= chars_max or not title:
        return title
    symbol, found, rule = title.partition(": ")
    if found and len(symbol) > SYMBOL_CHARS_MIN:
        room = max(SYMBOL_CHARS_MIN, chars_max - len(rule) - len(found))
        title = f"{_cut(symbol, room)}{found}{rule}"
    return _cut(title, chars_max)


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + CUT
