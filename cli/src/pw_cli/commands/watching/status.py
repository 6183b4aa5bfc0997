"""`pw status`: what the system does right now, from the API, as a live table."""

from __future__ import annotations

import argparse
from http import HTTPStatus
from typing import Any

from rich.console import Console, Group, RenderableType

from pw_cli.connect.api import add_api_arguments, target_of
from pw_cli.connect.api_client import ApiClient, decoded
from pw_cli.connect.broker import BadArgument
from pw_cli.terminal.status_tables import tables
from pw_cli.terminal.terminal import cell, complain, plain_tree, write_json
from pw_cli.terminal.viewer import Viewer
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.text.redact import redacted_url
from pw_notifier.http.exchange import NoAnswer

EVERY_S = 1.0
EXIT_NOT_WELL = 1


class NoStatus(RuntimeError):
    """The API did not give a status; says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw status`."""
    add_api_arguments(parser)
    parser.add_argument("--once", action="store_true", help="print once and end")
    parser.add_argument("--json", action="store_true", help="print the answer once, as JSON")


def run(args: argparse.Namespace) -> int:
    """0 running, 1 in another mode, 69 no answer, 78 a token that cannot be read."""
    try:
        target = target_of(args)
        where = redacted_url(target.base)
        with ApiClient(target.base, target.headers) as api:
            console = Console()
            if args.json:
                status = fetch(api, where)
                write_json(status)
                return _code(status)
            if args.once or not console.is_terminal:
                status = fetch(api, where)
                console.print(tables(plain_tree(status)))
                return _code(status)
            return _live(api, where, console)
    except NoStatus as error:
        complain("status", error)
        return EXIT_UNAVAILABLE
    except BadArgument as error:
        complain("status", error)
        return EXIT_CONFIG


def fetch(api: ApiClient, where: str) -> dict[str, Any]:
    """One status.

    Raises:
        NoStatus: no API there, or an answer that is not a status.
    """
    try:
        answer = api.get("/api/v1/status")
    except NoAnswer as error:
        raise NoStatus(
            f"no API at {where} ({error}): is `pw up` running, and is PW_API_URL right?"
        ) from error
    body = decoded(answer.body)
    if not isinstance(body, dict):
        raise NoStatus(f"{where} is not Pocketwatcher's API (HTTP {answer.status})")
    if answer.status != HTTPStatus.OK:
        hint = " See --api-token-file." if answer.status == HTTPStatus.UNAUTHORIZED else ""
        raise NoStatus(f"HTTP {answer.status}: {body.get('detail', '')}{hint}")
    return body


def _live(api: ApiClient, where: str, console: Console) -> int:
    # The first answer must come; later ones may fail while the API restarts.
    status = fetch(api, where)
    code = _code(status)
    shown: RenderableType = tables(plain_tree(status))
    try:
        with Viewer(console) as viewer:
            viewer.show(shown)
            while viewer.wait(EVERY_S):
                try:
                    status = fetch(api, where)
                    code = _code(status)
                    shown = tables(plain_tree(status))
                except NoStatus as error:
                    code = EXIT_UNAVAILABLE
                    note = cell(error, style="bold red")
                    shown = Group(note, tables(plain_tree(status)))
                viewer.show(shown)
    except KeyboardInterrupt:
        pass
    # The terminal has its screen back: what was shown last stays on it.
    console.print(shown)
    return code


def _code(status: dict[str, Any]) -> int:
    return 0 if status.get("mode") == "running" else EXIT_NOT_WELL
