"""Cost of the parser's core over the real transactions in PW_CORPUS_DIR.

Prints the best of several passes in microseconds an update, over everything and
over transactions that are neither votes nor failures.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from pw_common.captures import read_capture
from pw_parser.core.parse import parse

PASSES = 5


def main() -> int:
    folder = Path(os.environ.get("PW_CORPUS_DIR", "../shared/corpus"))
    updates = [update for path in sorted(folder.glob("*.pb.gz")) for update in read_capture(path)]
    if not updates:
        sys.stderr.write(f"no captures in {folder}: set PW_CORPUS_DIR\n")
        return 2
    parsed = [(update, parse(update)) for update in updates]
    groups = {
        "all updates": updates,
        "votes": [u for u, p in parsed if p.vote],
        "failed, not votes": [u for u, p in parsed if p.failed and not p.vote],
        "not votes": [u for u, p in parsed if p.kind == "transaction" and not p.vote],
        "successful, not votes": [
            u for u, p in parsed if p.kind == "transaction" and not (p.vote or p.failed)
        ],
        "with events": [u for u, p in parsed if p.kind == "transaction" and p.events],
    }
    for name, group in groups.items():
        best_s = min(_pass_s(group) for _ in range(PASSES))
        print(f"{name:24} {len(group):6} updates {1e6 * best_s / max(1, len(group)):8.1f} us each")
    return 0


def _pass_s(updates: list[bytes]) -> float:
    begun_s = time.perf_counter()
    for update in updates:
        parse(update)
    return time.perf_counter() - begun_s


if __name__ == "__main__":
    sys.exit(main())
