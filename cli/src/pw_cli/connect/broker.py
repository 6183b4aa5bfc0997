"""How the commands that read the broker reach it, and how they end."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypedDict

from pw_cli.connect.runs import live_runs
from pw_cli.terminal.terminal import complain
from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.jetstream.connection import connect
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.process.log import setup
from pw_common.process.version import VERSION
from pw_common.text.redact import keep_secret, redacted_url, shown_path

NATS_DEFAULT = "nats://127.0.0.1:4222"
CONNECT_S = 5.0
SECRET_BYTES_MAX = 4_096

Work = Callable[[Bus], Awaitable[int]]


class BadArgument(ValueError):
    """Something given on the command line or in the environment cannot be used."""


def add_broker_argument(parser: argparse.ArgumentParser) -> None:
    """`--nats URL`: by default PW_NATS_URL, then the broker of the `pw up` that runs here."""
    parser.add_argument(
        "--nats",
        metavar="URL",
        default=os.environ.get("PW_NATS_URL") or None,
        help=f"the broker (default: PW_NATS_URL, else that of the running `pw up`, "
        f"else {NATS_DEFAULT})",
    )


def broker_of(args: argparse.Namespace) -> str:
    """The broker that the arguments mean.

    Raises:
        BadArgument: several systems run here and none was chosen.
    """
    if args.nats is not None:
        return str(args.nats)
    runs = live_runs()
    if len(runs) > 1:
        names = ", ".join(f"{redacted_url(run.nats)} (API {run.api})" for run in runs)
        raise BadArgument(f"{len(runs)} systems run here; choose one with --nats: {names}")
    if runs and not runs[0].nats:
        raise BadArgument(
            "the system that runs here uses a broker whose address holds a password: "
            "set PW_NATS_URL as it was set there, or use --nats"
        )
    return runs[0].nats if runs else NATS_DEFAULT


def with_broker(
    args: argparse.Namespace, work: Work, *, on_trouble: Callable[[str], None] = lambda _what: None
) -> int:
    """Connect, do the work, close; one clear line and 69 or 78 where that fails."""
    try:
        return asyncio.run(_with_broker(broker_of(args), work, on_trouble))
    except (BrokerAway, ApiRefused) as error:
        complain(args.command, error)
        return EXIT_UNAVAILABLE
    except BadArgument as error:
        complain(args.command, error)
        return EXIT_CONFIG


async def _with_broker(url: str, work: Work, on_trouble: Callable[[str], None]) -> int:
    # The command itself says what went wrong; the connection's log would say it twice.
    log = setup("pw", VERSION, level="error", format_="text")
    bus = await connect(
        url,
        "cli",
        log,
        wait_s=CONNECT_S,
        on_trouble=on_trouble,
        **credentials(os.environ),
    )
    try:
        return await work(bus)
    finally:
        await bus.close()


class Credentials(TypedDict):
    """What a broker may ask for, and what its certificate is checked with."""

    user: str | None
    password: str | None
    ca_file: Path | None


def credentials(environ: Mapping[str, str]) -> Credentials:
    """From the environment, as every service reads them.

    Raises:
        BadArgument: a file that cannot be read.
    """
    password, ca_file = environ.get("PW_NATS_PASSWORD_FILE"), environ.get("PW_NATS_CA_FILE")
    if ca_file and not os.access(ca_file, os.R_OK):
        raise BadArgument(f"PW_NATS_CA_FILE: there is no readable file at {shown_path(ca_file)}")
    return Credentials(
        user=environ.get("PW_NATS_USER") or None,
        password=read_secret(Path(password), "PW_NATS_PASSWORD_FILE") if password else None,
        ca_file=Path(ca_file) if ca_file else None,
    )


def read_secret(path: Path, name: str) -> str:
    """A secret's file, stripped.

    Raises:
        BadArgument: naming the setting and the file.
    """
    try:
        with path.open("rb") as file:
            found = file.read(SECRET_BYTES_MAX).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        # The error itself would name the file again, and that may be the secret.
        why = getattr(error, "strerror", None) or type(error).__name__
        raise BadArgument(f"{name}: cannot read {shown_path(path)}: {why}") from error
    keep_secret(found)
    return found
