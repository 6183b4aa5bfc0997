"""The checkpoint in the `pw_source` bucket, written by compare-and-set."""

from __future__ import annotations

from typing import NamedTuple

from pw_common.jetstream.bus import ApiRefused, BrokerAway, Bus
from pw_common.topology.streams import stream_created
from pw_common.topology.subjects import BUCKET_SOURCE, STREAM_TX
from pw_common.wire.messages import SourceState, decode_source_state, encode

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
        self._unsure: SourceState | None = None
        self.written: SourceState | None = None

    async def load(self) -> SourceState | None:
        """The state of the previous run, or None for a new source.

        Raises:
            BrokerAway, ApiRefused: from the broker.
            WrongSchema: the value is not a state.
        """
        body, self._revision = await self._last()
        self.written = decode_source_state(body) if self._revision else None
        return self.written

    async def write(self, state: SourceState) -> None:
        """Store the state if it is a new one.

        Raises:
            BrokerAway: it may or may not be stored; write again later.
            TwoIngests: another process wrote in between.
        """
        if self._unsure is not None:
            await self._settle(self._unsure)
        if state != self.written:
            await self._put(state)

    async def _put(self, state: SourceState) -> None:
        self._unsure = state
        try:
            revision = await self._bus.kv_put(
                BUCKET_SOURCE, self._source, encode(state), revision=self._revision
            )
        except ApiRefused as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                raise TwoIngests(self._source) from error
            raise
        self._is_stored(state, revision)

    async def _settle(self, state: SourceState) -> None:
        """The last write got no answer: find out what became of it, or write the same again.

        A newer state would not do: the unanswered one may still be on its way, and what is
        stored in the end must be known as ours.
        """
        if await self._find(state):
            return
        try:
            await self._put(state)
        except TwoIngests:
            # It may have arrived between looking and writing.
            if not await self._find(state):
                raise

    async def _find(self, state: SourceState) -> bool:
        body, revision = await self._last()
        if revision == self._revision:
            return False
        if body != encode(state):
            raise TwoIngests(self._source)
        self._is_stored(state, revision)
        return True

    async def _last(self) -> tuple[bytes, int]:
        """The value and its revision, 0 for none; asked of the leader, since a replica that is
        behind would have us write at a revision that is over.
        """
        return await self._bus.kv_last(BUCKET_SOURCE, self._source) or (b"", 0)

    def _is_stored(self, state: SourceState, revision: int) -> None:
        self._revision, self.written, self._unsure = revision, state, None


__all__ = ["BrokerAway", "Checkpoint", "TwoIngests", "TxStream", "tx_stream"]
