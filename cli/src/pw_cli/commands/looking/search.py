"""`pw search TEXT`: tokens, wallets and signatures that a text names, and what to type next."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Final
from urllib.parse import urlencode

from rich.console import Console, Group
from rich.text import Text

from pw_api.models.past import SearchAnswer
from pw_cli.commands.looking.asking import (
    EXIT_NOTHING,
    EXIT_OK,
    EXIT_USAGE,
    Questions,
    add_limit,
    looked_up,
)
from pw_cli.commands.looking.past import heading, notes, reach
from pw_cli.commands.looking.readings import to_type
from pw_cli.connect.api import add_api_arguments
from pw_cli.terminal.fitting import Fitting
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_common.text.plain_text import LABEL_CHARS_MAX
from pw_common.wire.history import Found

LIMIT: Final = 20
LIMIT_MAX: Final = 100
# As the API takes it.
TEXT_CHARS_MAX: Final = 100
SIGNATURE_CHARS_MAX: Final = 88
NEXT: Final = {
    "token": "pw token {}",
    "wallet": "pw wallet {}",
    "signature": "pw history query \"SELECT * FROM swaps WHERE signature = '{}'\"",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw search`."""
    parser.add_argument(
        "text",
        nargs="+",
        metavar="TEXT",
        help="a part of a name or symbol, how an address begins, or a whole signature",
    )
    add_limit(parser, LIMIT, LIMIT_MAX, "matches")
    parser.add_argument("--json", action="store_true", help="print each match as a line of JSON")
    add_api_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 found, 1 nothing found, 2 no such text, 69 no API or history, 78 settings."""
    text = " ".join(args.text).strip()
    if why := _problem(text):
        complain("search", why)
        return EXIT_USAGE
    return looked_up(args, partial(_search, args, text))


def _problem(text: str) -> str:
    if not 1 <= len(text) <= TEXT_CHARS_MAX:
        return f"TEXT has {len(text)} characters; allowed: 1 to {TEXT_CHARS_MAX}"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "TEXT has bytes in it that are no text"
    return ""


def _search(args: argparse.Namespace, text: str, api: Questions) -> int:
    told = api.ask(f"search?{urlencode({'q': text, 'limit': args.limit})}", SearchAnswer)
    answer = told.value
    if args.json:
        for one in told.raw["found"]:
            write_json(one)
    elif answer.found:
        Console().print(view(answer))
    if not answer.found:
        complain("search", " ".join((f"nothing is found by {text!r}.", *reach(answer.history))))
    return EXIT_OK if answer.found else EXIT_NOTHING


def view(answer: SearchAnswer) -> Group:
    """A row for each match, and a command for the first of each kind."""
    fitting = Fitting("kind", "symbol", "name", "address", whole=("kind", "address"))
    for one in answer.found:
        fitting.add_row(
            cell(one.kind, LABEL_CHARS_MAX),
            cell(one.symbol, LABEL_CHARS_MAX),
            cell(one.name, LABEL_CHARS_MAX),
            cell(one.address, SIGNATURE_CHARS_MAX),
        )
    more = answer.is_cut or answer.next_skip is not None
    said = ["There are more: --limit N, or a longer text."] if more else []
    said += reach(answer.history)[1:]
    return Group(
        fitting,
        *notes(said),
        heading("To go on"),
        *(Text(f"  {one}") for one in _next(answer.found)),
    )


def _next(found: Sequence[Found]) -> list[str]:
    first = {one.kind: one.address for one in reversed(found)}
    return [line for kind in NEXT if kind in first for line in to_type(NEXT[kind], first[kind])]
