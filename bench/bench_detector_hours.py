"""Hours of a busy chain through the detector's core: memory, CPU a swap, and a restart.

Folds and evaluates `--hours` of the load in `swap_load.py` as the service does, and drops the
detector once on the way and rebuilds it from batches as the broker holds them: decompress,
decode, assemble, fold. Prints the peak of this process's memory, the rebuild's seconds, and
the CPU a swap in the first ten minutes and in the last hour.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from swap_load import SWAPS_PER_S, SwapLoad

from pw_common.ordering.assembly import Assembly
from pw_common.process.memory import give_back
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import CONTENT_ENCODING, ZSTD, compress
from pw_common.wire.messages import encode
from pw_detection.detector import Detector

FIRST_MINUTES = 10
HORIZON_MINUTES = 125
# The core is asked for its projections this often; the service asks once a second.
PROJECTIONS_EVERY = 150


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=SWAPS_PER_S, help="swaps a second")
    parser.add_argument(
        "--restart-at", type=float, default=HORIZON_MINUTES, help="minute of the restart"
    )
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    hours = Hours(SwapLoad(args.seed, swaps_per_s=args.rate))
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        hours.run(args.hours * 60, args.restart_at, progress)
    if args.json:
        print(json.dumps(hours.figures))
        return 0
    for name, value in hours.figures.items():
        print(f"{name:24} {value:12,.1f}")
    return 0


class Hours:
    """One run."""

    def __init__(self, load: SwapLoad) -> None:
        self._load = load
        self._assembly = Assembly(sources=("main",))
        self._detector = Detector()
        self.figures: dict[str, float] = {
            "base_mb": resident_mb(),
            "reference_us": reference_us(),
        }
        self._made_s = 0.0
        self._swaps = 0
        self._alerts: list[Any] = []

    def run(self, minutes: float, restart_at: float, progress: Progress) -> None:
        """Take all minutes, with the restart after that one."""
        bar = progress.add_task("event minutes", total=minutes)
        last_hour: list[tuple[float, int]] = []
        minute = 0.0
        while minute < minutes:
            step = min(5.0, minutes - minute)
            used_s, swaps = self._five(minute, step)
            if minute < FIRST_MINUTES:
                last_hour.append((used_s, swaps))
                self.figures["first_us"] = us_each(last_hour)
            if minute == FIRST_MINUTES:
                last_hour.clear()
            if minute >= max(FIRST_MINUTES, minutes - 60):
                last_hour.append((used_s, swaps))
            minute += step
            self._give_back()
            self.figures[f"mb_at_{minute:.0f}"] = resident_mb()
            progress.update(bar, completed=minute)
            if not sys.stderr.isatty() and minute % 15 == 0:
                sys.stderr.write(f"minute {minute:.0f}: {resident_mb():.0f} MB\n")
            if minute - step < restart_at <= minute:
                self._rebuild(minute, progress)
        self.figures["last_us"] = us_each(last_hour)
        self.figures["last_to_first"] = self.figures["last_us"] / self.figures["first_us"]
        self.figures["make_us"] = 1e6 * self._made_s / max(1, self._swaps)
        self.figures["swaps"] = self._swaps
        self.figures["alerts"] = len(self._alerts)
        self.figures["peak_mb"] = peak_mb()
        self.figures["reference_us_at_end"] = reference_us()

    def _five(self, first_minute: float, minutes: float) -> tuple[float, int]:
        """Take some minutes as they come; returns the CPU seconds of it, and the swaps."""
        used_s, swaps, slots = 0.0, 0, 0
        made_s = -time.process_time()
        for batch in self._load.batches(first_minute, minutes):
            begun_s = time.process_time()
            made_s += begun_s
            for closed in self._assembly.add(batch, 0, batch.tx_seq):
                self._alerts += [one.id for one in self._detector.step(closed)]
                slots += 1
                swaps += len(closed.swaps)
                if slots % PROJECTIONS_EVERY == 0:
                    used_s -= self._project()
            ended_s = time.process_time()
            used_s += ended_s - begun_s
            made_s -= ended_s
        made_s += time.process_time()
        self._made_s += made_s
        self._swaps += swaps
        return used_s, swaps

    def _give_back(self) -> None:
        """As the service does every five event minutes; what it takes is no part of a swap's."""
        begun_s = time.process_time()
        give_back()
        took_ms = 1e3 * (time.process_time() - begun_s)
        self.figures["give_back_ms_max"] = max(took_ms, self.figures.get("give_back_ms_max", 0))

    def _project(self) -> float:
        """As pages are shown it; returns what it cost, which is no part of a swap's."""
        begun_s = time.process_time()
        self._detector.tokens(500)
        took_s = time.process_time() - begun_s
        self.figures["projection_ms"] = 1e3 * took_s
        return took_s

    def _rebuild(self, minute: float, progress: Progress) -> None:
        """Forget all, and fold the horizon again from what the broker would hold."""
        before = self._told()
        first = max(0.0, minute - HORIZON_MINUTES)
        market = self._detector.market
        now_ms, since_ms = market.event_time_ms, market.covered_since_ms
        alerts = self._detector.episodes
        self._detector = Detector()
        self._assembly = Assembly(sources=("main",))
        del market
        gc.collect()
        self._detector.episodes = alerts
        restarts_at_ms = since_ms if first == 0 else now_ms - HORIZON_MINUTES * 60_000
        self._detector.restore((), restarts_at_ms=restarts_at_ms, evaluates_from_ms=now_ms)
        bar = progress.add_task("rebuild", total=minute - first)
        used_s, bodies = 0.0, 0
        for batch in self._load.batches(first, minute - first):
            body = compress(encode(batch))
            headers = {CONTENT_ENCODING: ZSTD}
            bodies += len(body)
            begun_s = time.process_time()
            for closed in self._assembly.add(batch_of(headers, body), 0, batch.tx_seq):
                self._detector.fold(closed)
            used_s += time.process_time() - begun_s
        progress.update(bar, completed=minute - first)
        self.figures["rebuild_s"] = used_s
        self.figures["rebuild_minutes"] = minute - first
        self.figures["rebuild_bytes_mb"] = bodies / 1e6
        self.figures["rebuilt_the_same"] = float(self._told() == before)

    def _told(self) -> list[Any]:
        market = self._detector.market
        busiest = sorted(market.tokens, key=lambda mint: (len(mint), mint))[:200]
        return [self._detector.token(mint)["metrics"] for mint in busiest]


def reference_us() -> float:
    """A thousand stores into a dict, in microseconds: about 30 on a core that is our own.

    On a machine that is shared every other figure grows with this one.
    """
    stored: dict[int, int] = {}
    best_s = 1.0
    for _ in range(200):
        begun_s = time.process_time()
        for number in range(1_000):
            stored[number] = number  # noqa: PERF403 -- what is measured
        best_s = min(best_s, time.process_time() - begun_s)
    return 1e6 * best_s


def us_each(parts: Iterable[tuple[float, int]]) -> float:
    """Microseconds a swap over some minutes."""
    parts = list(parts)
    return 1e6 * sum(used_s for used_s, _ in parts) / max(1, sum(swaps for _, swaps in parts))


def resident_mb() -> float:
    """What this process holds now."""
    return _status("VmRSS")


def peak_mb() -> float:
    """The most that this process ever held."""
    return _status("VmHWM")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1_000


if __name__ == "__main__":
    sys.exit(main())
