"""Reading a part of a stream once, in order and whole, or failing aloud."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Final

from pw_common.jetstream.bus import BrokerAway, Bus
from pw_common.jetstream.consuming.log_reader import FETCH_MAX, LogReader, StoredMessage
from pw_common.topology.subjects import STREAM_SWAP
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import BadEnvelope
from pw_common.wire.messages import Batch, WrongSchema

# Fetches in a row that bring nothing although the broker says that there is something.
QUIET_MAX: Final = 10
SEQ_MAX: Final = 2**63 - 1
OnBad = Callable[[StoredMessage, Exception], None]


async def read_range(
    bus: Bus,
    stream: str,
    first_seq: int = 1,
    last_seq: int = SEQ_MAX,
    *,
    subject: str = "",
    headers_only: bool = False,
) -> AsyncGenerator[StoredMessage, None]:
    """The messages from `first_seq` to `last_seq` that the stream holds, in order.

    It ends at the newest message that is there. Close it (`aclosing`) where not all of it is read.

    Raises:
        BrokerAway: no answer, or nothing more comes although there is something.
        ApiRefused: no such stream.
    """
    if first_seq > last_seq:
        return
    reader = LogReader(bus, stream, start_seq=first_seq, subject=subject, headers_only=headers_only)
    quiet, expected_seq = 0, first_seq
    try:
        await reader.open()
        while reader.pending and reader.position < last_seq:
            wanted = min(reader.pending, last_seq - reader.position, FETCH_MAX)
            messages = await reader.fetch(wanted)
            quiet = 0 if messages else quiet + 1
            if quiet > QUIET_MAX:
                raise BrokerAway(f"{stream} gives nothing more after sequence {reader.position}")
            for message in messages:
                if message.seq > last_seq:
                    return
                if message.seq < first_seq:
                    return  # It ends before that: its reader begins again at its beginning.
                if message.seq < expected_seq:
                    raise BrokerAway(f"{stream} was made again while it was read: try again")
                expected_seq = message.seq + 1
                yield message
    finally:
        await reader.close()


async def read_batches(
    bus: Bus, first_seq: int, last_seq: int = SEQ_MAX, *, on_bad: OnBad
) -> AsyncGenerator[tuple[StoredMessage, Batch], None]:
    """The batches of PW_SWAP in that range, each with its message.

    Args:
        on_bad: Told of each message that is no batch, and why; what it raises goes on.

    Raises:
        BrokerAway, ApiRefused: as `read_range`.
    """
    async for message in read_range(bus, STREAM_SWAP, first_seq, last_seq):
        try:
            batch = batch_of(message.headers, message.body)
        except (BadEnvelope, WrongSchema) as error:
            on_bad(message, error)
            continue
        yield message, batch
