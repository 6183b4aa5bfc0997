"""How the commands that ask the API find it and its token."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pw_cli.connect.broker import BadArgument
from pw_cli.connect.runs import Run, live_runs
from pw_common.process.token_file import BadToken, read_token

API_DEFAULT = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Target:
    """An API, and the token that it is given; None where none is known."""

    base: str
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with every request."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


def add_api_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the API is, and the token that it asks for."""
    parser.add_argument(
        "--api",
        metavar="URL",
        default=os.environ.get("PW_API_URL") or None,
        help=f"the API (default: PW_API_URL, else the running `pw up`, else {API_DEFAULT})",
    )
    token_file = os.environ.get("PW_API_TOKEN_FILE")
    parser.add_argument(
        "--api-token-file",
        "--token-file",
        type=Path,
        metavar="FILE",
        default=Path(token_file) if token_file else None,
        help="the API's token (default: PW_API_TOKEN_FILE, else that of the running `pw up`)",
    )


def target_of(args: argparse.Namespace) -> Target:
    """The API that the arguments mean.

    Raises:
        BadArgument: a token that cannot be read, or several systems and no choice.
    """
    run = _run_of(args.api)
    base = args.api or (run.api if run else API_DEFAULT)
    path: Path | None = args.api_token_file
    if path is None and run is not None and run.token_file is not None:
        path = Path(run.token_file)
    try:
        return Target(base, None if path is None else read_token(path))
    except BadToken as error:
        raise BadArgument(f"--api-token-file: {error}") from error


def _run_of(api: str | None) -> Run | None:
    """The run here that is meant. Its token goes to its own address and to no other."""
    runs = live_runs()
    if api is not None:
        runs = [run for run in runs if _address(run.api) == _address(api)]
    if len(runs) > 1:
        names = ", ".join(run.api for run in runs)
        raise BadArgument(f"{len(runs)} systems run here; choose one with --api: {names}")
    return runs[0] if runs else None


def _address(url: str) -> tuple[str, str]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.scheme.lower(), parts.netloc.lower().replace("localhost", "127.0.0.1")
