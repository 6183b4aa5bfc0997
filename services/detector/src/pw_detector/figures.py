"""The detector's gauges and counters, read from its parts."""

from __future__ import annotations

from pw_common.ordering.assembly import Assembly
from pw_common.process.clock import now_ms
from pw_common.process.log import Log
from pw_common.service.metrics import Metrics
from pw_detection.detector import Detector
from pw_detector.core.progress import Progress


class Figures:
    """Remembers what was counted, since totals are kept elsewhere."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics
        self._log = log
        self._counted: dict[str, int] = {}
        self._hold_max_ms = 0
        self._reused = 0

    def publish(
        self, assembly: Assembly, progress: Progress, detector: Detector, trimmed: int
    ) -> None:
        """Set the gauges; `trimmed` is what PW_SWAP had lost before it was read."""
        metrics = self._metrics
        self._count_up_to("pw_detector_trimmed_total", progress.trimmed_before + trimmed)
        oldest_ms = assembly.oldest_held_ms
        metrics.set("pw_detector_held", assembly.held)
        hold_ms = max(0, now_ms() - oldest_ms) if oldest_ms else 0
        self._hold_max_ms = max(self._hold_max_ms, hold_ms)
        metrics.set("pw_detector_hold_seconds", hold_ms / 1000)
        metrics.set("pw_detector_hold_max_seconds", self._hold_max_ms / 1000)
        metrics.set("pw_detector_swap_seq", progress.read_seq)
        metrics.set("pw_detector_slot", progress.released_slot)
        metrics.set("pw_detector_event_timestamp_seconds", progress.event_time_ms / 1000)
        self._say_reused(assembly.reused)
        unlisted = detector.unlisted
        metrics.set("pw_detector_unlisted_programs", unlisted.programs)
        self._count_up_to("pw_detector_unlisted_left_out_total", unlisted.left_out_total)
        self._count_up_to("pw_detector_repeated_swaps_total", assembly.repeated_swaps)
        self._count_up_to("pw_detector_late_total", assembly.late)
        self._count_up_to("pw_detector_untimed_total", assembly.untimed)
        self._count_up_to("pw_detector_too_old_total", assembly.too_old)
        self._count_up_to("pw_detector_before_session_total", assembly.before_session)

    def _say_reused(self, reused: int) -> None:
        if reused > self._reused:
            self._metrics.count("pw_detector_reused_sequences_total", reused - self._reused)
            self._log.error("sequences_reused", why="PW_TX was restored from an older copy")
            self._reused = reused

    def _count_up_to(self, metric: str, total: int) -> None:
        self._metrics.count(metric, total - self._counted.get(metric, 0))
        self._counted[metric] = total
