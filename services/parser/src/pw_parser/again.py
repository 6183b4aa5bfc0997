"""A message that was answered before, at another sequence of PW_TX: its new one is answered too.

A broker that restarts forgets the Msg-Ids of acknowledged messages, so what ingest sends again
gets a new sequence. PW_SWAP still knows the batch and drops it. Without an answer of its own
the new sequence would look like a loss.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Iterable
from typing import Final

from pw_common.jetstream.bus import NOT_FOUND, ApiRefused, BrokerAway, Bus
from pw_common.jetstream.publishing.outcome import Publish
from pw_common.jetstream.publishing.publisher import Stored
from pw_common.process.log import Log
from pw_common.topology.queue_name import means_the_same
from pw_common.topology.subjects import STREAM_SWAP, SWAP_BATCH
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import (
    CONTENT_ENCODING,
    MSG_ID,
    SCHEMA,
    SCHEMA_BATCH,
    ZSTD,
    BadEnvelope,
    compress,
)
from pw_common.wire.messages import Batch, Counts, WrongSchema, encode

# Unanswered so often over a connection that is up, the first answer is taken for another's.
ASKED_MAX: Final = 3
RETRY_S: Final = 0.25


class Again:
    """Says what to store for a message whose batch PW_SWAP had already."""

    def __init__(self, bus: Bus, log: Log) -> None:
        self._bus = bus
        self._log = log

    async def answer(self, batch: Batch, stored: Iterable[Stored]) -> tuple[Publish, ...]:
        """An empty answer, or nothing where the stored batch is of this very sequence."""
        for one in stored:
            if one.duplicate and one.stream == STREAM_SWAP:
                first = await self._first(one.seq)
                if first is None or not _is_at_the_same_sequence(first, batch):
                    return (empty_answer(batch.tx_stream_created, batch.tx_seq, batch.tx_id),)
        return ()

    async def _first(self, seq: int) -> Batch | None:
        """The stored batch; None where it cannot be read: an answer too many does no harm."""
        asked = 0
        while True:
            try:
                # Asked of the leader: a replica may not know it yet.
                found = await self._bus.api(f"STREAM.MSG.GET.{STREAM_SWAP}", {"seq": seq})
                return batch_of({CONTENT_ENCODING: ZSTD}, b64decode(found["message"]["data"]))
            except BrokerAway as error:
                asked += self._bus.connected
                if asked >= ASKED_MAX:
                    self._log.warning("first_answer_unread", seq=seq, reason=str(error))
                    return None
                await asyncio.sleep(RETRY_S)
            except ApiRefused as error:
                if error.err_code != NOT_FOUND:
                    self._log.warning("first_answer_unread", seq=seq, reason=str(error))
                return None
            except (BadEnvelope, WrongSchema) as error:
                self._log.warning("first_answer_unread", seq=seq, reason=str(error))
                return None


def _is_at_the_same_sequence(first: Batch, batch: Batch) -> bool:
    return first.tx_seq == batch.tx_seq and means_the_same(
        first.tx_stream_created, batch.tx_stream_created, batch.tx_seq
    )


def empty_answer(tx_stream_created: str, tx_seq: int, tx_id: str) -> Publish:
    """What fills a sequence and claims nothing: the first answer has the events and counts.

    It names no source, epoch or frontier either. Those of a message that is sent again may be
    older than what readers know by now.
    """
    batch = Batch(
        tx_stream_created=tx_stream_created,
        tx_seq=tx_seq,
        tx_id=tx_id,
        source="",
        epoch=0,
        frontier_slot=0,
        counts=Counts(),
    )
    headers = {
        # A restored queue uses a sequence again, for another message.
        MSG_ID: f"again:{tx_stream_created}:{tx_seq}:{tx_id}",
        CONTENT_ENCODING: ZSTD,
        SCHEMA: SCHEMA_BATCH,
    }
    return Publish(SWAP_BATCH, compress(encode(batch)), headers)
