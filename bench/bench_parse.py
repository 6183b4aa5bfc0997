"""Cost of the parser's core over the real transactions in PW_CORPUS_DIR.

Prints microseconds an update, over everything and over transactions that are neither votes nor
failures: for each update the best of several passes, since a shared machine is never quiet for
a whole pass. `--against DIR` runs the parser of another checkout (its services/parser/src) in
turns with this one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PASSES = 12
HERE = Path(__file__).parent.parent / "services" / "parser" / "src"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="DIR", type=Path)
    parser.add_argument("--passes", type=int, default=PASSES)
    parser.add_argument("--worker", metavar="DIR", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = Path(os.environ.get("PW_CORPUS_DIR", "../shared/corpus"))
    if not any(folder.glob("*.pb.gz")):
        sys.stderr.write(f"no captures in {folder}: set PW_CORPUS_DIR\n")
        return 2
    if args.worker is not None:
        return worker(args.worker, folder)
    sources = [HERE, *([args.against] if args.against else [])]
    running = [_start(source) for source in sources]
    for _ in range(args.passes):
        answers = [_ask(process) for process in running]
    for process in running:
        process.stdin.close()
        process.wait()
    for name, (count, cost_us) in answers[0].items():
        line = f"{name:24} {count:6} updates {cost_us:8.1f} us each"
        if len(answers) > 1:
            other_us = answers[1][name][1]
            line += f", {other_us:8.1f} us there: {100 * (cost_us / other_us - 1):+.1f} %"
        print(line)
    return 0


def _start(source: Path) -> Any:
    command = [sys.executable, __file__, "--worker", str(source)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(process: Any) -> dict[str, tuple[int, float]]:
    process.stdin.write("pass\n")
    process.stdin.flush()
    answer: dict[str, tuple[int, float]] = json.loads(process.stdout.readline())
    return answer


def worker(source: Path, folder: Path) -> int:
    """One pass for each line of input; answers with the best so far, by group."""
    sys.path.insert(0, str(source.resolve()))
    from pw_common.wire.captures import read_capture  # noqa: PLC0415 - after the path is set
    from pw_parser.core.parse import parse  # noqa: PLC0415

    updates = [update for path in sorted(folder.glob("*.pb.gz")) for update in read_capture(path)]
    groups = [_groups(parse(update)) for update in updates]
    best_s = [float("inf")] * len(updates)
    for _ in sys.stdin:
        for at, update in enumerate(updates):
            begun_s = time.perf_counter()
            parse(update)
            best_s[at] = min(best_s[at], time.perf_counter() - begun_s)
        answer: dict[str, tuple[int, float]] = {}
        for name in dict.fromkeys(name for names in groups for name in names):
            of = [cost for cost, names in zip(best_s, groups, strict=True) if name in names]
            answer[name] = len(of), 1e6 * sum(of) / len(of)
        print(json.dumps(answer), flush=True)
    return 0


def _groups(parsed: Any) -> tuple[str, ...]:
    if parsed.kind != "transaction" or parsed.vote:
        return ("all updates", "votes") if parsed.vote else ("all updates",)
    if parsed.failed:
        return "all updates", "failed, not votes", "not votes"
    names = ("all updates", "not votes", "successful, not votes")
    swap = any(type(event).__name__ == "Swap" for event in parsed.events)
    return (*names, "with swaps") if swap else names


if __name__ == "__main__":
    sys.exit(main())
