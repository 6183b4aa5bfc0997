"""What making a generated market costs, by preset: CPU time, so that a busy machine matters less.

    python bench/bench_market.py [--minutes 2] [--tps 200] [--rounds 3]

The best of the rounds counts. Prints transactions a second of CPU, bytes and trades a
transaction, and what a transaction of the varied market costs beside one of the dense.
"""

from __future__ import annotations

import argparse
import time

from pw_replay.market import generate_labelled
from pw_replay.market.presets import DENSE, PRESETS, VARIED


def one_round(preset: str, seed: int, minutes: float, tps: float) -> tuple[float, int, int, int]:
    """CPU seconds, transactions, their bytes, and trades."""
    count = size = trades = 0
    began = time.process_time()
    for update, truth in generate_labelled(seed, minutes, tps, preset=preset):
        # A transaction is field 4 of an update, behind its filters.
        if update[8] == 0x22:
            count += 1
            size += len(update)
            trades += truth is not None
    return time.process_time() - began, count, size, trades


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--tps", type=float, default=200.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    cost_us: dict[str, float] = {}
    for preset in PRESETS:
        rounds = [one_round(preset, args.seed, args.minutes, args.tps) for _ in range(args.rounds)]
        seconds, count, size, trades = min(rounds)
        cost_us[preset] = seconds / count * 1e6
        print(
            f"{preset:7} {count / seconds:8.0f} tx/s  {cost_us[preset]:6.1f} us a transaction  "
            f"{size / count:6.0f} bytes  {trades / count:.2f} trades a transaction"
        )
    print(f"varied / dense: {cost_us[VARIED] / cost_us[DENSE]:.2f}")


if __name__ == "__main__":
    main()
