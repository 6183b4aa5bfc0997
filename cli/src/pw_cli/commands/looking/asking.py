"""How these commands ask the API: a part that nobody gives is said, and the rest is shown."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from pw_cli.connect.api import target_of
from pw_cli.connect.api_client import ApiClient, decoded
from pw_cli.connect.broker import BadArgument
from pw_cli.terminal.terminal import complain
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.text.base58 import is_address
from pw_common.text.redact import redacted_url
from pw_detection.rules.lists import WatchLists
from pw_notifier.http.exchange import Answered, NoAnswer

T = TypeVar("T")
EXIT_OK: Final = 0
EXIT_NOTHING: Final = 1
EXIT_USAGE: Final = 2
# Longer than the API waits for history.
DEADLINE_S: Final = 40.0
SHOWN: Final = 50


class Away(Exception):
    """There is no API to ask, or it does not let this command in; says what to do."""


class NotTold(Exception):
    """The API is there, and does not answer this; its own words."""


class Told(NamedTuple, Generic[T]):
    """An answer: as it came, and what it means."""

    raw: Any
    value: T


class Questions:
    """One API, asked for one thing after another."""

    def __init__(self, api: ApiClient, where: str) -> None:
        self._api = api
        self._where = where

    def ask(self, path: str, kind: type[T]) -> Told[T]:
        """What is at a path below `/api/v1`.

        Raises:
            Away: no API, or none of ours, or it wants another token.
            NotTold: no answer to this.
        """
        try:
            answer = self._api.get(f"/api/v1/{path}", deadline_s=DEADLINE_S)
        except NoAnswer as error:
            raise Away(f"no API at {self._where} ({error}): see --api") from error
        found = decoded(answer.body)
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer, found)
        try:
            # Raw amounts are text, since they may exceed what others read exactly.
            return Told(found, msgspec.convert(found, kind, strict=False))
        except (msgspec.ValidationError, RecursionError) as error:
            raise Away(f"{self._where} is not Pocketwatcher's API ({error})") from error

    def _refusal(self, answer: Answered, found: Any) -> Away | NotTold:
        detail = found.get("detail") if isinstance(found, dict) else None
        why = str(detail) if detail else f"{self._where} answered {answer.status}"
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return Away(f"{why} See --api-token-file.")
        return NotTold(why)


class Parts:
    """Answers by name, and why some are missing. What history does not give is asked once."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self.raw: dict[str, Any] = {}
        self.missing: dict[str, str] = {}
        self._history = ""

    def ask(self, name: str, path: str, kind: type[T], *, past: bool = False) -> T | None:
        """One part; None where it is missing. Raises Away."""
        if past and self._history:
            self.missing[name] = self._history
            return None
        try:
            told = self._questions.ask(path, kind)
        except NotTold as error:
            self.missing[name] = str(error)
            if past:
                self._history = str(error)
            return None
        self.raw[name] = told.raw
        return told.value


def labels(parts: Parts) -> dict[str, str]:
    """Who is on the watch list, by address: the label, or without one of what it is watched.

    Raises:
        Away: no API.
    """
    told = parts.ask("watchlists", "watchlists", WatchLists)
    return {one.address: one.label or one.of for one in told.entries} if told else {}


def looked_up(args: argparse.Namespace, work: Callable[[Questions], int]) -> int:
    """Do the work at the API that is meant: 69 no API, or not the answer; 78 settings."""
    try:
        target = target_of(args)
        with ApiClient(target.base, target.headers) as api:
            return work(Questions(api, redacted_url(target.base)))
    except BadArgument as error:
        complain(args.command, error)
        return EXIT_CONFIG
    except (Away, NotTold) as error:
        complain(args.command, error)
        return EXIT_UNAVAILABLE


def refused(command: str, address: str, what: str) -> bool:
    """Whether this is no address, which is then said."""
    if is_address(address):
        return False
    complain(command, f"{address[:SHOWN]!r} is no {what}: 32 bytes in base58, 32 to 44 characters")
    return True


def add_limit(parser: argparse.ArgumentParser, default: int, most: int, what: str) -> None:
    """`--limit N`, from 1 to `most`."""

    def limit(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"allowed: 1 to {most}")
        return value

    parser.add_argument(
        "--limit",
        type=limit,
        default=default,
        metavar="N",
        help=f"how many {what}: 1 to {most} (default {default})",
    )
