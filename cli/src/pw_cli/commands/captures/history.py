"""`pw history`: questions to the Parquet that history keeps, and what is damaged made again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from pw_cli.commands.captures import rebuild, verify_hours
from pw_cli.offline.bad_input import BadInput
from pw_cli.parquet.locked import MEMORY, locked
from pw_cli.parquet.places import MANIFEST, default_folder, files_of
from pw_cli.parquet.question import BadQuestion, TooSlow, ask
from pw_cli.parquet.written import as_csv, as_json, as_table
from pw_cli.terminal.terminal import complain

EXIT_OK: Final = 0
EXIT_TOO_SLOW: Final = 1
EXIT_USAGE: Final = 2
LIMIT: Final = 100
LIMIT_MAX: Final = 1_000_000
TIMEOUT_S: Final = 60.0
TIMEOUT_S_MAX: Final = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw history`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    query = verbs.add_parser("query", help="ask the Parquet files in SQL (DuckDB's), read-only")
    query.add_argument("sql", metavar="SQL", help="one SELECT over swaps, minutes and tokens")
    query.add_argument(
        "--dir",
        type=Path,
        action="append",
        metavar="PATH",
        help=f"a data folder, a folder of Parquet, its {MANIFEST}, or a file; may come several "
        "times (default: what the pw up that runs here keeps)",
    )
    query.add_argument(
        "--limit",
        type=int,
        default=LIMIT,
        metavar="ROWS",
        help=f"at most this many rows (default {LIMIT}, at most {LIMIT_MAX:,})",
    )
    query.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help=f"give up after this many seconds (default {TIMEOUT_S:g}); memory: {MEMORY}",
    )
    rebuild.add_arguments(
        verbs.add_parser("rebuild", help="make history's file again, from Parquet or captures")
    )
    verify_hours.add_arguments(
        verbs.add_parser("verify", help="hold each exported file to its manifest, and mend it")
    )
    form = query.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="an object a line, raw amounts as text")
    form.add_argument("--csv", action="store_true", help="a line of names, then a line a row")


def run(args: argparse.Namespace) -> int:
    """0 answered, 1 it took too long, 2 SQL, arguments or files that cannot be used."""
    if args.verb == "rebuild":
        return rebuild.run(args)
    if args.verb == "verify":
        return verify_hours.run(args)
    problem = _problem(args)
    if problem:
        complain("history", f"query: {problem}")
        return EXIT_USAGE
    try:
        files = files_of(args.dir or [default_folder()])
        with locked(files) as connection:
            answer = ask(connection, args.sql, rows_max=args.limit, timeout_s=args.timeout)
    except (BadInput, BadQuestion) as error:
        complain("history", f"query: {error}")
        return EXIT_USAGE
    except TooSlow as error:
        complain("history", f"query: {error}")
        return EXIT_TOO_SLOW
    if args.json:
        as_json(answer)
    elif args.csv:
        as_csv(answer, sys.stdout)
    else:
        as_table(answer, Console())
    if answer.is_cut:
        complain("history", f"query: cut after {args.limit} rows: --limit shows more")
    return EXIT_OK


def _problem(args: argparse.Namespace) -> str:
    if not 1 <= args.limit <= LIMIT_MAX:
        return f"--limit {args.limit}: allowed: 1 to {LIMIT_MAX}"
    # Written so that what is not a number is refused.
    if not 0 < args.timeout <= TIMEOUT_S_MAX:
        return f"--timeout {args.timeout:g}: allowed: more than 0, at most {TIMEOUT_S_MAX:g}"
    return ""
