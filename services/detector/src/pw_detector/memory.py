"""How much the detector holds and may hold; it warns before it must drop something."""

from __future__ import annotations

from typing import Final

from pw_common.process.log import Log
from pw_common.process.memory import give_back, resident_bytes
from pw_common.service.metrics import Metrics
from pw_common.topology.streams import MIB
from pw_common.wire.heartbeat import MemoryHealth
from pw_detection.state.market import Market

# The process without state, and batches that wait for an earlier one.
BASE_BYTES: Final = 80 * MIB
# What the allocator keeps beyond what was asked for.
USED_SHARE: Final = 0.85
# The memory that sweeps of that much event time free lies scattered between what stays.
GIVE_BACK_EVERY_MS: Final = 5 * 60_000


class Memory:
    """The limit of one detector's state."""

    def __init__(self, market: Market, log: Log, limit: int) -> None:
        self._market = market
        self._log = log
        self._limit = limit
        self._cut_ms = 0
        self._given_back_ms = 0
        self._counted = [0, 0]
        market.bytes_max = state_bytes_max(limit)

    def health(self) -> MemoryHealth:
        """For the heartbeat."""
        return MemoryHealth(
            resident_bytes=resident_bytes(),
            limit_bytes=self._limit,
            held_bytes=self._market.bytes_held,
            cut_ms=self._market.cut_ms if self._market.is_cut else 0,
        )

    def publish(self, metrics: Metrics) -> None:
        """Set the gauges, and log a cut that was made since the last time."""
        market = self._market
        if market.event_time_ms - self._given_back_ms >= GIVE_BACK_EVERY_MS:
            self._given_back_ms = market.event_time_ms
            give_back()
        metrics.set("pw_detector_memory_bytes", resident_bytes())
        metrics.set("pw_detector_memory_bytes_max", self._limit)
        metrics.set("pw_detector_state_bytes", market.bytes_held)
        totals = [market.cut_trades, market.cut_tokens]
        for name, total, counted in zip(
            ("pw_detector_cut_trades_total", "pw_detector_cut_tokens_total"),
            totals,
            self._counted,
            strict=True,
        ):
            metrics.count(name, total - counted)
        if market.cut_ms > self._cut_ms:
            self._log.error(
                "hour_cut",
                why="more is traded than the memory limit holds",
                before_event_time_ms=market.cut_ms,
                trades=totals[0] - self._counted[0],
                tokens=totals[1] - self._counted[1],
                limit_bytes=self._limit,
            )
        self._counted, self._cut_ms = totals, market.cut_ms


def state_bytes_max(limit: int) -> int:
    """How much of a process's limit the state may take."""
    return max(0, int(limit * USED_SHARE) - BASE_BYTES)
