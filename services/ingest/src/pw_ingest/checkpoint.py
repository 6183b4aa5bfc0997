"""The checkpoint in the `pw_source` bucket, written by compare-and-set."""

from __future__ import annotations

from typing import NamedTuple

from pw_common.bus import ApiRefused, BrokerAway, Bus
from pw_common.messages import SourceState, decode_source_state, encode
from pw_common.subjects import BUCKET_SOURCE, STREAM_TX
from pw_common.topology import stream_created

WRONG_LAST_SEQUENCE = 10071


class TxStream(NamedTuple):
    """PW_TX as it is: when it was made, and the last sequence that it gave out."""

    created: str
    last_seq: int


async def tx_stream(bus: Bus) -> TxStream:
    """Look at PW_TX.

    Raises:
        BrokerAway, ApiRefused: from the broker.
    """
    info = await bus.api(f"STREAM.INFO.{STREAM_TX}")
    return TxStream(stream_created(info), int(info["state"]["last_seq"]))


class TwoIngests(RuntimeError):
    """Somebody else writes this source's checkpoint."""

    def __init__(self, source: str) -> None:
        super().__init__(
            f"two ingests for one source: another process writes the checkpoint of {source!r}; "
            "stop one of them, or give it another PW_SOURCE"
        )


class Checkpoint:
    """One key; only its owner knows the revision to write at."""

    def __init__(self, bus: Bus, source: str) -> None:
        self._bus = bus
        self._source = source
        self._revision = 0
        self._unsure: bytes | None = None
        self.written: SourceState | None = None

    async def load(self) -> SourceState | None:
        """The state of the previous run, or None for a new source.

        Raises:
            BrokerAway, ApiRefused: from the broker.
            WrongSchema: the value is not a state.
        """
        entry = await self._bus.kv_get(BUCKET_SOURCE, self._source)
        if entry is None:
            return None
        self._revision = entry[1]
        self.written = decode_source_state(entry[0])
        return self.written

    async def write(self, state: SourceState) -> None:
        """Store the state if it is a new one.

        Raises:
            BrokerAway: it may or may not be stored; write again later.
            TwoIngests: another process wrote in between.
        """
        if state == self.written:
            return
        if self._unsure is not None:
            await self._settle()
        body = encode(state)
        self._unsure = body
        try:
            self._revision = await self._bus.kv_put(
                BUCKET_SOURCE, self._source, body, revision=self._revision
            )
        except ApiRefused as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                raise TwoIngests(self._source) from error
            raise
        self._unsure = None
        self.written = state

    async def _settle(self) -> None:
        # The last write got no answer: it counts as ours if the value is the one we sent.
        entry = await self._bus.kv_get(BUCKET_SOURCE, self._source)
        if entry is not None and entry[0] == self._unsure:
            self._revision = entry[1]
        self._unsure = None


__all__ = ["BrokerAway", "Checkpoint", "TwoIngests", "TxStream", "tx_stream"]
