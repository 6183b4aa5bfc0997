"""Counters with their recent rates, for heartbeats. Time is an argument."""

from __future__ import annotations

from collections import deque

from pw_common.wire.heartbeat import Rate


class RateMeter:
    """A total, sampled once a second by `rate(now_s)`; keeps 60 s of samples."""

    def __init__(self) -> None:
        self.total = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=64)

    def add(self, amount: int = 1) -> None:
        """Count something."""
        self.total += amount

    def rate(self, now_s: float) -> Rate:
        """Sample the total at a monotonic time; rates are over the last 1 s and 60 s."""
        self._samples.append((now_s, self.total))
        return Rate(
            total=self.total,
            per_s_1s=round(self._over(now_s, 1.0), 2),
            per_s_60s=round(self._over(now_s, 60.0), 2),
        )

    def _over(self, now_s: float, span_s: float) -> float:
        # The newest sample that is at least the span old, else the oldest there is.
        chosen = self._samples[0]
        for sample in self._samples:
            if now_s - sample[0] < span_s * 0.95:
                break
            chosen = sample
        elapsed = now_s - chosen[0]
        return (self.total - chosen[1]) / elapsed if elapsed > 0 else 0.0
