"""The arguments of `pw`: of one command, since each imports what it needs, or of all."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Collection, Sequence
from typing import Protocol

from pw_common.process.version import VERSION


class Verb(Protocol):
    """A command: its module has `add_arguments(parser)` and `run(args) -> exit code`."""

    name: str
    module: str
    help: str


def parser_of(commands: Sequence[Verb], wanted: Collection[str | None]) -> argparse.ArgumentParser:
    """Every command by name, and the arguments of those that are `wanted`."""
    parser = argparse.ArgumentParser(
        prog="pw", description="A self-hosted real-time monitor for Solana."
    )
    parser.add_argument("--version", action="version", version=f"pw {VERSION}")
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands:
        sub = verbs.add_parser(command.name, help=command.help, description=command.help)
        if command.name in wanted:
            module = importlib.import_module(command.module)
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser
