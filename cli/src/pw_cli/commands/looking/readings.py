"""A token's metrics in words: its windows, its price, and what is not known of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from rich.text import Text

from pw_api.models.shapes import Token
from pw_cli.terminal.terminal import cell
from pw_cli.terminal.trader_numbers import UNKNOWN, compact, percent, sol
from pw_common.text.plain_text import LABEL_CHARS_MAX, NAME_CHARS_MAX, plain_text

SHORT: Final = 8
# Unlike three dots it is no part of an address, on any terminal.
CUT: Final = "..."
# Behind a value of a window that was not watched from its beginning.
OR_MORE: Final = "+"
COLD: Final = (
    f"{OR_MORE} and cold: the window was not watched from its beginning, so that what is counted "
    "may be more and the rest is not known."
)
# Addresses, signatures, ids of alerts.
WORD: Final = re.compile(r"[0-9A-Za-z]{1,88}", re.ASCII)
STATES: Final = {"HOT": "bold red", "WARM": "yellow"}


def reading(token: Token, metric: str, shown: Callable[[float], str] = compact) -> str:
    """A metric's value; why it has none where it has none."""
    value, why = token.metrics.get(metric), token.unknown.get(metric)
    if value is None:
        return (why or UNKNOWN).replace("_", " ")
    number, blank, unit = shown(value).partition(" ")
    return f"{number}{OR_MORE if why == 'cold' else ''}{blank}{unit}"


def change(value: float) -> str:
    """A change of price with its sign."""
    return percent(value, signed=True)


def state_of(token: Token) -> Text:
    """HOT, WARM or COLD."""
    return cell(token.state, LABEL_CHARS_MAX, STATES.get(token.state, ""))


def title_of(mint: str, symbol: str | None, name: str | None) -> Text:
    """Symbol and name as far as they are known, else how the mint begins."""
    known = [plain_text(one, NAME_CHARS_MAX) for one in (symbol, name) if one]
    return Text(" ".join(known) or f"{plain_text(mint, NAME_CHARS_MAX)[:SHORT]}{CUT}", style="bold")


def window(token: Token, span: str) -> str:
    """What was traded within a span, in a line."""
    if token.unknown.get(f"buy_count_{span}") == "no_trades":
        return "no trades"
    parts = (
        _side(token, span, "bought", "buy"),
        _side(token, span, "sold", "sell"),
        f"buys/sells {reading(token, f'buy_sell_ratio_{span}')}",
        f"price {reading(token, f'price_change_{span}', change)}",
        f"top 3 buyers {reading(token, f'top_3_buyers_volume_share_{span}', percent)}",
    )
    return ", ".join(parts)


def _side(token: Token, span: str, done: str, side: str) -> str:
    volume = reading(token, f"{side}_volume_sol_{span}", sol)
    trades = reading(token, f"{side}_count_{span}")
    wallets = reading(token, f"unique_{side}ers_{span}")
    return f"{done} {volume} in {_many(trades, 'trade')} by {_many(wallets, 'wallet')}"


def _many(number: str, of: str) -> str:
    return f"{number} {of}{'' if number == '1' else 's'}"


def supply(value: float) -> str:
    """How many tokens there are."""
    return f"{compact(value)} tokens"


def gapped(token: Token) -> str:
    """In which windows blocks are missing; empty where in none."""
    spans = token.gapped if isinstance(token.gapped, list) else []
    return f"blocks missing in {', '.join(spans)}" if spans else ""


def to_type(command: str, *words: str) -> list[str]:
    """A command for each word, as a person may paste it: only for a word that a shell leaves be."""
    return [command.format(one) for one in words if WORD.fullmatch(one)]


def is_cold(tokens: Iterable[Token]) -> bool:
    """Whether a window of one of them was not watched from its beginning."""
    return any("cold" in one.unknown.values() for one in tokens)
