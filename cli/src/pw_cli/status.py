"""`pw status`: what the system does right now, from the API, as a live table."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import httpx
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pw_cli.api import add_api_arguments, target_of
from pw_cli.broker import BadArgument
from pw_cli.status_tables import tables
from pw_common.run import EXIT_CONFIG, EXIT_UNAVAILABLE

EVERY_S = 1.0
TIMEOUT_S = 5.0
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
        with httpx.Client(
            base_url=target.base, headers=target.headers, timeout=TIMEOUT_S, trust_env=False
        ) as client:
            console = Console()
            if args.json:
                status = fetch(client)
                sys.stdout.buffer.write(msgspec.json.encode(status) + b"\n")
                return _code(status)
            if args.once or not console.is_terminal:
                status = fetch(client)
                console.print(tables(status))
                return _code(status)
            return _live(client, console)
    except NoStatus as error:
        sys.stderr.write(f"pw status: {error}\n")
        return EXIT_UNAVAILABLE
    except BadArgument as error:
        sys.stderr.write(f"pw status: {error}\n")
        return EXIT_CONFIG


def fetch(client: httpx.Client) -> dict[str, Any]:
    """One status.

    Raises:
        NoStatus: no API there, or an answer that is not a status.
    """
    try:
        answer = client.get("/api/v1/status")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoStatus(
            f"no API at {client.base_url} ({type(error).__name__}): "
            "is `pw up` running, and is PW_API_URL right?"
        ) from error
    try:
        body = msgspec.json.decode(answer.content)
    except msgspec.MsgspecError:
        body = None
    if not isinstance(body, dict):
        raise NoStatus(f"{client.base_url} is not Pocketwatcher's API (HTTP {answer.status_code})")
    if answer.status_code != httpx.codes.OK:
        hint = " See --api-token-file." if answer.status_code == httpx.codes.UNAUTHORIZED else ""
        raise NoStatus(f"HTTP {answer.status_code}: {body.get('detail', '')}{hint}")
    return body


def _live(client: httpx.Client, console: Console) -> int:
    # The first answer must come; later ones may fail while the API restarts.
    status = fetch(client)
    code = _code(status)
    try:
        with Live(tables(status), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(EVERY_S)
                try:
                    status = fetch(client)
                    code = _code(status)
                    live.update(tables(status), refresh=True)
                except NoStatus as error:
                    code = EXIT_UNAVAILABLE
                    note = Text(str(error), style="bold red")
                    live.update(Group(tables(status), note), refresh=True)
    except KeyboardInterrupt:
        return code


def _code(status: dict[str, Any]) -> int:
    return 0 if status.get("mode") == "running" else EXIT_NOT_WELL
