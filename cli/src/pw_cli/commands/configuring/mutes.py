"""`pw mutes list|add|rm`: tokens that never fire, and wallets whose trades do not count."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any, Final

from pw_cli.entries.entries import EXIT_OK, EXIT_USAGE, Asking, Entry, add_common, asked, say, show
from pw_cli.terminal.terminal import complain
from pw_common.process.clock import now_ms

MUTES: Final = "/api/v1/mutes"
HOUR_MS: Final = 3_600_000
HOURS_MAX: Final = 10 * 366 * 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw mutes`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="your mutes and the shipped ones below them")
    listed.add_argument("--json", action="store_true", help="print the document")
    add = verbs.add_parser("add", help="mute a token, or with --of wallet a trader")
    add.add_argument("address", metavar="ADDRESS")
    add.add_argument("--of", choices=("token", "wallet"), default="token")
    add.add_argument("--reason", default="", metavar="TEXT", help="shown wherever it takes effect")
    add.add_argument(
        "--hours", type=float, metavar="H", help="a token: for this many hours (default: for good)"
    )
    add.add_argument("--replace", action="store_true", help="replace an earlier entry")
    remove = verbs.add_parser("rm", help="unmute, also what the shipped list mutes")
    remove.add_argument("addresses", nargs="+", metavar="ADDRESS")
    remove.add_argument("--of", choices=("token", "wallet"), help="where it is muted as both")
    add_common(add, remove)
    add_common(listed, notes=False)


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 wrong usage, 69 no API, 78 settings."""
    if args.verb == "add" and args.hours is not None and not 0 < args.hours <= HOURS_MAX:
        complain("mutes", f"add: --hours {args.hours:g}: allowed: more than 0, at most {HOURS_MAX}")
        return EXIT_USAGE
    if args.verb == "add" and args.hours is not None and args.of == "wallet":
        complain("mutes", "add: --hours is for tokens: a wallet is muted for good")
        return EXIT_USAGE
    return asked(args, lambda api: _VERBS[args.verb](api, args))


def _list(api: Asking, args: argparse.Namespace) -> int:
    now = api.get(MUTES)
    own = {(one["of"], one["address"]): one for one in now["entries"]}
    rows = [_row(one, "yours") for one in own.values()]
    # A mute for a time does not replace a shipped one.
    own = {key: one for key, one in own.items() if one["until_ms"] is None}
    rows += [
        _row(one, "shipped")
        for one in now.get("shipped", [])
        if (one["of"], one["address"]) not in own
    ]
    return show(args, now, ("address", "of", "until", "reason", "whose"), rows, "Nothing is muted.")


def _row(one: Entry, whose: str) -> list[Any]:
    if one.get("muted") is False:
        return [one["address"], one["of"], "not muted", one["reason"], whose]
    until = one["until_ms"]
    shown = "-" if until is None else f"{datetime.fromtimestamp(until / 1000, UTC):%Y-%m-%d %H:%M}"
    return [one["address"], one["of"], shown, one["reason"], whose]


def _add(api: Asking, args: argparse.Namespace) -> int:
    until = None if args.hours is None else now_ms() + int(args.hours * HOUR_MS)
    entry = {"address": args.address, "of": args.of, "reason": args.reason, "until_ms": until}
    revision = api.add(MUTES, entry, replace=args.replace)
    return say(revision, f"{args.of} {args.address} muted")


def _remove(api: Asking, args: argparse.Namespace) -> int:
    for address in dict.fromkeys(args.addresses):
        revision = api.remove(MUTES, address, args.of)
        say(revision, f"{address} not muted")
    return EXIT_OK


_VERBS: Final = {"list": _list, "add": _add, "rm": _remove}
