"""`pw programs …`: users' own entries beside the shipped table, and new layouts acknowledged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from pw_cli.connect.api import add_api_arguments, target_of
from pw_cli.connect.api_client import ApiClient, decoded
from pw_cli.connect.broker import BadArgument
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_common.documents.document import BadDocument, read_file
from pw_common.documents.programs import (
    PROGRAMS_BYTES_MAX,
    BadPrograms,
    read_acknowledged,
    read_programs,
    read_programs_file,
)
from pw_common.process.clock import now_ms
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.text.base58 import is_address
from pw_common.text.redact import redacted_url
from pw_notifier.http.exchange import Answered, NoAnswer
from pw_parser.core.decode.programs import BUILT_IN, KINDS

EXIT_OK: Final = 0
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
PROGRAMS: Final = "/api/v1/programs"
ACKNOWLEDGED: Final = "/api/v1/programs/acknowledged"

Entries = list[dict[str, Any]]
Change = Callable[[dict[str, Any]], Entries]


class Refused(Exception):
    """The API gave another answer than the one that was asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw programs`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser(
        "list", help="your entries; --json is what `pw parse --programs` takes"
    )
    listed.add_argument("--all", action="store_true", help="the shipped ones too")
    listed.add_argument("--json", action="store_true", help="print the document")
    add = verbs.add_parser("add", help="add a program, or replace its entry")
    add.add_argument("id", metavar="ID", help="the program's address")
    add.add_argument("name", metavar="NAME")
    add.add_argument("kind", metavar="KIND", choices=sorted(KINDS), help=", ".join(sorted(KINDS)))
    add.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="TAG=INDEX[,INDEX]",
        help="where an instruction names the user among its accounts, from 0; TAG: the bytes that "
        "it begins with in hex, or * for all others",
    )
    add.add_argument("--takes", action="append", default=[], metavar="HEX", help="trades only so")
    add.add_argument("--launches", action="store_true", help="new tokens are traded here")
    add.add_argument("--source", default="", metavar="TEXT", help="where you have it from")
    # Its name in every other document; `remove` was it here.
    remove = verbs.add_parser("rm", aliases=["remove"], help="remove your entries")
    remove.add_argument("programs", nargs="+", metavar="ID|NAME")
    load = verbs.add_parser("import", help="add all entries of a document (JSON or YAML)")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--replace", action="store_true", help="and remove all others")
    seen = verbs.add_parser("acknowledge", help="no longer show what is new in a venue's layout")
    seen.add_argument("venue", metavar="VENUE", help="as the status names it")
    seen.add_argument("tags", nargs="*", metavar="TAG", help="in hex; none: all that are new now")
    seen.add_argument("--remove", action="store_true", help="show them again")
    for verb in (add, remove, load, seen):
        verb.add_argument("--note", default="", metavar="TEXT", help="kept in the history")
    for verb in (listed, add, remove, load, seen):
        add_api_arguments(verb)


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused or nothing to do, 2 wrong usage, 69 no API, 78 settings."""
    where = ""
    try:
        path, change = _change(args)
        target = target_of(args)
        where = redacted_url(target.base)
        with ApiClient(target.base, target.headers) as api:
            now = _answer(api.get(path), where)
            if change is None:
                return _list(now, with_shipped=args.all, as_json=args.json)
            body = {"revision": now["revision"], "entries": change(now), "note": args.note}
            made = _answer(api.put(path, body), where)
    except BadArgument as error:
        complain("programs", error)
        return EXIT_CONFIG
    except BadDocument as error:
        for one in error.errors:
            complain("programs", one)
        return EXIT_USAGE
    except (Refused, OSError) as error:
        complain("programs", error)
        return EXIT_REFUSED
    except NoAnswer as error:
        complain("programs", f"no API at {where} ({error}): see --api")
        return EXIT_UNAVAILABLE
    sys.stdout.write(f"revision {made['revision']}: {len(body['entries'])} entries\n")
    return EXIT_OK


def _change(args: argparse.Namespace) -> tuple[str, Change | None]:
    """Which document a verb changes, and how.

    Raises:
        BadDocument, OSError: what was given cannot be used.
    """
    if args.verb == "list":
        return PROGRAMS, None
    if args.verb == "acknowledge":
        return ACKNOWLEDGED, lambda now: _acknowledged(now, args)
    if args.verb in {"rm", "remove"}:
        return PROGRAMS, lambda now: _without(now["entries"], args.programs)
    if args.verb == "add":
        table = read_programs([_given(args)])
    else:
        table = read_programs_file(read_file(args.file, PROGRAMS_BYTES_MAX))
    shipped = {one.name: one.id for one in BUILT_IN.by_key.values()}
    if taken := [one.name for one in table.entries if shipped.get(one.name, one.id) != one.id]:
        raise BadPrograms([f"name: {name} is the shipped {shipped[name]}" for name in taken])
    new: Entries = msgspec.to_builtins(table.entries)
    if args.verb == "import" and args.replace:
        return PROGRAMS, lambda _now: new
    ids = {one["id"] for one in new}
    return PROGRAMS, lambda now: [*(o for o in now["entries"] if o["id"] not in ids), *new]


def _given(args: argparse.Namespace) -> dict[str, Any]:
    users: dict[str, list[int]] = {}
    for one in args.user:
        tag, _, indexes = one.partition("=")
        try:
            users[tag] = [int(index) for index in indexes.split(",")]
        except ValueError:
            raise BadPrograms([f"--user {one}: allowed: TAG=INDEX[,INDEX]"]) from None
    return {
        "id": args.id,
        "name": args.name,
        "kind": args.kind,
        "users": users,
        "takes": args.takes,
        "launches": args.launches,
        "source": args.source,
        "date": f"{datetime.fromtimestamp(now_ms() / 1000, tz=UTC):%Y-%m-%d}",
    }


def _without(entries: Entries, programs: list[str]) -> Entries:
    known = {one[field] for one in entries for field in ("id", "name")}
    if unknown := [one for one in programs if one not in known]:
        what = "an entry of yours; shipped ones stay" if is_address(unknown[0]) else "an entry"
        raise Refused(f"{', '.join(unknown)}: not {what}: see pw programs list")
    return [one for one in entries if not {one["id"], one["name"]} & set(programs)]


def _acknowledged(now: dict[str, Any], args: argparse.Namespace) -> Entries:
    entries: Entries = now["entries"]
    known = [one["tag"] for one in entries if one["program"] == args.venue]
    new = [tag for one in now["new"] if one["venue"] == args.venue for tag in one["tags"]]
    tags = args.tags or (known if args.remove else new)
    if not tags:
        names = sorted({one["venue"] for one in now["new"]})
        raise Refused(
            f"nothing new in {args.venue}; new is something in: {', '.join(names) or '-'}"
        )
    chosen = [{"program": args.venue, "tag": tag} for tag in dict.fromkeys(tags)]
    kept = [one for one in entries if one not in chosen]
    changed = kept if args.remove else [*kept, *chosen]
    read_acknowledged(changed)
    return changed


def _answer(answer: Answered, where: str) -> dict[str, Any]:
    found = decoded(answer.body)
    if answer.status != HTTPStatus.OK:
        detail = found.get("detail") if isinstance(found, dict) else None
        raise Refused(detail or f"{where} answered {answer.status}")
    if not isinstance(found, dict) or "revision" not in found:
        raise Refused(f"{where} is not Pocketwatcher's API")
    return found


def _list(now: dict[str, Any], *, with_shipped: bool, as_json: bool) -> int:
    own: Entries = now["entries"]
    ids = {one["id"] for one in own}
    shipped = [one for one in BUILT_IN.by_key.values() if one.id not in ids and with_shipped]
    if as_json:
        rest = [_plain(one._asdict()) for one in shipped]
        write_json({**now, "entries": [*own, *rest]})
        return EXIT_OK
    table = Table("name", "kind", "id", "date", box=None, pad_edge=False)
    for column in table.columns[:3]:
        column.overflow = "fold"
    for one in own:
        table.add_row(*(cell(one[field]) for field in ("name", "kind", "id", "date")))
    for program in shipped:
        row = (program.name, program.kind, program.id, f"{program.date} shipped")
        table.add_row(*map(cell, row))
    console = Console()
    console.print(table if table.rows else "No entries of yours; --all shows the shipped ones.")
    if why := now.get("unusable"):
        complain("programs", why)
    return EXIT_OK


def _plain(program: dict[str, Any]) -> dict[str, Any]:
    return {**program, "takes": [one.hex() for one in program["takes"]]}
