"""`pw url`: a link that opens the page in a browser, once."""

from __future__ import annotations

import argparse
import sys
from http import HTTPStatus

from pw_cli.connect.api import add_api_arguments, target_of
from pw_cli.connect.api_client import ApiClient, decoded
from pw_cli.connect.broker import BadArgument
from pw_cli.terminal.terminal import complain
from pw_common.process.clock import now_ms
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.process.token_file import new_nonce
from pw_common.text.redact import redacted_url
from pw_common.wire.login import login_url
from pw_notifier.http.exchange import Answered, NoAnswer

__all__ = ["add_arguments", "run"]

# Answered from memory, so that a broker that is away does not matter: there is no such dry run.
ASKED = "/api/v1/triggers/dry-run/none"
PROBLEM = "application/problem+json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw url`."""
    add_api_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 printed, 69 no API there, 78 a token is missing or wrong, or several systems."""
    try:
        target = target_of(args)
    except BadArgument as error:
        sys.stderr.write(f"pw url: {error}\n")
        return EXIT_CONFIG
    where = redacted_url(target.base)
    try:
        with ApiClient(target.base, target.headers) as api:
            answer = api.get(ASKED)
    except NoAnswer as error:
        complain("url", f"no API at {where} ({error}): is `pw up` running? See --api")
        return EXIT_UNAVAILABLE
    if not _is_ours(answer):
        complain("url", f"{where} is not Pocketwatcher's API (HTTP {answer.status})")
        return EXIT_UNAVAILABLE
    if answer.status == HTTPStatus.UNAUTHORIZED:
        known = "has another token" if target.token else "asks for a token, and none is known here"
        complain("url", f"the API at {where} {known}: name its file with --api-token-file")
        return EXIT_CONFIG
    if target.token is None:
        # The API of `pw up --no-token`.
        sys.stdout.write(target.base.rstrip("/") + "/\n")
        return 0
    sys.stdout.write(login_url(target.base, target.token, new_nonce(), now_ms()) + "\n")
    return 0


def _is_ours(answer: Answered) -> bool:
    kind = answer.headers.get("content-type", "")
    is_json = isinstance(decoded(answer.body), dict | list)
    return is_json and (answer.status == HTTPStatus.OK or kind.startswith(PROBLEM))
