"""Millions of swaps through history: folded a second, bytes a million, and how long answers take.

Writes `--swaps` of the load in `swap_load.py`, with texts as random as real ones, into a file as
the service does: decompress, decode, assemble, rows, one transaction for as many rows as it takes
at a time. Then asks what a token's page, a wallet's page and a search ask, `--asked` times each,
of tokens and wallets picked as often as they are traded.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.progress import Progress
from swap_load import SwapLoad

from pw_common.ordering.assembly import Assembly, TxPosition
from pw_common.ordering.restart import Note
from pw_common.wire.batches import batch_of
from pw_common.wire.envelope import CONTENT_ENCODING, ZSTD, compress
from pw_common.wire.history import (
    BuyersAsked,
    CandlesAsked,
    SearchAsked,
    SwapsAsked,
    WalletAsked,
)
from pw_common.wire.messages import encode
from pw_history.asked.reader import Reader
from pw_history.asked.rows import RowsAsked, answer_rows
from pw_history.core.progress import Progress as Reading
from pw_history.core.rows import RowMaker
from pw_history.store.file import NAME, open_file
from pw_history.store.schema import HOUR_MS
from pw_history.store.writer import Writer

ROWS_MAX = 20_000
MINUTES = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--swaps", type=int, default=40_000_000)
    parser.add_argument("--asked", type=int, default=60, help="how often each question is asked")
    parser.add_argument("--memory-mb", type=int, default=1_024)
    parser.add_argument("--folder", type=Path, help="keep the file here (default: a temporary one)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pw-bench-") as temporary:
        folder = args.folder or Path(temporary)
        bench = Bench(folder, args.seed, args.memory_mb << 20)
        if not bench.is_filled:
            with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
                bench.fill(args.swaps, bars)
        bench.ask(args.asked)
        figures = bench.figures
    if args.json:
        print(json.dumps(figures))
        return 0
    for name, value in figures.items():
        print(f"{name:32} {value:14,.1f}")
    return 0


class Bench:
    """One file."""

    def __init__(self, folder: Path, seed: int, memory_bytes: int) -> None:
        self._path = folder / NAME
        self._connection = open_file(folder, memory_bytes)
        self._writer = Writer(self._connection)
        self._seed = seed
        self.figures: dict[str, float] = {}

    @property
    def is_filled(self) -> bool:
        """Whether an earlier run has filled the file."""
        return self._writer.position() is not None

    def fill(self, swaps: int, bars: Progress) -> None:
        """Write so many swaps."""
        load = SwapLoad(self._seed, random_text=True)
        assembly = Assembly(sources=("main",))
        maker = RowMaker(None)
        reading = Reading("then", Note(0, 1, TxPosition(0, 1)))
        bar = bars.add_task("swaps", total=swaps)
        stored, minute, used_s, began_s = 0, 0.0, 0.0, time.perf_counter()
        stalls_s: list[float] = []
        while stored < swaps:
            for batch in load.batches(minute, MINUTES):
                body = compress(encode(batch))
                begun_s = time.perf_counter()
                read = batch_of({CONTENT_ENCODING: ZSTD}, body)
                reading.read(batch.tx_seq, 0, assembly)
                for closed in assembly.add(read, 0, batch.tx_seq):
                    maker.take(closed)
                    assert maker.session is not None
                    reading.take(closed, assembly, maker.session.number)
                if len(maker.rows) >= ROWS_MAX:
                    rows = maker.give()
                    writing_s = time.perf_counter()
                    position = reading.position(rows.slot, rows.event_time_ms)
                    stored += self._writer.write(rows, position).swaps
                    stalls_s.append(time.perf_counter() - writing_s)
                used_s += time.perf_counter() - begun_s
            minute += MINUTES
            bars.update(bar, completed=stored)
            if not sys.stderr.isatty() and int(minute) % 60 == 0:
                took_s = time.perf_counter() - began_s
                sys.stderr.write(
                    f"{stored:,} swaps, {stored / used_s:,.0f} folded a second, "
                    f"{took_s:,.0f} s, {_status('VmHWM') >> 10} MB\n"
                )
        self._connection.execute("CHECKPOINT")
        self.figures |= {
            "swaps": stored,
            "folded_a_second": stored / used_s,
            "longest_write_s": max(stalls_s),
            "bytes_per_million_mb": self._path.stat().st_size / stored,
            "peak_mb": _status("VmHWM") / 1024,
        }

    def ask(self, times: int) -> None:
        """Ask each question so often."""
        rng = random.Random(self._seed)  # noqa: S311 -- picks, no secret
        picked = self._connection.execute(
            f"SELECT mint, trader, signature FROM swaps USING SAMPLE {3 * times} ROWS"  # noqa: S608
            " (reservoir, 7)"
        ).fetchall()
        position = self._writer.position()
        assert position is not None
        now_ms = position.event_time_ms

        def day(mint: str) -> Any:
            return CandlesAsked(mint=mint, first_ms=now_ms - 24 * HOUR_MS, end_ms=now_ms + 1)

        questions: dict[str, Callable[[tuple[str, str, str]], RowsAsked]] = {
            "candles": lambda one: day(one[0]),
            "token_swaps": lambda one: SwapsAsked(mint=one[0], limit=100),
            "buyers": lambda one: BuyersAsked(mint=one[0], limit=100),
            "wallet": lambda one: WalletAsked(trader=one[1], limit=100),
            "wallet_swaps": lambda one: SwapsAsked(trader=one[1], limit=100),
            "wallet_profit": lambda one: WalletAsked(trader=one[1], mint=one[0]),
            "search_token": lambda _: SearchAsked(text=f"T{rng.randrange(1, 15_000)}"),
            "search_mint": lambda one: SearchAsked(text=one[0][:6]),
            "search_wallet": lambda one: SearchAsked(text=one[1][:8]),
            "search_signature": lambda one: SearchAsked(text=one[2]),
        }
        for name, question in questions.items():
            took_ms = sorted(self._took_ms(question(one)) for one in rng.sample(picked, times))
            self.figures[f"{name}_p50_ms"] = took_ms[len(took_ms) // 2]
            self.figures[f"{name}_p95_ms"] = took_ms[int(len(took_ms) * 0.95)]
        self.figures["peak_with_questions_mb"] = _status("VmHWM") / 1024

    def _took_ms(self, asked: RowsAsked) -> float:
        began_s = time.perf_counter()
        reader = Reader(self._connection)
        reader.head(asked)
        rows = sum(1 for _ in _all(reader, asked))
        reader.close()
        assert rows >= 0
        return 1_000 * (time.perf_counter() - began_s)


def _all(reader: Reader, asked: RowsAsked) -> Iterator[Any]:
    try:
        yield from answer_rows(reader, asked)
    except duckdb.Error as error:
        raise SystemExit(f"{asked}: {error}") from error


def _status(name: str) -> int:
    """A line of this process's status, in kB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(name)


if __name__ == "__main__":
    sys.exit(main())
