"""`pw why MINT`: each rule for a token, its values, and what keeps it from firing.

A running system is asked; with files, what the same rules say at the end of these.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pw_cli.connect.api import add_api_arguments, target_of
from pw_cli.connect.api_client import ApiClient, decoded
from pw_cli.connect.broker import BadArgument
from pw_cli.offline.kinds import HELP
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.text.redact import redacted_url
from pw_notifier.http.exchange import NoAnswer

EXIT_OK = 0
EXIT_NOTHING = 1
EXIT_USAGE = 2
MINT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
COLOURS = {"holds": "green", "fails": "", "unknown": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw why`."""
    parser.add_argument("mint", metavar="MINT")
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help=f"explain the token at the end of these instead of in a running system: {HELP}",
    )
    parser.add_argument(
        "--triggers", type=Path, metavar="YAML", help="with files: rules (default: the shipped)"
    )
    parser.add_argument(
        "--programs", type=Path, metavar="FILE", help="with captures: as `pw parse` takes it"
    )
    add_api_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print what the API answers")


def run(args: argparse.Namespace) -> int:
    """0 printed, 1 the token does not trade, 2 no mint or files, 69 no API or detector."""
    if not MINT.fullmatch(args.mint):
        sys.stderr.write(f"pw why: {args.mint[:50]!r} is not a mint: base58, 32 to 44 characters\n")
        return EXIT_USAGE
    if args.files:
        return _of_files(args)
    if args.triggers is not None or args.programs is not None:
        complain("why", "--triggers and --programs are for files; a running system has its own")
        return EXIT_USAGE
    where = ""
    try:
        target = target_of(args)
        where = redacted_url(target.base)
        with ApiClient(target.base, target.headers) as api:
            answer = api.get(f"/api/v1/tokens/{args.mint}/why")
    except BadArgument as error:
        complain("why", error)
        return EXIT_CONFIG
    except NoAnswer as error:
        complain("why", f"no API at {where} ({error}): see --api")
        return EXIT_UNAVAILABLE
    rows = decoded(answer.body)
    if answer.status != HTTPStatus.OK:
        detail = rows.get("detail") if isinstance(rows, dict) else None
        complain("why", detail or f"{where} answered {answer.status}")
        return EXIT_UNAVAILABLE
    if not isinstance(rows, list):
        complain("why", f"{where} is not Pocketwatcher's API")
        return EXIT_UNAVAILABLE
    return _said(args, rows, "the last hour")


def _of_files(args: argparse.Namespace) -> int:
    """What the rules say of the token after the last slot of the files."""
    # They take a while to load, and a question to a running system needs none of them.
    from pw_cli.commands.captures.backtest import rules_of  # noqa: PLC0415
    from pw_cli.offline.programs_file import programs_of  # noqa: PLC0415
    from pw_cli.offline.reading import UNREADABLE, complain_of, slots_shown  # noqa: PLC0415
    from pw_detection.detector import Detector  # noqa: PLC0415
    from pw_parser.core.decode.programs import BUILT_IN  # noqa: PLC0415

    try:
        rules = rules_of(args.triggers)
        programs = BUILT_IN if args.programs is None else programs_of(args.programs)
        detector = Detector(rules)
        for closed in slots_shown("why", args.files, programs):
            detector.step(closed)
    except UNREADABLE as error:
        complain_of("why", error)
        return EXIT_USAGE
    rows = msgspec.to_builtins(detector.why(args.mint))
    return _said(args, rows, "the last hour of these files")


def _said(args: argparse.Namespace, rows: list[dict[str, Any]], when: str) -> int:
    if args.json:
        write_json(rows)
    elif rows:
        show(rows, Console())
    else:
        sys.stderr.write(f"pw why: {args.mint} did not trade within {when}\n")
    return EXIT_OK if rows else EXIT_NOTHING


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """A table: a rule a row."""
    table = Table("rule", "verdict", "conditions", "what keeps it", box=None, pad_edge=False)
    for row in rows:
        verdict = str(row["verdict"])
        # Text, not markup: a condition and a reason are what somebody wrote.
        conditions = _lines(_condition(one) for one in row["conditions"])
        shown = cell(verdict, style=COLOURS.get(verdict, ""))
        table.add_row(cell(row["trigger"]), shown, conditions, _lines(row["blocked"] or ["-"]))
    console.print(table)


def _lines(lines: Iterable[str]) -> Text:
    return Text("\n".join(plain_text(one, SENTENCE_CHARS_MAX) for one in lines))


def _condition(one: dict[str, Any]) -> str:
    value = f"unknown ({one['unknown']})" if one["value"] is None else f"{one['value']:g}"
    return f"{one['text']}: {value}"
