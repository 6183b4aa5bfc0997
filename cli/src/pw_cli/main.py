"""`pw COMMAND …`. A command's module is imported when it is used, so `pw --help` is quick."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import NamedTuple

from pw_common.run import VERSION


class Command(NamedTuple):
    """A subcommand: its module has `add_arguments(parser)` and `run(args) -> exit code`."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("up", "pw_cli.up", "run the whole system here: broker, source, services"),
    Command("status", "pw_cli.status", "what the system does right now"),
    Command("url", "pw_cli.url", "a link that opens the status page in a browser, once"),
    Command("parse", "pw_cli.parse", "captures in, one swap.v1 a line out"),
    Command("capture", "pw_cli.capture", "write a capture from the broker or a source"),
    Command("tail", "pw_cli.tail", "print a stream's messages as they come"),
    Command("dlq", "pw_cli.dlq", "dead letters: list, show, replay"),
    Command("verify", "pw_cli.verify", "walk the streams and prove that nothing is missing"),
    Command("prove", "pw_cli.prove", "derive one alert again from what is stored"),
    Command("backfill", "pw_cli.backfill", "fill a recorded gap from captures or JSON-RPC"),
    Command("plan", "pw_cli.plan", "what a rate costs: disk, cores, parsers, memory, network"),
    Command("backup", "pw_cli.backup", "copy streams and buckets of a running broker"),
    Command("restore", "pw_cli.restore", "give a backup back to a broker that has none of it"),
    Command("consumer", "pw_cli.consumer", "make a durable anew that provision must not change"),
    Command("backtest", "pw_cli.backtest", "the alerts that rules would have given on captures"),
    Command("why", "pw_cli.why", "each rule for a token: its values, what keeps it from ringing"),
    Command("programs", "pw_cli.programs", "your entries of programs: list, add, remove, import"),
    Command("simulate", "pw_cli.simulate", "write a generated market as a capture"),
)

EXIT_INTERRUPTED = 130


def main() -> int:
    """Exit codes: 0 done, 1 done but not all well, 2 wrong usage, 69 unreachable, 78 settings."""
    parser = argparse.ArgumentParser(prog="pw", description="Pocketwatcher, on your own machine.")
    parser.add_argument("--version", action="version", version=f"pw {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        if command.name == wanted:
            module = importlib.import_module(command.module)
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    args = parser.parse_args()
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `pw parse … | head`: the reader has enough. Nothing may be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
