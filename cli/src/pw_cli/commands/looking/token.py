"""`pw token MINT`: one token, with the transactions behind its numbers.

What the detector knows is shown where history is away, and the other way round.
"""

from __future__ import annotations

import argparse
from collections import Counter
from functools import partial
from typing import Final

from rich.console import Console

from pw_api.models.past import BuyersAnswer, CandlesAnswer, SearchAnswer, SwapsView
from pw_api.models.shapes import AlertsAnswer, Token, WhyRow
from pw_cli.commands.looking.asking import (
    EXIT_NOTHING,
    EXIT_OK,
    EXIT_USAGE,
    NotTold,
    Parts,
    Questions,
    add_limit,
    labels,
    looked_up,
    refused,
)
from pw_cli.commands.looking.hour_chart import hour_before
from pw_cli.commands.looking.token_view import Seen, view
from pw_cli.connect.api import add_api_arguments
from pw_cli.terminal.render_amounts import QUOTE_NAMES
from pw_cli.terminal.terminal import complain, write_json
from pw_common.process.clock import now_ms
from pw_common.wire.history import SOL_MINT

LIMIT: Final = 10
LIMIT_MAX: Final = 100
ALERTS: Final = 3
UNNAMED: Final = (None, None)
QUOTES: Final = {name: mint for mint, name in QUOTE_NAMES.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw token`."""
    parser.add_argument("mint", metavar="MINT")
    add_limit(parser, LIMIT, LIMIT_MAX, "buyers and swaps")
    parser.add_argument(
        "--quote",
        choices=tuple(QUOTES),
        help="buyers and candles for this (default: what its last swaps were mostly paid with)",
    )
    parser.add_argument("--json", action="store_true", help="print what the API answers, by part")
    add_api_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 shown, be it that history is away; 1 not known, 2 no mint, 69 no answer, 78 settings."""
    if refused("token", args.mint, "mint"):
        return EXIT_USAGE
    return looked_up(args, partial(_token, args))


def _token(args: argparse.Namespace, questions: Questions) -> int:
    parts = Parts(questions)
    seen = gathered(parts, args.mint, args.limit, QUOTES.get(args.quote))
    if not seen.is_known:
        if away := [parts.missing[one] for one in ("token", "swaps") if one in parts.missing]:
            raise NotTold("; ".join(dict.fromkeys(away)))
        complain("token", f"{args.mint} is not known: it did not trade since history began")
        return EXIT_NOTHING
    if args.json:
        write_json({"mint": args.mint, **parts.raw, "missing": parts.missing})
    else:
        Console().print(view(seen, now_ms()))
    return EXIT_OK


def gathered(parts: Parts, mint: str, limit: int, quote: str | None) -> Seen:
    """Each part of a token that somebody gives. Raises Away."""
    path = f"tokens/{mint}"
    token = parts.ask("token", path, Token)
    rules = parts.ask("why", f"{path}/why", list[WhyRow])
    alerts = parts.ask("alerts", f"alerts?mint={mint}&limit={ALERTS}", AlertsAnswer)
    swaps = parts.ask("swaps", f"{path}/swaps?limit={limit}", SwapsView, past=True)
    quote = quote or _mostly(swaps)
    buyers = parts.ask(
        "buyers", f"{path}/buyers?quote={quote}&limit={limit}", BuyersAnswer, past=True
    )
    begin_ms, end_ms = hour_before(swaps.history.event_time_ms if swaps else 0)
    candles = parts.ask(
        "candles",
        f"{path}/candles?quote={quote}&first_ms={begin_ms}&end_ms={end_ms}",
        CandlesAnswer,
        past=True,
    )
    return Seen(
        mint=mint,
        names=_names(parts, mint, token),
        quote_mint=quote,
        token=token,
        rules=rules,
        alerts=alerts.alerts if alerts else [],
        swaps=swaps,
        buyers=buyers,
        candles=candles,
        labels=labels(parts),
        missing=parts.missing,
    )


def _names(parts: Parts, mint: str, token: Token | None) -> tuple[str | None, str | None]:
    """Symbol and name; history knows those that the detector has forgotten."""
    if token is not None and (token.symbol or token.name):
        return token.symbol, token.name
    found = parts.ask("found", f"search?q={mint}&limit=1", SearchAnswer, past=True)
    return next(((one.symbol, one.name) for one in found.found), UNNAMED) if found else UNNAMED


def _mostly(swaps: SwapsView | None) -> str:
    """What most of the last swaps were paid with; SOL where nothing is known."""
    quotes = (
        Counter(one.quote_mint for one in swaps.swaps if one.quote_mint) if swaps else Counter()
    )
    return next((quote for quote, _ in quotes.most_common(1)), SOL_MINT)
