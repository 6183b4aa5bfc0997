"""A wallet on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from pw_api.models.past import SwapsView, WalletAnswer, WalletTotalsAnswer
from pw_cli.commands.looking.past import (
    doubtful,
    heading,
    notes,
    reach,
    swaps_table,
)
from pw_cli.commands.looking.readings import title_of, to_type
from pw_cli.terminal.fitting import Fitting
from pw_cli.terminal.render_amounts import name_of
from pw_cli.terminal.terminal import cell
from pw_cli.terminal.trader_numbers import amount, quote_amount, utc, when
from pw_common.text.base58 import ADDRESS_CHARACTERS_MAX
from pw_common.text.plain_text import LABEL_CHARS_MAX, plain_text
from pw_common.wire.history import HistoryHead, WalletToken

NO_PROFIT: Final = (
    "Got less spent is no profit: what it holds still is not sold, and may be worth something."
)
BELOW: Final = "A net below 0: it had tokens before, or was sent some."
RAW: Final = (
    "Raw units: a token's decimals are not known where neither its creation nor a swap is kept."
)


class Traded(NamedTuple):
    """What was answered about a wallet; None, and a reason in `missing`, for what was not."""

    wallet: str
    # The one token that was asked for; None for all.
    mint: str | None
    totals: WalletTotalsAnswer | None
    tokens: WalletAnswer | None
    swaps: SwapsView | None
    labels: Mapping[str, str]
    # Symbol and name by mint.
    names: Mapping[str, tuple[str | None, str | None]]
    missing: Mapping[str, str]

    @property
    def is_known(self) -> bool:
        """Whether it traded, as far as that is kept."""
        tokens = self.tokens is not None and bool(self.tokens.tokens)
        return tokens or (self.swaps is not None and bool(self.swaps.swaps))

    @property
    def head(self) -> HistoryHead | None:
        """How far history had come, by the answer with all holes."""
        answer = self.tokens or self.swaps
        return answer.history if answer else None


def view(seen: Traded, at_ms: int) -> Group:
    """All of it, part by part, and at the end what to type next."""
    parts: list[RenderableType] = [Text(seen.wallet, style="bold")]
    if label := seen.labels.get(seen.wallet):
        parts.append(Text(f"on the watch list: {plain_text(label, LABEL_CHARS_MAX)}"))
    parts += [*_totals(seen), *_tokens(seen, at_ms), *_swaps(seen)]
    parts += notes(f"Not shown: {why}" for why in dict.fromkeys(seen.missing.values()))
    if seen.head is not None:
        parts += notes(reach(seen.head))
    parts += [heading("To go on"), *(Text(f"  {one}") for one in _next(seen))]
    return Group(*parts)


def _totals(seen: Traded) -> Iterable[RenderableType]:
    if seen.totals is None or not seen.totals.totals:
        return
    yield heading("In all, by what was paid with")
    fitting = Fitting(
        "quote", "tokens", "buys", "sells", "spent", "got", "first UTC", "last UTC",
        numbers=("tokens", "buys", "sells", "spent", "got"), whole=("first UTC", "last UTC"),
    )  # fmt: skip
    for one in seen.totals.totals:
        fitting.add_row(
            cell(_quote(one.quote_mint)),
            cell(f"{one.tokens:,}"),
            cell(f"{one.buys:,}"),
            cell(f"{one.sells:,}"),
            cell(quote_amount(one.spent_raw, one.quote_mint)),
            cell(quote_amount(one.received_raw, one.quote_mint)),
            Text(utc(one.first_ms).removesuffix(" UTC")),
            Text(utc(one.last_ms).removesuffix(" UTC")),
        )
    yield fitting
    yield Text(NO_PROFIT, style="dim")


def _tokens(seen: Traded, at_ms: int) -> Iterable[RenderableType]:
    if seen.tokens is None or not seen.tokens.tokens:
        return
    yield heading("Tokens, the last traded first")
    fitting = Fitting(
        "token", "quote", "net", "spent", "got", "buys", "sells", "last trade", "label", "mint",
        numbers=("net", "spent", "got", "buys", "sells"), whole=("last trade", "mint"),
    )  # fmt: skip
    for one in seen.tokens.tokens:
        fitting.add_row(
            title_of(one.mint, *seen.names.get(one.mint, (one.symbol or None, one.name or None))),
            cell(_quote(one.quote_mint)),
            cell(amount(one.net_raw, one.base_decimals)),
            cell(quote_amount(one.spent_raw, one.quote_mint)),
            cell(quote_amount(one.received_raw, one.quote_mint)),
            cell(f"{one.buys:,}"),
            cell(f"{one.sells:,}"),
            cell(when(one.last_ms, at_ms)),
            cell(seen.labels.get(one.mint, ""), LABEL_CHARS_MAX),
            cell(one.mint, ADDRESS_CHARACTERS_MAX),
        )
    yield fitting
    for one in seen.tokens.tokens:
        yield from notes(_profit(one, one.base_decimals), style="")
    rows = seen.tokens.tokens
    said = [BELOW] if any(one.net_raw < 0 for one in rows) else []
    said += [RAW] if any(one.base_decimals is None for one in rows) else []
    said += ["There are more tokens: --limit N."] if seen.tokens.next_before else []
    yield from notes(said, style="dim")


def _profit(one: WalletToken, decimals: int | None) -> list[str]:
    """First in first out, where one token was asked for: what is known, and what is not."""
    if one.held_raw is None and one.realized_raw is None and one.unknown_sold_raw is None:
        return []
    quote = _quote(one.quote_mint)
    realized = quote_amount(one.realized_raw, one.quote_mint)
    said = [f"Profit for {quote}, first in first out, of the swaps that are kept: {realized}."]
    if one.held_raw is not None:
        cost = quote_amount(one.held_cost_raw, one.quote_mint)
        said.append(f"Of what it bought it holds {amount(one.held_raw, decimals)}, for {cost}.")
    if one.unknown_sold_raw:
        sold = amount(one.unknown_sold_raw, decimals)
        said.append(f"Unknown: it sold {sold} of which no purchase is kept; no profit counts them.")
    return said


def _swaps(seen: Traded) -> Iterable[RenderableType]:
    if seen.swaps is None:
        return
    yield heading("Last swaps")
    if not seen.swaps.swaps:
        yield Text("none is kept any more", style="dim")
        return
    yield swaps_table(seen.swaps.swaps, of_wallet=True)
    yield from notes(doubtful(seen.swaps.swaps))


def _quote(mint: str | None) -> str:
    return "unknown" if mint is None else plain_text(name_of(mint))


def _next(seen: Traded) -> Iterable[str]:
    mints = [one.mint for one in seen.tokens.tokens] if seen.tokens else []
    if seen.mint is None:
        yield from to_type(f"pw wallet {seen.wallet} --mint {{}}", *mints[:1])
    yield from to_type("pw token {}", *mints[:1])
    if seen.wallet not in seen.labels:
        yield f"pw watch add {seen.wallet} LABEL"
    yield f"pw wallet {seen.wallet} --json"
