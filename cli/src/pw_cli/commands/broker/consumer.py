"""`pw consumer reset PW_TX/parser`: delete a declared durable and make it as declared.

For a consumer that somebody changed and that provision refuses to touch. Nothing is lost: the queue
keeps what is not acknowledged, and what is delivered again is dropped as a repeat.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_common.jetstream.bus import ApiRefused, Bus
from pw_common.topology.streams import Consumer, declare

EXIT_OK: Final = 0
EXIT_USAGE: Final = 2
NOT_FOUND: Final = 10014
TIMEOUT_S: Final = 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw consumer`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    reset = verbs.add_parser("reset", help="delete a consumer and create it as declared")
    reset.add_argument("consumer", metavar="STREAM/NAME", help=", ".join(declared()))
    add_broker_argument(reset)


def declared() -> dict[str, Consumer]:
    """The durables of the declaration by `STREAM/NAME`; a channel's own is the notifier's."""
    return {f"{one.stream}/{one.name}": one for one in declare().consumers}


def run(args: argparse.Namespace) -> int:
    """0 recreated, 2 not one of ours, 69 broker away."""
    known = declared()
    if args.consumer not in known:
        sys.stderr.write(
            f"pw consumer reset: {args.consumer}: allowed: {', '.join(known)}; "
            "a channel's durable is deleted with the channel\n"
        )
        return EXIT_USAGE
    return with_broker(args, lambda bus: _reset(bus, args.consumer, known[args.consumer]))


async def _reset(bus: Bus, name: str, consumer: Consumer) -> int:
    subject = f"{consumer.stream}.{consumer.name}"
    try:
        await bus.api(f"CONSUMER.DELETE.{subject}", timeout_s=TIMEOUT_S)
    except ApiRefused as error:
        if error.err_code != NOT_FOUND:
            raise
    request = {"stream_name": consumer.stream, "config": consumer.body(), "action": "create"}
    made = await bus.api(f"CONSUMER.CREATE.{subject}", request, timeout_s=TIMEOUT_S)
    sys.stdout.write(f"{name} recreated; {made['num_pending']} messages to deliver\n")
    return EXIT_OK
