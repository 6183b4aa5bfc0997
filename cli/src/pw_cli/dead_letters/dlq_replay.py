"""`pw dlq replay`: sends each dead letter back, and gives a reason for each that it cannot send."""

from __future__ import annotations

import sys
from typing import Final

from pw_cli.terminal.terminal import complain
from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.ranges import read_range
from pw_common.jetstream.dead_letters.sending import Sending
from pw_common.jetstream.publishing.publisher import Publisher
from pw_common.process.log import Log
from pw_common.topology.streams import DUPLICATE_WINDOW_S
from pw_common.topology.subjects import STREAM_DLQ

SEQS_SHOWN_MAX: Final = 5
EXIT_REFUSED: Final = 1


async def replay(bus: Bus, seqs: list[int] | None, *, delete: bool) -> int:
    """Send these dead letters back, or every one; 1 where one of them was not.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    publisher = Publisher(bus, Log("pw"))
    await publisher.start()
    work = Sending(bus, publisher, _refused, delete=delete)
    missing = 0
    try:
        for seq in await _every(bus) if seqs is None else dict.fromkeys(seqs):
            if not await work.take(seq):
                missing += not_there(seq)
        await work.finish()
    finally:
        await publisher.stop()
    summary = [f"{work.sent} sent back"]
    if work.repeated:
        summary.append(
            f"{work.repeated} were sent back within the last {DUPLICATE_WINDOW_S} s already"
        )
    if work.delivered:
        summary.append(f"{work.delivered} had been delivered already")
    failed = work.failed + missing
    if failed:
        summary.append(f"{failed} not")
    print(", ".join(summary))
    return EXIT_REFUSED if failed else 0


def not_there(seq: int) -> int:
    """Say that there is no such dead letter; the exit code for it."""
    sys.stderr.write(f"pw dlq: there is no dead letter {seq}: see `pw dlq list`\n")
    return EXIT_REFUSED


async def _every(bus: Bus) -> list[int]:
    return [one.seq async for one in read_range(bus, STREAM_DLQ, headers_only=True)]


def _refused(seqs: list[int], why: str) -> None:
    shown = ", ".join(map(str, seqs[:SEQS_SHOWN_MAX]))
    more = len(seqs) - SEQS_SHOWN_MAX
    complain("dlq replay", f"{shown}{f' and {more} more' if more > 0 else ''}: {why}")
