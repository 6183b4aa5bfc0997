"""`pw tokens`: HOT and WARM tokens as the detector sees them now; `--follow` goes on looking."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from pw_api.models.shapes import Token, TokensAnswer
from pw_cli.commands.looking.asking import (
    EXIT_OK,
    EXIT_USAGE,
    Away,
    NotTold,
    Questions,
    Told,
    add_limit,
    looked_up,
)
from pw_cli.commands.looking.readings import COLD, gapped, is_cold, reading, state_of, title_of
from pw_cli.connect.api import add_api_arguments
from pw_cli.terminal.fitting import Fitting
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_cli.terminal.trader_numbers import sol, when
from pw_cli.terminal.viewer import Viewer
from pw_common.process.clock import now_ms
from pw_common.text.base58 import ADDRESS_CHARACTERS_MAX

LIMIT: Final = 20
LIMIT_MAX: Final = 1_000
EVERY_S: Final = 2.0
NONE: Final = {
    None: "no token trades",
    "HOT": "no token is HOT: none has an open episode, or fired within the hour",
    "WARM": "no token is WARM: none trades",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw tokens`."""
    parser.add_argument(
        "--state", choices=("HOT", "WARM"), type=str.upper, help="only these (default: both)"
    )
    add_limit(parser, LIMIT, LIMIT_MAX, "tokens, HOT ones first, then the most bought")
    parser.add_argument(
        "--follow", action="store_true", help="draw it again and again, until q or Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print each token as a line of JSON")
    add_api_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 shown, also where there is none; 2 wrong usage, 69 no API, 78 settings."""
    console = Console()
    if args.follow and (args.json or not console.is_terminal):
        complain("tokens", "--follow is for a terminal, without --json")
        return EXIT_USAGE
    if args.follow:
        return looked_up(args, partial(_follow, args, console))
    return looked_up(args, partial(_once, args, console))


def _once(args: argparse.Namespace, console: Console, api: Questions) -> int:
    told = _asked(args, api)
    if args.json:
        for one in told.raw["tokens"]:
            write_json(one)
    elif told.value.tokens:
        console.print(_view(told.value))
    else:
        sys.stderr.write(f"pw tokens: {NONE[args.state]}\n")
    return EXIT_OK


def _follow(args: argparse.Namespace, console: Console, api: Questions) -> int:
    # The first answer must come; later ones may fail while the API restarts.
    last = shown = _followed(args, api)
    try:
        with Viewer(console) as viewer:
            viewer.show(shown)
            while viewer.wait(EVERY_S):
                try:
                    last = shown = _followed(args, api)
                except (Away, NotTold) as error:
                    shown = Group(cell(error, style="bold red"), last)
                viewer.show(shown)
    except KeyboardInterrupt:
        pass
    # The terminal has its screen back: what was shown last stays on it.
    console.print(shown)
    return EXIT_OK


def _followed(args: argparse.Namespace, api: Questions) -> RenderableType:
    answer = _asked(args, api).value
    return _view(answer) if answer.tokens else Text(NONE[args.state])


def _asked(args: argparse.Namespace, api: Questions) -> Told[TokensAnswer]:
    state = f"&state={args.state}" if args.state else ""
    return api.ask(f"tokens?limit={args.limit}{state}", TokensAnswer)


def _view(answer: TokensAnswer) -> Group:
    return view(answer.tokens, now_ms(), has_more=answer.next_after is not None)


def view(tokens: Sequence[Token], at_ms: int, *, has_more: bool = False) -> Group:
    """A row for each token; blocks where the terminal is narrow."""
    fitting = Fitting(
        "token", "state", "price", "cap", "bought 5m", "buyers 5m", "buys/sells 5m", "last trade",
        "missing", "mint",
        numbers=("price", "cap", "bought 5m", "buyers 5m", "buys/sells 5m"),
        whole=("last trade", "mint"),
    )  # fmt: skip
    for one in tokens:
        fitting.add_row(
            title_of(one.mint, one.symbol, one.name),
            state_of(one),
            cell(reading(one, "price_sol", sol)),
            cell(reading(one, "market_cap_sol", sol)),
            cell(reading(one, "buy_volume_sol_5m", sol)),
            cell(reading(one, "unique_buyers_5m")),
            cell(reading(one, "buy_sell_ratio_5m")),
            cell(when(one.last_trade_ms, at_ms)),
            cell(gapped(one), style="yellow"),
            cell(one.mint, ADDRESS_CHARACTERS_MAX),
        )
    notes = [COLD] if is_cold(tokens) else []
    if has_more:
        notes.append("There are more: --limit N.")
    notes.append("pw token MINT shows one of them.")
    return Group(fitting, *(Text(one, style="dim") for one in notes))
