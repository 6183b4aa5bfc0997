"""What the commands share that change rules, lists, mutes and channels entry by entry."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from pw_cli.connect.api import add_api_arguments, target_of
from pw_cli.connect.api_client import ApiClient, decoded
from pw_cli.connect.broker import BadArgument
from pw_cli.terminal.terminal import cell, complain, write_json
from pw_common.documents.document import BadDocument
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.text.redact import redacted_url
from pw_notifier.http.exchange import Answered, NoAnswer

EXIT_OK: Final = 0
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
# Somebody else may change the same document at the same time.
TRIES: Final = 3
# A column that is narrower than this, and than what is in it, is hard to read.
READABLE: Final = 20
GAP: Final = 2
INDENT: Final = 2
# The API's path to the one entry that was sent: a person has sent no other.
_PATH: Final = re.compile(r"entry(?:\.| \([^)]*\): |: )")

Entry = dict[str, Any]


class Refused(Exception):
    """What was asked for is not done; a sentence for each reason."""

    def __init__(self, *why: str) -> None:
        super().__init__("; ".join(why))
        self.why = why


class Asking:
    """The API, asked by a command; raises Refused for what it refuses."""

    def __init__(self, api: ApiClient, where: str, note: str = "") -> None:
        self._api = api
        self._where = where
        self._note = note

    def get(self, path: str) -> dict[str, Any]:
        """An answer."""
        return self.body_of(self._api.get(path))

    def post(self, path: str, body: Any = None, *, deadline_s: float = 10.0) -> dict[str, Any]:
        """An answer to a body."""
        return self.body_of(self._api.post(path, body, deadline_s=deadline_s))

    def cancel(self, path: str) -> None:
        """End what goes on there."""
        self._api.delete(path)

    def add(self, path: str, entry: Entry, *, replace: bool) -> int:
        """Add an entry to the newest document; its new revision."""
        return self.edit(path, lambda _: entry, replace=replace)

    def edit(
        self, path: str, make: Callable[[dict[str, Any]], Entry], *, replace: bool = True
    ) -> int:
        """Add an entry made from the newest document, however often that changes meanwhile."""

        def added(now: dict[str, Any]) -> Answered:
            body = {"entry": make(now), "note": self._note, "replace": replace}
            answer = self._api.post(path, {**body, "revision": now["revision"]})
            if answer.status == HTTPStatus.CONFLICT and not _is_late(answer):
                why = "there is such an entry already: --replace replaces it"
                raise Refused(why)
            return answer

        return self._changed(path, added)

    def remove(self, path: str, name: str, of: str | None = None) -> int:
        """Remove an entry; the document's new revision."""
        query = {"note": self._note} | ({"of": of} if of else {})

        def gone(now: dict[str, Any]) -> Answered:
            said = urlencode({**query, "revision": now["revision"]})
            return self._api.delete(f"{path}/{quote(name, safe='')}?{said}")

        return self._changed(path, gone)

    def put(self, path: str, make: Callable[[dict[str, Any]], dict[str, Any]]) -> int:
        """Change the whole document; its new revision."""

        def changed(now: dict[str, Any]) -> Answered:
            body = {"revision": now["revision"], "note": self._note, **make(now)}
            return self._api.put(path, body)

        return self._changed(path, changed)

    def _changed(self, path: str, send: Callable[[dict[str, Any]], Answered]) -> int:
        """Send a change of the present document; made again if the document changed meanwhile."""
        for _ in range(TRIES - 1):
            answer = send(self.get(path))
            if answer.status != HTTPStatus.CONFLICT or not _is_late(answer):
                return int(self.body_of(answer)["revision"])
        return int(self.body_of(send(self.get(path)))["revision"])

    def body_of(self, answer: Answered) -> dict[str, Any]:
        """An answer's body. Raises Refused."""
        found = decoded(answer.body)
        if not isinstance(found, dict):
            raise Refused(f"{self._where} is not Pocketwatcher's API")
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return found
        errors = found.get("errors") or [{"what": found.get("detail", "")}]
        why = [_PATH.sub("", str(one.get("what", "")), count=1) for one in errors]
        raise Refused(*(one or f"{self._where} answered {answer.status}" for one in why))


def asked(args: argparse.Namespace, work: Callable[[Asking], int]) -> int:
    """Do the work at the API that is meant: 1 refused, 2 wrong usage, 69 no API, 78 settings."""
    where = ""
    try:
        target = target_of(args)
        where = redacted_url(target.base)
        with ApiClient(target.base, target.headers) as api:
            return work(Asking(api, where, getattr(args, "note", "")))
    except BadArgument as error:
        complain(args.command, error)
        return EXIT_CONFIG
    except BadDocument as error:
        for one in error.errors:
            complain(args.command, one)
        return EXIT_USAGE
    except Refused as error:
        for one in error.why:
            complain(args.command, one)
        return EXIT_REFUSED
    except OSError as error:
        complain(args.command, error)
        return EXIT_REFUSED
    except NoAnswer as error:
        complain(args.command, f"no API at {where} ({error}): see --api")
        return EXIT_UNAVAILABLE


def add_common(*verbs: argparse.ArgumentParser, notes: bool = True) -> None:
    """Where the API is; for commands that change something also a note for the history."""
    for verb in verbs:
        if notes:
            verb.add_argument("--note", default="", metavar="TEXT", help="kept in the history")
        add_api_arguments(verb)


def say(revision: int, what: str) -> int:
    """What was done, and what the document is now."""
    sys.stdout.write(f"revision {revision}: {what}\n")
    return EXIT_OK


def show(
    args: argparse.Namespace, now: dict[str, Any], columns: tuple[str, ...], rows: list[list[Any]],
    none: str,
) -> int:  # fmt: skip
    """What there is, as wide as the terminal, and below it what is wrong with what is stored.

    With `--json` it is the document itself.
    """
    if args.json:
        write_json(now)
        return EXIT_OK
    console = Console()
    if not rows:
        console.print(none)
    elif _fits(columns, rows, console.width):
        table = Table(*columns, box=None, pad_edge=False)
        table.columns[0].no_wrap = True
        for column in table.columns[1:]:
            column.overflow = "fold"
        for row in rows:
            table.add_row(*map(cell, row))
        console.print(table)
    else:
        for first, *rest in rows:
            console.print(cell(first), overflow="fold")
            named = zip(columns[1:], rest, strict=True)
            body_of = [f"{name} {one}" for name, one in named if one not in {"", "-"}]
            console.print(Padding(cell(", ".join(body_of)), (0, 0, 0, INDENT)))
    if why := now.get("unusable"):
        complain(args.command, why)
    return EXIT_OK


def _fits(columns: tuple[str, ...], rows: list[list[Any]], width: int) -> bool:
    """Whether names and addresses fit whole, and the rest has room enough to be read."""
    widest = [
        max(len(name), *(len(str(row[at])) for row in rows)) for at, name in enumerate(columns)
    ]
    needed = widest[0] + sum(min(one, READABLE) + GAP for one in widest[1:])
    return needed <= width


def must_be_there(wanted: list[str], known: list[str], what: str) -> None:
    """Raises Refused, naming each that is not."""
    if unknown := [one for one in wanted if one not in known]:
        there = ", ".join(known) or "none"
        raise Refused(f"no {what} {', '.join(unknown)}; there are: {there}")


def _is_late(answer: Answered) -> bool:
    found = decoded(answer.body)
    return isinstance(found, dict) and "is not the newest" in str(found.get("detail", ""))
