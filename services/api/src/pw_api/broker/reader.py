"""Keeps the recent swaps up to date: an ordered reader of PW_SWAP that survives the broker."""

from __future__ import annotations

import asyncio

from pw_api.core.query import RecentSwaps
from pw_common.jetstream.bus import ApiRefused, BrokerAway
from pw_common.jetstream.consuming.log_reader import LogReader
from pw_common.service.run import Runtime
from pw_common.topology.subjects import STREAM_SWAP
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import BadEnvelope
from pw_common.wire.messages import WrongSchema

# About as many as fill the ring; the rest of the day is up to the detector.
MESSAGES_BACK = 4_000
FETCH = 64
RETRY_S = 0.5


class SwapReader:
    """Fills a ring of swaps from the stream's last messages on."""

    def __init__(self, swaps: RecentSwaps) -> None:
        self.swaps = swaps
        self.unreadable = 0
        # When the broker stored the newest one.
        self.last_swap_ms: int | None = None
        self._reader: LogReader | None = None

    @property
    def trimmed(self) -> int:
        """Messages that the stream lost before this reader came to them."""
        return self._reader.trimmed if self._reader is not None else 0

    async def run(self, runtime: Runtime) -> None:
        """Read until stopped; wait for a broker that is away."""
        runtime.set_ready()
        while not runtime.stop.is_set():
            try:
                await self._step(runtime)
            except (BrokerAway, ApiRefused) as error:
                # Without its stream the API still answers the rest.
                runtime.log.debug("swap_reader_waits", reason=str(error))
                await _unless_stopped(runtime.stop, RETRY_S)
        if self._reader is not None:
            await self._reader.close()

    async def _step(self, runtime: Runtime) -> None:
        if self._reader is None:
            state = (await runtime.bus.api(f"STREAM.INFO.{STREAM_SWAP}"))["state"]
            start = max(1, state["first_seq"], state["last_seq"] + 1 - MESSAGES_BACK)
            self._reader = LogReader(runtime.bus, STREAM_SWAP, start_seq=start)
        for message in await self._reader.fetch(FETCH, timeout_s=0.5):
            try:
                batch = batch_of(message.headers, message.body)
            except (BadEnvelope, WrongSchema) as error:
                self.unreadable += 1
                runtime.log.warning("swap_batch_unreadable", seq=message.seq, reason=str(error))
                continue
            new = self.swaps.add(batch, seq=message.seq, stored_ms=message.time_ms)
            if new:
                self.last_swap_ms = max(self.last_swap_ms or 0, message.time_ms)
            runtime.metrics.count("pw_api_swaps_total", new)
            # HTTP answers between two batches of a long catch-up.
            await asyncio.sleep(0)


async def _unless_stopped(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
