"""`pw capture`: write what flows through the broker, or comes from an endpoint, to a capture.

History comes from a JSON-RPC node (`capture_rpc`).

From the broker it is a core subscription, which cannot make anybody wait: what
this process is too slow for is dropped, counted and reported.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError

from pw_cli.connect.broker import add_broker_argument, with_broker
from pw_cli.history import capture_rpc
from pw_cli.history.history_node import add_node_arguments
from pw_cli.history.together import stray
from pw_cli.terminal.terminal import complain
from pw_common.jetstream.bus import Bus, headers_of
from pw_common.jetstream.requests import listen
from pw_common.ordering.dedup import SeenWindow
from pw_common.process.clock import monotonic_s
from pw_common.process.exit_codes import EXIT_CONFIG, EXIT_UNAVAILABLE
from pw_common.process.tasks import end_tasks
from pw_common.service.run import watch_signals
from pw_common.service.settings import BadSettings, load
from pw_common.text.redact import redacted_url
from pw_common.topology.subjects import TX_ALL
from pw_common.wire.captures import BadCapture, CaptureWriter
from pw_common.wire.envelope import MSG_ID, BadEnvelope, decompress
from pw_common.wire.framing import BadFrame, split
from pw_common.wire.limits import DECOMPRESSED_BYTES_MAX, UPDATE_BYTES_MAX
from pw_geyser import shallow_pb2

PENDING_MESSAGES_MAX = 65_536
PENDING_BYTES_MAX = 256 * 1024 * 1024
WAIT_S = 0.25
# How long to wait at the end for the broker to confirm that everything came.
END_S = 5
MESSAGES_SEEN_MAX = 100_000
EXIT_NOT_WHOLE = 1


@dataclass
class Tally:
    """What a capture run saw; `trouble` is what may have cost messages, by name."""

    updates: int = 0
    bytes: int = 0
    messages: int = 0
    repeats: int = 0
    unreadable: int = 0
    trouble: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    def note(self, what: str) -> None:
        """Something may have cost messages; closing the connection at the end does not."""
        if not self.ended:
            self.trouble[what] += 1

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        return not self.trouble and not self.unreadable

    def line(self) -> str:
        """One line for people."""
        lost = ", ".join(f"{count} x {what}" for what, count in sorted(self.trouble.items()))
        parts = [f"{self.updates} updates, {self.bytes} bytes"]
        if self.repeats:
            parts.append(f"{self.repeats} repeated messages left out")
        if self.unreadable:
            parts.append(f"{self.unreadable} unreadable messages left out")
        parts.append(f"NOT WHOLE: {lost}" if lost else "nothing dropped")
        return "; ".join(parts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw capture`."""
    parser.add_argument("--out", type=Path, required=True, metavar="F.pb.zst")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after S seconds")
    parser.add_argument("--endpoint", metavar="URL", help="a Yellowstone endpoint, not the broker")
    parser.add_argument("--x-token-file", type=Path, metavar="FILE", help="the endpoint's token")
    parser.add_argument(
        "--programs",
        metavar="NAME|FILE",
        help="with --endpoint: all (default), all-non-vote, successful, token-programs, programs",
    )
    parser.add_argument("--rpc", metavar="URL", help="history from a JSON-RPC node instead")
    capture_rpc.add_arguments(parser)
    add_node_arguments(parser)
    add_broker_argument(parser)


def run(args: argparse.Namespace) -> int:
    """0 whole, 1 something was dropped, 2 bad file, 69 source or broker away, 78 bad settings."""
    if problem := _problem(args):
        complain("capture", problem)
        return 2
    if args.rpc is not None:
        return capture_rpc.run_rpc(args)
    tally = Tally()
    try:
        if args.endpoint:
            code = asyncio.run(_from_endpoint(args, tally))
        else:
            code = with_broker(
                args,
                lambda bus: _from_broker(bus, args, tally),
                on_trouble=tally.note,
            )
    except BadSettings as error:
        sys.stderr.write(f"pw capture: {error}\n")
        return EXIT_CONFIG
    except (BadCapture, OSError) as error:
        sys.stderr.write(f"pw capture: {error}\n")
        return 2
    if code != EXIT_UNAVAILABLE or tally.updates:
        sys.stderr.write(f"pw capture: {args.out}: {tally.line()}\n")
    return code


def _problem(args: argparse.Namespace) -> str:
    """What does not go together, or is not a number of seconds; empty where all is well."""
    if args.seconds is not None and not 0 <= args.seconds < math.inf:
        return f"--seconds {args.seconds:g}; allowed: a number of seconds, 0 or more"
    if args.rpc is not None:
        if args.endpoint is not None:
            return "--rpc and --endpoint are two sources; give one"
        others = ("--seconds", "--x-token-file", "--programs", "--nats")
        return stray(args, "does not go with --rpc, which takes history and no stream", *others)
    history = ("--slots", "--signatures", "--allow-missing", "--rpc-rate", "--patience")
    if problem := stray(args, "needs --rpc URL", *history):
        return problem
    if args.endpoint:
        return stray(args, "does not go with --endpoint: they are two sources", "--nats")
    return stray(args, "needs --endpoint URL", "--x-token-file", "--programs")


async def _from_broker(bus: Bus, args: argparse.Namespace, tally: Tally) -> int:
    seen = SeenWindow(keys_max=MESSAGES_SEEN_MAX)
    with CaptureWriter(args.out) as capture:
        async for headers, body in _messages(bus, args.seconds, tally):
            # A publish that the broker refused at first reaches subscribers again.
            if not seen.first_time(headers.get(MSG_ID, ""), 0):
                tally.repeats += 1
                continue
            tally.messages += 1
            try:
                for update in split(decompress(body, DECOMPRESSED_BYTES_MAX)):
                    _write(capture, update, tally)
            except (BadEnvelope, BadFrame) as error:
                tally.unreadable += 1
                complain("capture", f"{headers.get(MSG_ID, 'a message')}: {error}")
    tally.ended = True
    return 0 if tally.whole else EXIT_NOT_WHOLE


async def _messages(
    bus: Bus, seconds: float | None, tally: Tally
) -> AsyncIterator[tuple[dict[str, str], bytes]]:
    stop = _stop()
    listener = await listen(
        bus, TX_ALL, messages_max=PENDING_MESSAGES_MAX, bytes_max=PENDING_BYTES_MAX
    )
    sys.stderr.write("pw capture: listening\n")
    end_s = monotonic_s() + seconds if seconds is not None else None
    while not stop.is_set() and (end_s is None or monotonic_s() < end_s):
        if (message := await listener.next(WAIT_S)) is not None:
            yield headers_of(message), message.data
    # What the broker took before the end belongs to the capture; it may still be on its way.
    if not await listener.settle(END_S):
        tally.note("end that the broker did not confirm")
    for _ in range(listener.waiting):
        if (message := await listener.next(WAIT_S)) is not None:
            yield headers_of(message), message.data
    await listener.close()


async def _from_endpoint(args: argparse.Namespace, tally: Tally) -> int:
    # Only this way of capturing needs gRPC and ingest's filters.
    from pw_ingest.config import Settings  # noqa: PLC0415
    from pw_ingest.source.stream import Source, StreamEnded  # noqa: PLC0415

    stop = _stop()
    environ = {"PW_INGEST_ENDPOINT": args.endpoint, "PW_INGEST_PROGRAMS": args.programs or "all"}
    if args.x_token_file is not None:
        environ["PW_INGEST_TOKEN_FILE"] = str(args.x_token_file)
    settings = load(Settings, environ)
    source = Source(settings.endpoints()[0])
    end_s = monotonic_s() + args.seconds if args.seconds is not None else None
    with CaptureWriter(args.out) as capture:
        ender = asyncio.create_task(_cancel_at(source.cancel, stop, end_s))
        try:
            await source.open(None, settings.request())
            sys.stderr.write("pw capture: subscribed\n")
            while True:
                update = await source.read()
                if not _is_pong(update):
                    _write(capture, update, tally)
        except (StreamEnded, asyncio.CancelledError) as error:
            if ender.done():
                return 0 if tally.whole else EXIT_NOT_WHOLE
            complain("capture", f"{redacted_url(args.endpoint)}: {error}")
            return EXIT_UNAVAILABLE
        finally:
            await end_tasks(ender)
            await source.close()


async def _cancel_at(cancel: object, stop: asyncio.Event, end_s: float | None) -> None:
    left_s = None if end_s is None else max(0.0, end_s - monotonic_s())
    try:
        await asyncio.wait_for(stop.wait(), left_s)
    except TimeoutError:
        pass
    finally:
        cancel()  # type: ignore[operator]


def _is_pong(update: bytes) -> bool:
    try:
        shallow = shallow_pb2.Update.FromString(update)
    except DecodeError:
        return False  # Unreadable is kept: a capture is what came.
    return bool(shallow.HasField("pong") or shallow.HasField("ping"))


def _write(capture: CaptureWriter, update: bytes, tally: Tally) -> None:
    if len(update) > UPDATE_BYTES_MAX:
        # No reader of captures gets past it: all that follows would be lost too.
        tally.note(f"update over {UPDATE_BYTES_MAX >> 20} MiB, left out")
        return
    capture.write(update)
    tally.updates += 1
    tally.bytes += len(update)


def _stop() -> asyncio.Event:
    stop = asyncio.Event()
    watch_signals(stop)
    return stop
