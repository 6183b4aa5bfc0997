"""`pw watch list|add|rm`: addresses whose trades rules can count, each with a label."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from pw_cli.entries.entries import EXIT_OK, EXIT_USAGE, Asking, Entry, add_common, asked, say, show
from pw_cli.terminal.terminal import complain
from pw_common.documents.document import BadDocument, read_file
from pw_detection.rules.lists import CSV_BYTES_MAX, read_csv

WATCH: Final = "/api/v1/watchlists"
RULES: Final = "/api/v1/triggers"
OF: Final = ("wallet", "creator", "token")
NO_RULE: Final = (
    "no rule counts what is watched yet; a rule that does: "
    "pw rules add watched 'watched_buyers_5m >= 1'\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw watch`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="what is watched")
    listed.add_argument("--json", action="store_true", help="print the document")
    add = verbs.add_parser("add", help="watch an address, or all of a file")
    add.add_argument("address", nargs="?", metavar="ADDRESS")
    add.add_argument("label", nargs="?", default="", metavar="LABEL")
    add.add_argument("--of", choices=OF, default="wallet", help="what it is of (%(default)s)")
    add.add_argument("--csv", type=Path, metavar="FILE", help="`address,label` lines")
    add.add_argument("--replace", action="store_true", help="replace an earlier entry")
    remove = verbs.add_parser("rm", help="watch no more")
    remove.add_argument("addresses", nargs="+", metavar="ADDRESS")
    remove.add_argument("--of", choices=OF, help="where it is watched as more than one")
    add_common(add, remove)
    add_common(listed, notes=False)


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 wrong usage, 69 no API, 78 settings."""
    if args.verb == "add" and bool(args.address) is bool(args.csv):
        complain("watch", "add: give ADDRESS, or --csv FILE")
        return EXIT_USAGE
    return asked(args, lambda api: _VERBS[args.verb](api, args))


def _list(api: Asking, args: argparse.Namespace) -> int:
    now = api.get(WATCH)
    rows = [[one["address"], one["of"], one["label"]] for one in now["entries"]]
    return show(args, now, ("address", "of", "label"), rows, "Nothing is watched.")


def _add(api: Asking, args: argparse.Namespace) -> int:
    if args.csv is not None:
        return _load(api, args)
    entry = {"address": args.address, "of": args.of, "label": args.label}
    revision = api.add(WATCH, entry, replace=args.replace)
    code = say(revision, f"{args.of} {args.address} watched")
    if not any("watched" in text for one in api.get(RULES)["rules"] for text in one["conditions"]):
        sys.stdout.write(NO_RULE)
    return code


def _load(api: Asking, args: argparse.Namespace) -> int:
    new: list[Entry] = list(msgspec.to_builtins(read_csv(_text(args.csv), args.of)))
    by_key = {(one["of"], one["address"]): one for one in new}

    def made(now: dict[str, Any]) -> dict[str, Any]:
        left = dict(by_key)
        kept = []
        for one in now["entries"]:
            other = left.pop((one["of"], one["address"]), None)
            if other is not None and not args.replace:
                raise BadDocument([f"{one['address']}: is watched already: see --replace"])
            kept.append(other or one)
        return {"entries": [*kept, *left.values()]}

    return say(api.put(WATCH, made), f"{len(new)} addresses of {args.csv} watched")


def _text(path: Path) -> str:
    try:
        return read_file(path, CSV_BYTES_MAX).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDocument([f"{path}: not UTF-8 at byte {error.start}"]) from error


def _remove(api: Asking, args: argparse.Namespace) -> int:
    for address in dict.fromkeys(args.addresses):
        say(api.remove(WATCH, address, args.of), f"{address} watched no more")
    return EXIT_OK


_VERBS: Final = {"list": _list, "add": _add, "rm": _remove}
