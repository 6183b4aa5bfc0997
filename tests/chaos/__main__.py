"""`make chaos`: the whole system under faults against what its cores make of the same market.

    make chaos ARGS="--faults 200 --seed 7 --report chaos.json"
    make chaos ARGS="--plant ack_before_store"      (must come out red)

Exit codes: 0 nothing lost, nothing doubled; 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from chaos.expected import expected
from chaos.outcome import Outcome
from chaos.plan import EACH_MIN, KINDS, SPACING_S, plan
from chaos.planted import PLANTS
from chaos.run import TPS, run
from chaos.verdict import Verdict, judge
from pw_common.topology.streams import GIB, MIB
from pw_common.wire.captures import CaptureWriter
from pw_replay.market import generate

# Few transactions a slot, so that the long form spans hours of event time: a restart then begins
# at a note within the stream, and not at its first message.
MARKET_TPS = 60
# How much longer than its faults the market of a slower run lasts.
SLOWER = 1.3


def write_market(
    path: Path, *, seed: int, faults: int, spacing_s: float = SPACING_S, tps: float = TPS
) -> Path:
    """A market that lasts for so many faults at the run's pace."""
    minutes = max(4.0, faults * spacing_s * tps / MARKET_TPS / 60)
    with CaptureWriter(path) as writer:
        for update in generate(seed=seed, minutes=minutes, tps=MARKET_TPS):
            writer.write(update)
    return path


async def compare(
    folder: Path,
    *,
    seed: int,
    kinds: list[str],
    plant: str = "",
    detector_bytes: int = GIB,
    tps: int = TPS,
    quiet: bool = False,
) -> tuple[Verdict, Outcome]:
    """What the market must give, a disturbed run over it, and what they differ in.

    Where detectors meet their memory limit, it must give what an undisturbed run gives.
    """

    def say(line: str) -> None:
        if not quiet:
            print(line, flush=True)

    for name in ("undisturbed", "disturbed"):
        if (folder / name).exists():
            # What an earlier run stored would be counted as this one's.
            raise SystemExit(f"{folder / name} is there already: choose another --folder")
    spacing_s = 9.0 if plant else SPACING_S
    market = folder / "market.pb.zst"
    if not market.is_file():
        # A slower pace is for a busy machine, where a fault takes longer too.
        lasting = min(TPS, tps * SLOWER)
        write_market(market, seed=seed, faults=len(kinds), spacing_s=spacing_s, tps=lasting)
    say(f"market of {market.stat().st_size / 1e6:.0f} MB; what it must give")
    if detector_bytes == GIB:
        wanted = expected(market)
    else:
        wanted = await run(folder / "undisturbed", market, faults=[], detector_bytes=detector_bytes)
    say(f"{len(kinds)} faults at {tps} tx/s")
    planted = (plant, PLANTS[plant].module) if plant else None
    outcome = await run(
        folder / "disturbed",
        market,
        faults=kinds,
        seed=seed,
        plant=planted,
        detector_bytes=detector_bytes,
        tps=tps,
        say=say,
    )
    return judge(wanted, outcome), outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=EACH_MIN * len(KINDS))
    parser.add_argument("--tps", type=int, default=TPS, help="pace of the source")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="")
    parser.add_argument("--only", choices=KINDS, help="one kind of fault")
    parser.add_argument(
        "--detector-mib",
        type=int,
        default=1_024,
        help="memory limit of the detectors; at 102 it is met all along",
    )
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    parser.add_argument("--folder", type=Path, help="keep logs and streams here")
    args = parser.parse_args()
    kinds = plan(args.seed, args.faults, (args.only,) if args.only else KINDS)
    if args.plant:
        kinds = PLANTS[args.plant].faults
    folder = args.folder or Path(tempfile.mkdtemp(prefix="pw-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    verdict, outcome = asyncio.run(
        compare(
            folder,
            seed=args.seed,
            kinds=kinds,
            plant=args.plant,
            detector_bytes=args.detector_mib * MIB,
            tps=args.tps,
        )
    )
    for kind, count in sorted(Counter(kind for kind, _ in outcome.landed).items()):
        print(f"  {count:4} x {kind}")
    for line in verdict.lines:
        print(line)
    if args.report:
        args.report.write_text(json.dumps(verdict.figures, indent=2) + "\n")
    if not verdict.is_clean:
        print(f"logs and streams of both runs are kept in {folder}")
        return 1
    if not args.folder:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
