"""A token on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pw_api.models.past import BuyersAnswer, CandlesAnswer, SwapsView
from pw_api.models.shapes import StoredAlert, Token, WhyRow
from pw_cli.commands.looking.hour_chart import HourChart
from pw_cli.commands.looking.past import (
    doubtful,
    heading,
    newest_decimals,
    notes,
    reach,
    swaps_table,
)
from pw_cli.commands.looking.readings import (
    COLD,
    gapped,
    is_cold,
    reading,
    state_of,
    supply,
    title_of,
    to_type,
    window,
)
from pw_cli.terminal.fitting import Fitting
from pw_cli.terminal.render_amounts import name_of
from pw_cli.terminal.terminal import cell
from pw_cli.terminal.trader_numbers import amount, percent, quote_amount, sol, utc, when
from pw_common.text.base58 import ADDRESS_CHARACTERS_MAX
from pw_common.text.plain_text import LABEL_CHARS_MAX, SENTENCE_CHARS_MAX, plain_text
from pw_common.wire.history import TokenBuyer

ID_CHARS_MAX: Final = 64
VERDICTS: Final = {"holds": "green", "fails": "", "unknown": "yellow"}
KINDS: Final = {"opened": "", "escalated": " (grows)", "closed": " (ended)"}


class Seen(NamedTuple):
    """What was answered about a token; None, and a reason in `missing`, for what was not."""

    mint: str
    # Symbol and name.
    names: tuple[str | None, str | None]
    quote_mint: str
    token: Token | None
    rules: Sequence[WhyRow] | None
    alerts: Sequence[StoredAlert]
    swaps: SwapsView | None
    buyers: BuyersAnswer | None
    candles: CandlesAnswer | None
    labels: Mapping[str, str]
    missing: Mapping[str, str]

    @property
    def is_known(self) -> bool:
        """Whether anybody knows anything of it."""
        told = self.token
        facts = any(self.names) or (told is not None and any((told.last_trade_ms, told.creator)))
        traded = self.swaps is not None and bool(self.swaps.swaps)
        bought = self.buyers is not None and bool(self.buyers.buyers)
        return facts or traded or bought or bool(self.alerts)


def view(seen: Seen, at_ms: int) -> Group:
    """All of it, part by part, and at the end what to type next."""
    parts: list[RenderableType] = [_title(seen), _facts(seen, at_ms)]
    if seen.token is not None and is_cold([seen.token]):
        parts.append(Text(COLD, style="dim"))
    parts += [*_rules(seen), *_alerts(seen), *_past(seen)]
    parts += notes(f"Not shown: {why}" for why in dict.fromkeys(seen.missing.values()))
    parts += [heading("To go on"), *(Text(f"  {one}") for one in _next(seen))]
    return Group(*parts)


def _title(seen: Seen) -> Text:
    title = title_of(seen.mint, *seen.names)
    return title if seen.token is None else title.append("  ").append_text(state_of(seen.token))


def _facts(seen: Seen, at_ms: int) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, fact in _fact_rows(seen, at_ms):
        if fact:
            grid.add_row(name, cell(fact))
    return grid


def _fact_rows(seen: Seen, at_ms: int) -> Iterable[tuple[str, str]]:
    yield "mint", seen.mint
    yield "label", seen.labels.get(seen.mint, "")
    if (token := seen.token) is None:
        return
    label = seen.labels.get(token.creator or "", "")
    yield "creator", f"{token.creator or 'unknown'}{f' ({label})' if label else ''}"
    yield "venues", ", ".join(token.venues) or "unknown"
    yield "price", reading(token, "price_sol", sol)
    yield "cap", reading(token, "market_cap_sol", sol)
    yield "supply", reading(token, "supply", supply)
    yield "5 min", window(token, "5m")
    yield "1 hour", window(token, "1h")
    yield "traded", when(token.last_trade_ms, at_ms)
    yield "missing", gapped(token)


def _rules(seen: Seen) -> Iterable[RenderableType]:
    if seen.rules is None:
        return
    yield heading("Rules")
    if not seen.rules:
        yield Text("It did not trade within the last hour.", style="dim")
        return
    fitting = Fitting("rule", "verdict", "conditions", "what keeps it")
    for row in seen.rules:
        fitting.add_row(
            cell(row.trigger, LABEL_CHARS_MAX),
            cell(row.verdict, LABEL_CHARS_MAX, VERDICTS.get(row.verdict, "")),
            _lines(
                _condition(one.text, one.value, one.unknown, row.near) for one in row.conditions
            ),
            _lines(row.blocked),
        )
    yield fitting


def _condition(text: str, value: float | None, unknown: str | None, near: Sequence[str]) -> str:
    """A condition with its value; where it fails, with how far it is from holding."""
    far = (one.removeprefix(f"{text}: ") for one in near if one.startswith(f"{text}: "))
    held = f"is {value:g}" if value is not None else (unknown or "unknown").replace("_", " ")
    return f"{text}: {next(far, held)}"


def _lines(lines: Iterable[str]) -> Text:
    return Text("; ".join(plain_text(one, SENTENCE_CHARS_MAX) for one in lines))


def _alerts(seen: Seen) -> Iterable[RenderableType]:
    if not seen.alerts:
        return
    yield heading("Last alerts")
    fitting = Fitting("fired", "rule", "price", "alert", whole=("fired", "alert"))
    for one in seen.alerts:
        fitting.add_row(
            Text(utc(one.event_time_ms)),
            cell(one.trigger.replace("_", " ") + KINDS.get(one.kind, ""), LABEL_CHARS_MAX),
            cell(sol(one.price_sol)),
            cell(one.id, ID_CHARS_MAX),
        )
    yield fitting


def _past(seen: Seen) -> Iterable[RenderableType]:
    """What history gave."""
    quote = name_of(seen.quote_mint)
    if seen.candles is not None and seen.swaps is not None:
        yield heading(f"The last hour for {quote}")
        head = seen.swaps.history
        yield HourChart(seen.candles.candles, seen.quote_mint, head.event_time_ms)
        yield from notes(["Blocks are missing within it."] if seen.candles.history.holes else [])
    if seen.buyers is not None:
        yield heading(f"Who spent most {quote} on it")
        yield _buyers(seen, seen.buyers.buyers)
    if seen.swaps is not None:
        yield heading("Last swaps")
        if seen.swaps.swaps:
            yield swaps_table(seen.swaps.swaps, of_wallet=False)
            yield from notes(doubtful(seen.swaps.swaps))
        else:
            yield Text("none is kept", style="dim")
        yield from notes(reach(seen.swaps.history))


def _buyers(seen: Seen, buyers: Sequence[TokenBuyer]) -> RenderableType:
    if not buyers:
        return Text("nobody is known", style="dim")
    decimals = newest_decimals(seen.swaps.swaps if seen.swaps else ()).get(seen.mint)
    fitting = Fitting(
        "buyer", "label", "share", "spent", "got", "bought", "kept", "buys", "sells",
        "first trade UTC",
        numbers=("share", "spent", "got", "bought", "kept", "buys", "sells"),
        whole=("buyer", "first trade UTC"),
    )  # fmt: skip
    for one in buyers:
        fitting.add_row(
            cell(one.trader, ADDRESS_CHARACTERS_MAX),
            cell(seen.labels.get(one.trader, ""), LABEL_CHARS_MAX),
            cell(_share(one.spent_raw, one.all_spent_raw)),
            cell(quote_amount(one.spent_raw, seen.quote_mint)),
            cell(quote_amount(one.received_raw, seen.quote_mint)),
            cell(amount(one.bought_raw, decimals)),
            cell(amount(one.bought_raw - one.sold_raw, decimals)),
            cell(f"{one.buys:,}"),
            cell(f"{one.sells:,}"),
            Text(utc(one.first_ms).removesuffix(" UTC")),
        )
    return fitting


def _share(spent_raw: int, whole_raw: int) -> str:
    """Of what all buyers spent; unknown where that is nothing."""
    return percent(Decimal(spent_raw) / whole_raw) if whole_raw else "unknown"


def _next(seen: Seen) -> Iterable[str]:
    yield from to_type("pw prove {}", *(one.id for one in seen.alerts[:1]))
    yield f"pw why {seen.mint}"
    buyers = seen.buyers.buyers if seen.buyers else []
    yield from to_type("pw wallet {}", *(one.trader for one in buyers[:1]))
    yield f"pw token {seen.mint} --json"
