"""`pw tail STREAM`: a stream's messages as JSON lines, as they come.

PW_TX is a work queue, so there it is a core subscription: it shows only what is
published from now on, and takes nothing from the parsers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator

from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.dead_letters.render import json_line
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.consuming.log_reader import LogReader, StoredMessage
from pw_common.jetstream.requests import listen
from pw_common.topology.subjects import (
    STREAM_ALERT,
    STREAM_DLQ,
    STREAM_GAP,
    STREAM_SWAP,
    STREAM_TX,
    TX_ALL,
)

STREAMS = (STREAM_SWAP, STREAM_GAP, STREAM_DLQ, STREAM_ALERT, STREAM_TX)
FETCH = 64
WAIT_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw tail`."""
    parser.add_argument("stream", choices=STREAMS, metavar="STREAM", help=", ".join(STREAMS))
    parser.add_argument(
        "--from-start", action="store_true", help="begin with the oldest message (not for PW_TX)"
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="end after N messages")
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print until interrupted or the limit is reached; 69 when the broker is away."""
    if args.stream == STREAM_TX and args.from_start:
        sys.stderr.write("pw tail: PW_TX is a work queue without history: leave out --from-start\n")
        return 2
    return with_broker(args, lambda bus: _tail(bus, args))


async def _tail(bus: Bus, args: argparse.Namespace) -> int:
    messages = _core(bus) if args.stream == STREAM_TX else _log(bus, args.stream, args.from_start)
    printed = 0
    async for message in messages:
        sys.stdout.buffer.write(json_line(args.stream, message))
        sys.stdout.buffer.flush()
        printed += 1
        if args.limit is not None and printed >= args.limit:
            break
    return 0


async def _log(bus: Bus, stream: str, from_start: bool) -> AsyncIterator[StoredMessage]:
    state = (await bus.api(f"STREAM.INFO.{stream}"))["state"]
    start = max(1, state["first_seq"]) if from_start else state["last_seq"] + 1
    reader = LogReader(bus, stream, start_seq=start)
    try:
        while True:
            for message in await reader.fetch(FETCH, timeout_s=WAIT_S):
                yield message
    finally:
        await reader.close()


async def _core(bus: Bus) -> AsyncIterator[StoredMessage]:
    listener = await listen(bus, TX_ALL)
    while True:
        message = await listener.next(WAIT_S)
        if message is not None:
            yield StoredMessage(0, message.subject, headers_of(message), message.data, 0)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("allowed: 1 or more")
    return value
