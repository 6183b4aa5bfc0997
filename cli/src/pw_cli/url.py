"""`pw url`: a link that opens the status page in a browser, once."""

from __future__ import annotations

import argparse
import sys

from pw_cli.api import add_api_arguments, target_of
from pw_cli.broker import BadArgument
from pw_common.clock import now_ms
from pw_common.login import login_url
from pw_common.run import EXIT_CONFIG
from pw_common.token_file import new_nonce

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw url`."""
    add_api_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 printed, 78 a token that cannot be read, or several systems."""
    try:
        target = target_of(args)
    except BadArgument as error:
        sys.stderr.write(f"pw url: {error}\n")
        return EXIT_CONFIG
    if target.token is None:
        # The API of `pw up --no-token`, or one whose token is not known here.
        sys.stderr.write("pw url: no token found; name its file with --api-token-file\n")
        sys.stdout.write(target.base.rstrip("/") + "/\n")
        return 0
    sys.stdout.write(login_url(target.base, target.token, new_nonce(), now_ms()) + "\n")
    return 0
