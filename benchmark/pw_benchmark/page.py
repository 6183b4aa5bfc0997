"""Results that are kept, and docs/benchmark.md made from them.

A result of ours is measured again by the tests; one of a public decoder is kept as it was
measured, with the list that it was measured on, since not everybody has the decoder.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from pw_benchmark.listed import FOLDER, list_digest, read_list
from pw_benchmark.scoring import Score, by_size, share_text
from pw_benchmark.table import cells, markdown
from pw_common.process.clock import now_ms

RESULTS: Final = FOLDER / "results"
PAGE: Final = FOLDER.parent / "docs" / "benchmark.md"
# Ours come first, then the others by name.
OURS: Final = ("parser", "sign-rule")

HEAD: Final = """# Benchmark

Which trades does a reader of Solana transactions find? {listed} real transactions are listed with
what was traded in them: {trades} trades, and {nothing} transactions that hold none. How they were
chosen and checked, and how to run this on a reader of your own, is in
[benchmark/README.md](../benchmark/README.md).

**right**: trader, token and side. **base**: the token's amount too, to the unit. **quote**: what
was paid or got, within 3 %, of trades whose quote is listed. **missing**: no answer names trader
and token. **extra**: answers beyond the list. **invented**: transactions without a trade that got
one, of those that the reader could read. A route counts in each of its venues, so their trades are
more than there are. In brackets stands the 95 % interval (Wilson): few trades prove little.

The list rests on our own parser's readings, kept only where a second source agrees. So a trade
that our parser reads wrongly is not listed, and its own figures here are a check and no contest.
For that see [accuracy.md](accuracy.md), which is scored against what others wrote down.

This page is made by `make benchmark ARGS=--write`.

| reader | measured | list | trades | right % | base % | quote % | missing | extra | invented % |
|---|---|---|---|---|---|---|---|---|---|
"""


class Result(msgspec.Struct, kw_only=True):
    """One reader's result on one list."""

    reader: str
    version: str
    measured: str
    list_digest: str
    score: Score


def path_of(reader: str) -> Path:
    """Where a reader's result is kept."""
    return RESULTS / f"{reader}.json"


def kept() -> list[Result]:
    """Every result that is kept. Raises msgspec.MsgspecError, OSError."""
    found = [read(path) for path in RESULTS.glob("*.json")]
    return sorted(found, key=lambda one: (one.reader not in OURS, one.reader))


def read(path: Path) -> Result:
    """One result. Raises msgspec.MsgspecError, OSError."""
    return msgspec.json.decode(path.read_bytes(), type=Result)


def keep(reader: str, version: str, made: Score) -> bool:
    """Keep a result under today's date; one that is the same keeps the date it has."""
    path = path_of(reader)
    today = datetime.fromtimestamp(now_ms() / 1000, UTC).date().isoformat()
    result = Result(
        reader=reader, version=version, measured=today, list_digest=list_digest(), score=made
    )
    if path.is_file():
        before = read(path)
        if msgspec.structs.replace(result, measured=before.measured) == before:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    body = msgspec.json.format(msgspec.json.encode(result, order="sorted"), indent=1)
    path.write_bytes(body + b"\n")
    return True


def page_text() -> str:
    """The page, from the list and the results that are kept."""
    entries = read_list()
    results = kept()
    head = HEAD.format(
        listed=len({one.signature for one in entries}),
        trades=_trades(results, entries_trades=sum(one.expect == "trade" for one in entries)),
        nothing=sum(one.expect == "none" for one in entries),
    )
    lines = [_line(one) for one in results]
    parts = [head + "\n".join(lines) + "\n"]
    parts += [_section(one) for one in results]
    return "\n".join(parts)


def _trades(results: list[Result], entries_trades: int) -> int:
    # Two legs are one trade, which the scorer counts.
    digest = list_digest()
    current = [one.score.total.trades for one in results if one.list_digest == digest]
    return current[0] if current else entries_trades


def _line(one: Result) -> str:
    row = cells(f"{one.reader} {one.version}", one.score.total)
    invented = share_text(one.score.invented, one.score.nothing)
    shown = (row[0], one.measured, f"`{one.list_digest}`", *row[1:], invented)
    return f"| {' | '.join(shown)} |"


def _section(one: Result) -> str:
    made = one.score
    said = f"{made.transactions} of {made.listed} listed transactions"
    if made.unanswered:
        said += f", {made.unanswered} of which it could not read"
    return (
        f"## {one.reader}\n\nVersion {one.version}, measured {one.measured} on list "
        f"`{one.list_digest}`: {said}.\n\n"
        f"{markdown(made.years, sorted(made.years), 'year')}\n\n"
        f"{markdown(made.venues, by_size(made.venues), 'venue')}\n"
    )
