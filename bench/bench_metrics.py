"""The cost of one count, without labels and with one.

python bench/bench_metrics.py [--counts 200000]
"""

from __future__ import annotations

import argparse
import time

from pw_common.service.metrics import Metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, default=200_000)
    counts = parser.parse_args().counts
    metrics = Metrics("ingest", "bench")
    for shown, name, labels in (
        ("no label", "pw_ingest_updates_total", {}),
        ("one label", "pw_publish_retries_total", {"why": "full"}),
    ):
        began_s = time.process_time()
        for _ in range(counts):
            metrics.count(name, 1, **labels)
        each_us = (time.process_time() - began_s) / counts * 1e6
        assert metrics.total(name) == counts
        print(f"{shown}: {each_us:.2f} µs a count")
    metrics.close()


if __name__ == "__main__":
    main()
