"""Where a reader of PW_SWAP goes on: whether it is the same stream, and where PW_TX stood."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from pw_common.jetstream.bus import Bus
from pw_common.jetstream.consuming.log_reader import StoredMessage, get_message
from pw_common.jetstream.consuming.ranges import read_batches
from pw_common.topology.queue_name import means_the_same
from pw_common.topology.streams import PARSER_ACK_PENDING_MAX
from pw_common.topology.subjects import STREAM_SWAP

FIRST_SEQ: Final = 1


async def went_back(bus: Bus, read_seq: int, read_time_ms: int) -> bool:
    """Whether another message stands where reading had come to, or none does.

    Args:
        read_time_ms: When that message was stored; 0 where that is not known.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    if not read_time_ms:
        return False
    last_seq = int((await bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]["last_seq"])
    if last_seq < read_seq:
        return True
    message = await get_message(bus, STREAM_SWAP, read_seq)
    return message is not None and message.time_ms != read_time_ms


async def least_tx_seq(bus: Bus, first_seq: int) -> int:
    """The first sequence of PW_TX that is answered in a PW_SWAP that begins at `first_seq`.

    A log that was never trimmed begins with PW_TX's first message; of a trimmed one the least
    sequence that a fleet may hold back counts.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    if first_seq <= FIRST_SEQ:
        return FIRST_SEQ
    least: int | None = None
    created = ""
    last_seq = first_seq + PARSER_ACK_PENDING_MAX
    async with aclosing(read_batches(bus, first_seq, last_seq, on_bad=_leave_out)) as found:
        async for _, batch in found:
            created = created or batch.tx_stream_created
            # A recreated queue begins at 1 again; the one before it is far past that.
            if means_the_same(created, batch.tx_stream_created, batch.tx_seq):
                least = batch.tx_seq if least is None else min(least, batch.tx_seq)
    return least if least is not None else FIRST_SEQ


def _leave_out(_message: StoredMessage, _error: Exception) -> None:
    """What is no batch has no sequence that counts here."""
