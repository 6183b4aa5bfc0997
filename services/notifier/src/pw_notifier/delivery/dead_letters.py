"""The notifier's dead letters: stored before their alert is acknowledged, and counted apart.

They report a fault of a channel; that is reported by the channel's name, to the other channels. As
a plain growth of PW_DLQ it would go out through the channel that failed, and fail, and grow.
"""

from __future__ import annotations

from typing import Final

from pw_common.jetstream.publishing.publisher import Publisher, PublishRefused
from pw_common.jetstream.refusals import ERR_TOO_LARGE
from pw_common.topology.subjects import STREAM_ALERT, dead_letter
from pw_common.wire.envelope import MSG_ID, ORIGIN_SEQ, ORIGIN_STREAM, REASON, SCHEMA

REASON_CHARS_MAX: Final = 300


class DeadLetters:
    """Stores dead letters, and knows which of PW_DLQ are its own."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._counted = 0
        self._seqs: list[int] = []
        self.under_way = 0

    async def store(self, channel: str, seq: int, body: bytes, why: str) -> None:
        """Store the alert of this sequence as a dead letter of the channel.

        Raises:
            PublishRefused: the broker will not take it, not even without its body.
        """
        self.under_way += 1
        try:
            try:
                await self._publish(channel, seq, body, why)
            except PublishRefused as error:
                if error.err_code != ERR_TOO_LARGE:
                    raise
                # Where it came from says what it was.
                await self._publish(channel, seq, b"", f"({len(body)} bytes left out) {why}")
        finally:
            self.under_way -= 1

    def upto(self, last_seq: int) -> int:
        """How many of PW_DLQ's messages up to this one are ours; never ask for an earlier one."""
        self._counted += sum(seq <= last_seq for seq in self._seqs)
        self._seqs = [seq for seq in self._seqs if seq > last_seq]
        return self._counted

    async def _publish(self, channel: str, seq: int, body: bytes, why: str) -> None:
        plain = why.encode("ascii", "backslashreplace").decode("ascii")[:REASON_CHARS_MAX]
        headers = {
            MSG_ID: f"dead:notifier:{channel}:{seq}",
            SCHEMA: "alert.v1",
            REASON: "".join(c if c.isprintable() else " " for c in f"{channel}: {plain}"),
            ORIGIN_STREAM: STREAM_ALERT,
            ORIGIN_SEQ: str(seq),
        }
        future = await self._publisher.publish(dead_letter("notifier"), body, headers)
        stored = await future
        if not stored.duplicate:
            self._seqs.append(stored.seq)
