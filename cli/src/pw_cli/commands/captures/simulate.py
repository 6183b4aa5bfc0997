"""`pw simulate`: write a generated market to a capture file.

The same seed, length and rate give the same updates, and with the same zstd the same file.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pw_cli.up.options.market_arguments import add_market_arguments
from pw_common.wire.framing import frame
from pw_replay.market import campaigns, generate_labelled, presets
from pw_replay.market.slots import START_SLOT, START_TIME_S

SUFFIX = ".pb.zst"
# Captures are read more often than written; level 3 is zstd's own default.
_LEVEL = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `pw simulate`."""
    parser.add_argument("--seed", type=int, default=1, help="which market (default 1)")
    parser.add_argument(
        "--minutes", type=_above_zero, default=10.0, help="how much of it, above 0 (default 10)"
    )
    parser.add_argument(
        "--tps",
        type=_above_zero,
        default=200.0,
        help="transactions per second, votes and failures included (default 200)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar=f"FILE{SUFFIX}", help="the capture to write"
    )
    parser.add_argument("--start-slot", type=int, default=START_SLOT, help="its first slot")
    parser.add_argument(
        "--start-time", type=int, default=START_TIME_S, help="that slot's time, Unix seconds"
    )
    # The figures of load and size were measured with this, so it stays the default.
    add_market_arguments(parser, default=presets.DENSE)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the capture; 0 when written, 2 when the arguments cannot work."""
    out: Path = args.out
    problem = _problem(args)
    if problem:
        print(f"pw simulate: {problem}", file=sys.stderr)
        return 2
    partial = out.with_name(out.name + ".part")
    try:
        with partial.open("wb") as file, _progress(args.minutes * args.tps * 60) as advance:
            summary = _write(args, file, advance)
        partial.replace(out)
    except OSError as error:
        print(f"pw simulate: --out {out}: cannot be written: {error}", file=sys.stderr)
        return 2
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    summary["out"] = str(out)
    summary["file_bytes"] = out.stat().st_size
    _print(summary, as_json=args.json)
    return 0


def _problem(args: argparse.Namespace) -> str:
    out: Path = args.out
    if not out.name.endswith(SUFFIX):
        return f"--out {out}: a generated capture is zstd; give a name that ends in {SUFFIX}"
    if not out.parent.is_dir():
        return f"--out {out}: the folder {out.parent} does not exist; create it first"
    if args.start_slot < 1:
        return f"--start-slot {args.start_slot}: slots start at 1"
    return ""


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _write(
    args: argparse.Namespace, file: BinaryIO, advance: Callable[[int], None]
) -> dict[str, object]:
    digest = hashlib.sha256()
    counts: Counter[str] = Counter()
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    market = generate_labelled(
        *(args.seed, args.minutes, args.tps, args.start_slot, args.start_time),
        preset=args.preset,
        failures=args.failures,
    )
    with compressor.stream_writer(file, closefd=False) as writer:
        while chunk := list(itertools.islice(market, 512)):
            body = b"".join(frame(update) for update, _ in chunk)
            digest.update(body)
            writer.write(body)
            counts["updates"] += len(chunk)
            counts["raw_bytes"] += len(body)
            for _, truth in chunk:
                if truth:
                    counts["trades"] += 1
                    counts["campaign_trades"] += bool(truth.campaign)
            advance(len(chunk))
    planned = campaigns(args.seed, args.minutes, args.tps, args.start_slot)
    return {
        "seed": args.seed,
        "minutes": args.minutes,
        "tps": args.tps,
        "preset": args.preset,
        **{name: counts[name] for name in ("updates", "trades", "campaign_trades", "raw_bytes")},
        "campaigns": dict(Counter(one.kind for one in planned)),
        "sha256_raw": digest.hexdigest(),
    }


@contextmanager
def _progress(expected: float) -> Iterator[Callable[[int], None]]:
    """A bar on stderr when that is a terminal; otherwise nothing."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("simulating"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("simulating", total=expected)
        yield lambda count: progress.advance(task, count)


def _print(summary: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary, sort_keys=True))
        return
    for name, value in summary.items():
        print(f"{name:16} {value}")
