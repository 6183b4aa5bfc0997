"""`pw COMMAND …`. A command's module is imported when it is used, so `pw --help` is quick."""

from __future__ import annotations

import io
import os
import sys

from pw_cli.interrupts import EXIT_INTERRUPTED, Interrupts

# Nothing heavy is imported here: Ctrl-C is handled once `main` has begun.


class Command:
    """A verb: its module has `add_arguments(parser)` and `run(args) -> exit code`."""

    def __init__(self, name: str, room: str, help_: str) -> None:
        self.name, self.module, self.help = name, f"pw_cli.commands.{room}.{name}", help_


COMMANDS = (
    Command("up", "watching", "run the whole system here: broker, source and services"),
    Command("status", "watching", "show what the system is doing"),
    Command("url", "watching", "print a one-time link to the page"),
    Command("alerts", "watching", "list what fired, or follow it"),
    Command("tokens", "looking", "list HOT and WARM tokens, or follow them"),
    Command("token", "looking", "show a token: rules, buyers, swaps, chart"),
    Command("wallet", "looking", "show what a wallet traded, and its profit"),
    Command("search", "looking", "find tokens, wallets and signatures by a text"),
    Command("parse", "captures", "parse captures; prints one swap.v1 per line"),
    Command("capture", "captures", "record a capture from the broker, an endpoint or JSON-RPC"),
    Command("tail", "watching", "print a stream's messages as they arrive"),
    Command("dlq", "broker", "list, show or replay dead letters"),
    Command("verify", "broker", "check the streams and prove that nothing is missing"),
    Command("prove", "watching", "recompute one alert from stored data"),
    Command("backfill", "broker", "fill a recorded gap from captures or JSON-RPC"),
    Command("plan", "captures", "estimate disk, CPU, parsers, memory and network for a rate"),
    Command("backup", "broker", "copy the streams and buckets of a running broker"),
    Command("restore", "broker", "restore a backup into an empty broker"),
    Command("consumer", "broker", "recreate a consumer that provision may not change"),
    Command("backtest", "captures", "run rules on captures, lines or Parquet; show the alerts"),
    Command("history", "captures", "ask the Parquet that history keeps, in SQL"),
    Command("why", "watching", "explain for one token why each rule fires or not"),
    Command("rules", "configuring", "list, add, remove, turn on or off, or try out rules"),
    Command("mutes", "configuring", "list, add or remove muted tokens and wallets"),
    Command("watch", "configuring", "list, add or remove watched addresses"),
    Command("channels", "configuring", "list, add, remove or test where alerts go"),
    Command("programs", "configuring", "list, add, remove or import your own programs"),
    Command("completion", "configuring", "print what completes pw in your shell"),
    Command("simulate", "captures", "generate a market and write it as a capture"),
)


def main() -> int:
    """Exit codes: 0 done, 1 done but not all well, 2 wrong usage, 69 unreachable, 78 settings."""
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    interrupts = Interrupts(wanted or "")
    interrupts.install()
    # Only now: what it imports takes most of a second, and Ctrl-C may come meanwhile.
    from pw_cli.parser import parser_of  # noqa: PLC0415

    parser = parser_of(COMMANDS, {wanted})
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal of another encoding shows a token's name as well as it can.
        sys.stdout.reconfigure(errors="replace")
    args = parser.parse_args()
    args.interrupts = interrupts
    try:
        if wanted != "up":
            interrupts.leave()
        return int(args.run(args))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `pw parse … | head`: the reader has enough. Nothing may be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
