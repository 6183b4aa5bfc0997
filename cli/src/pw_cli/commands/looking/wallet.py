"""`pw wallet ADDRESS`: what a wallet traded, what it holds by that, and its last swaps."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import partial
from typing import Final

from rich.console import Console

from pw_api.models.past import SwapsView, WalletAnswer, WalletTotalsAnswer
from pw_api.models.shapes import Token
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
from pw_cli.commands.looking.wallet_view import Traded, view
from pw_cli.connect.api import add_api_arguments
from pw_cli.terminal.terminal import complain, write_json
from pw_common.process.clock import now_ms

LIMIT: Final = 10
LIMIT_MAX: Final = 100
# Each name is a question of its own, to the detector.
NAMES_MAX: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw wallet`."""
    parser.add_argument("address", metavar="ADDRESS")
    parser.add_argument(
        "--mint", metavar="MINT", help="only this token, with the profit, first in first out"
    )
    add_limit(parser, LIMIT, LIMIT_MAX, "tokens and swaps, newest first")
    parser.add_argument("--json", action="store_true", help="print what the API answers, by part")
    add_api_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 shown, 1 it did not trade, 2 no address, 69 no API or history, 78 settings."""
    if refused("wallet", args.address, "address"):
        return EXIT_USAGE
    if args.mint is not None and refused("wallet", args.mint, "mint"):
        return EXIT_USAGE
    return looked_up(args, partial(_wallet, args))


def _wallet(args: argparse.Namespace, questions: Questions) -> int:
    parts = Parts(questions)
    seen = gathered(parts, args.address, args.mint, args.limit)
    if seen.tokens is None and seen.swaps is None:
        raise NotTold(parts.missing["tokens"])
    if not seen.is_known:
        of = f" of {args.mint}" if args.mint else ""
        complain("wallet", f"no trade{of} by {args.address} is kept")
        return EXIT_NOTHING
    if args.json:
        write_json({"wallet": args.address, **parts.raw, "missing": parts.missing})
    else:
        Console().print(view(seen, now_ms()))
    return EXIT_OK


def gathered(parts: Parts, wallet: str, mint: str | None, limit: int) -> Traded:
    """Each part of a wallet that somebody gives. Raises Away."""
    path, only = f"wallets/{wallet}", f"&mint={mint}" if mint else ""
    tokens = parts.ask("tokens", f"{path}?limit={limit}{only}", WalletAnswer, past=True)
    totals = parts.ask("totals", f"{path}/totals", WalletTotalsAnswer, past=True)
    swaps = parts.ask("swaps", f"{path}/swaps?limit={limit}{only}", SwapsView, past=True)
    mints = dict.fromkeys(one.mint for one in tokens.tokens) if tokens else {}
    return Traded(
        wallet=wallet,
        mint=mint,
        totals=totals,
        tokens=tokens,
        swaps=swaps,
        labels=labels(parts),
        names=_names(parts, mints),
        missing=parts.missing,
    )


def _names(parts: Parts, mints: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """Symbol and name of tokens, as far as the detector knows them; they are worth no failure."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for mint in list(mints)[:NAMES_MAX]:
        told = parts.ask("names", f"tokens/{mint}", Token)
        if told is None:
            break
        found[mint] = told.symbol, told.name
    parts.raw["names"] = {mint: {"symbol": one[0], "name": one[1]} for mint, one in found.items()}
    parts.missing.pop("names", None)
    return found
