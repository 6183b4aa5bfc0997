"""What history has, and what it has not: said beside everything that comes from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from pw_api.models.past import SwapView
from pw_cli.terminal.fitting import Fitting
from pw_cli.terminal.render_amounts import name_of
from pw_cli.terminal.terminal import cell
from pw_cli.terminal.trader_numbers import (
    UNKNOWN,
    amount,
    clock,
    compact,
    quote_amount,
    utc,
)
from pw_common.text.base58 import ADDRESS_CHARACTERS_MAX
from pw_common.text.plain_text import ERROR_CHARS_MAX, plain_text
from pw_common.wire.history import HistoryHead, Hole
from pw_common.wire.limits import CONFIDENCE_MIN

HOLES_SHOWN: Final = 3
BEHIND_S: Final = 1.0
SIGNATURE_CHARS_MAX: Final = 88
SIDES: Final = {"buy": "green", "sell": "red"}


def heading(text: str) -> Text:
    """The head of a part."""
    return Text(f"\n{text}", style="bold")


def reach(head: HistoryHead) -> list[str]:
    """How far history has come, and what is missing in it, a sentence each."""
    if head.swaps_since_ms is None:
        said = ["History keeps no swap yet."]
    else:
        since, until = utc(head.swaps_since_ms), utc(head.event_time_ms)
        said = [f"History keeps swaps since {since} and has come to {until}."]
    if head.behind_s >= BEHIND_S:
        said.append(f"History is {compact(head.behind_s)} s behind: the newest is not in it yet.")
    said += [f"Missing: {_hole(one)}." for one in head.holes[:HOLES_SHOWN]]
    if len(head.holes) > HOLES_SHOWN:
        said.append(f"{len(head.holes) - HOLES_SHOWN} more times are missing: see --json.")
    return said


def _hole(one: Hole) -> str:
    begin = "an unknown time" if one.first_ms is None else utc(one.first_ms)
    end = "a time that is not known yet" if one.last_ms is None else utc(one.last_ms)
    why = plain_text(one.why, ERROR_CHARS_MAX)
    return f"{begin} to {end}{f' ({why})' if why else ''}"


def notes(lines: Iterable[str], style: str = "yellow") -> list[RenderableType]:
    """Sentences below a table."""
    return [cell(one, style=style) for one in lines]


def newest_decimals(swaps: Sequence[SwapView]) -> dict[str, int]:
    """How many decimals the tokens of these swaps have."""
    return {one.mint: one.base_decimals for one in reversed(swaps)}


def swaps_table(swaps: Sequence[SwapView], *, of_wallet: bool) -> Fitting:
    """Swaps, newest first, with whole signatures; of a wallet with the token, else the trader."""
    other = "mint" if of_wallet else "trader"
    fitting = Fitting(
        "time UTC", "side", "tokens", "for", "price", "venue", other, "signature",
        numbers=("tokens", "for", "price"), whole=("time UTC", "side", other, "signature"),
    )  # fmt: skip
    for one in swaps:
        doubt = "" if one.confidence >= CONFIDENCE_MIN else " ?"
        fitting.add_row(
            Text(utc(one.event_time_ms).removesuffix(" UTC")),
            Text(f"{one.side}{doubt}", style=SIDES.get(one.side, "")),
            cell(amount(one.base_amount_raw, one.base_decimals)),
            cell(quote_amount(one.quote_amount_raw, one.quote_mint, one.quote_decimals)),
            cell(price_of(one)),
            cell(", ".join(one.venues) or UNKNOWN),
            cell(one.mint if of_wallet else one.trader, ADDRESS_CHARACTERS_MAX),
            cell(one.signature, SIGNATURE_CHARS_MAX),
        )
    return fitting


def price_of(one: SwapView) -> str:
    """What a token cost in a swap."""
    if one.price is None or one.quote_mint is None:
        return UNKNOWN
    try:
        price = Decimal(one.price)
    except InvalidOperation:
        return UNKNOWN
    return f"{compact(price)} {name_of(one.quote_mint)}" if price.is_finite() else UNKNOWN


def doubtful(swaps: Sequence[SwapView]) -> list[str]:
    """What the mark behind a side means, where one has it."""
    if all(one.confidence >= CONFIDENCE_MIN for one in swaps):
        return []
    return ["?: what was traded is not certain, and it counts in no sum (reasons: see --json)."]


def hour_of(begin_ms: int, end_ms: int) -> str:
    """The ends of an hour: the date once."""
    return f"{utc(begin_ms).removesuffix(' UTC')} to {clock(end_ms)} UTC"
