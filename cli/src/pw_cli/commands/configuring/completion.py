"""`pw completion SHELL`: what makes Tab complete commands, options and files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import shtab

from pw_cli.parser import parser_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw completion`."""
    parser.add_argument(
        "shell",
        choices=shtab.SUPPORTED_SHELLS,
        help='for bash: eval "$(pw completion bash)" in ~/.bashrc',
    )


def run(args: argparse.Namespace) -> int:
    """Print the script; 0."""
    sys.stdout.write(script(args.shell))
    return 0


def script(shell: str) -> str:
    """The completion script of all commands of this version."""
    from pw_cli.main import COMMANDS  # noqa: PLC0415 - main imports this by name

    parser = parser_of(COMMANDS, {one.name for one in COMMANDS})
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell) + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for sub in action.choices.values():
                yield from _actions(sub)
