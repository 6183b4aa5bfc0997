"""`pw why MINT`: each rule for a token, its values, and what keeps it from ringing."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.api import add_api_arguments, target_of
from pw_cli.broker import BadArgument
from pw_common.run import EXIT_CONFIG, EXIT_UNAVAILABLE

EXIT_OK = 0
EXIT_NOTHING = 1
EXIT_USAGE = 2
MINT = re.compile(r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")
COLOURS = {"holds": "green", "fails": "", "unknown": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw why`."""
    parser.add_argument("mint", metavar="MINT")
    add_api_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the API's answer")


def run(args: argparse.Namespace) -> int:
    """0 told, 1 the token does not trade, 2 no mint, 69 the API or the detector is away."""
    if not MINT.match(args.mint):
        sys.stderr.write(f"pw why: {args.mint[:50]!r} is not a mint: base58, 32 to 44 signs\n")
        return EXIT_USAGE
    try:
        target = target_of(args)
    except BadArgument as error:
        sys.stderr.write(f"pw why: {error}\n")
        return EXIT_CONFIG
    url = f"{target.base}/api/v1/tokens/{args.mint}/why"
    try:
        answer = httpx.get(url, headers=target.headers, timeout=10.0, trust_env=False)
    except httpx.TransportError as error:
        sys.stderr.write(f"pw why: no API at {target.base} ({type(error).__name__}): see --api\n")
        return EXIT_UNAVAILABLE
    if answer.status_code != httpx.codes.OK:
        sys.stderr.write(f"pw why: {answer.json().get('detail', answer.status_code)}\n")
        return EXIT_UNAVAILABLE
    rows: list[dict[str, Any]] = answer.json()
    if args.json:
        sys.stdout.buffer.write(msgspec.json.encode(rows) + b"\n")
    elif rows:
        show(rows, Console())
    else:
        sys.stderr.write(f"pw why: {args.mint} did not trade within the last hour\n")
    return EXIT_OK if rows else EXIT_NOTHING


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """A table: a rule a row."""
    table = Table("rule", "verdict", "conditions", "what keeps it", box=None, pad_edge=False)
    for row in rows:
        verdict = str(row["verdict"])
        conditions = "\n".join(_condition(one) for one in row["conditions"])
        colour = COLOURS[verdict]
        shown = f"[{colour}]{verdict}[/{colour}]" if colour else verdict
        table.add_row(row["trigger"], shown, conditions, "\n".join(row["blocked"]) or "-")
    console.print(table)


def _condition(one: dict[str, Any]) -> str:
    value = f"unknown ({one['unknown']})" if one["value"] is None else f"{one['value']:g}"
    return f"{one['text']}: {value}"
