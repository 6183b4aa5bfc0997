"""Cost of the detector's core: microseconds a swap to fold and evaluate a generated market.

Prints folding alone, then folding with evaluation, by the shipped rules; the best of several
passes. `--seed`, `--minutes` and `--tps` make another market.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pw_cli.offline.offline import closed_slots
from pw_common.ordering.assembly import ClosedSlot
from pw_common.wire.captures import CaptureWriter
from pw_detection.detector import Detector
from pw_replay.market import generate

PASSES = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--tps", type=float, default=80.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "market.pb.zst"
        with CaptureWriter(path) as writer:
            for update in generate(seed=args.seed, minutes=args.minutes, tps=args.tps):
                writer.write(update)
        slots = list(closed_slots([path]))
    swaps = sum(len(slot.swaps) for slot in slots)
    print(f"{len(slots)} slots, {swaps} swaps")
    for name, take in (("fold", Detector.fold), ("fold and evaluate", Detector.step)):
        best_s = min(_pass_s(slots, take) for _ in range(PASSES))
        print(f"{name:20} {1e6 * best_s / max(1, swaps):8.1f} us a swap")
    return 0


def _pass_s(slots: list[ClosedSlot], take: Callable[[Detector, ClosedSlot], object]) -> float:
    detector = Detector()
    begun_s = time.perf_counter()
    for slot in slots:
        take(detector, slot)
    return time.perf_counter() - begun_s


if __name__ == "__main__":
    sys.exit(main())
