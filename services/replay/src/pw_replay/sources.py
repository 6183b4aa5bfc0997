"""Where the items of a pass come from: captures on disk, or the generated market."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pw_common.wire.captures import read_capture
from pw_replay.core.items import NS, Item, read_item
from pw_replay.core.shift import Shift, shift_of
from pw_replay.market import generate

# One pass: each call gives its updates again, as runs that each begin with a discontinuity.
Runs = Callable[[], Iterator[Iterator[bytes]]]


def capture_runs(paths: list[Path]) -> Runs:
    """Captures as runs, in the order of their first slot."""
    ordered = sorted(paths, key=_first_slot)
    return lambda: (read_capture(path) for path in ordered)


def market_runs(seed: int, minutes: float, tps: float, preset: str, failures: float) -> Runs:
    """The generated market as one run."""

    def market() -> Iterator[bytes]:
        return generate(seed=seed, minutes=minutes, tps=tps, preset=preset, failures=failures)

    return lambda: iter((market(),))


def passes(runs: Runs, *, loop: bool) -> Iterator[Item]:
    """Every item of every pass, shifted; the first item of a run declares a discontinuity."""
    first_slot, last_slot, first_s, last_s = 0, 0, 0, 0
    for number in itertools.count():
        shift = (
            shift_of(number, first_slot, last_slot, first_s, last_s) if number else Shift(0, 0, 0)
        )
        for run in runs():
            begins = True
            for update in run:
                item = read_item(update)
                if number == 0 and item.slot:
                    first_slot = min(first_slot or item.slot, item.slot)
                    last_slot = max(last_slot, item.slot)
                clock_s = item.block_time_s or item.created_ns // NS
                if number == 0 and clock_s:
                    first_s = min(first_s or clock_s, clock_s)
                    last_s = max(last_s, clock_s)
                moved = shift.apply(item)
                yield replace(moved, discontinuity=True) if begins else moved
                begins = False
        if not loop:
            return


def _first_slot(path: Path) -> int:
    for update in read_capture(path):
        slot = read_item(update).slot
        if slot:
            return slot
    return 0
