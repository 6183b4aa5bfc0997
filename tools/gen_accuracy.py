"""docs/accuracy.md from real transactions: what is right, by venue. `--check` compares."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pw_common.wire.captures import read_capture
from pw_common.wire.messages import Swap
from pw_geyser import geyser_pb2
from pw_parser.core.balances.context import signature_text
from pw_parser.core.decode.programs import BUILT_IN, UNLISTED
from pw_parser.core.parse import Parsed, parse
from pw_parser.core.trades.reasons import REASONS
from pw_parser.core.venues.registry import VENUES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
QUOTE_TOLERANCE = 0.03
# Standard deviations that hold 95 % of a normal distribution.
Z_95 = 1.959964
# Mainnet began in March 2020; what was before it is a capture without a clock.
FIRST_S = 1_584_000_000

HEAD = """# Accuracy

Real mainnet transactions against expectations that independent decoders asserted or readers took
from balances, transfers and events. A trade is right where trader, side and token are; base
amounts must be equal to the unit, quote amounts within 3 % of what the program moved. Behind a
share stands its 95 % interval (Wilson): few trades prove little.

Made by `make accuracy` from the captures in `PW_CORPUS_DIR` and its folder `2026`; figures are of
these captures, {transactions:,} transactions of which {successful:,} succeeded and are not votes.

| set | trades | right | base exact | quote close | invented | other swaps | events disagree |
|---|---|---|---|---|---|---|---|
{sets}

"Other swaps" are those of a transaction with an expectation beyond the expected one: the second
leg of a token paid with a token, and second traders in one transaction.

## By year

| set | year | trades | right | base exact | quote close |
|---|---|---|---|---|---|
{years}

## By venue

"Agrees" counts swaps whose venue's own event states the same amounts, "else" those that it
contradicts, and "unheard" those about which no event speaks. "Unparsed" counts instructions and
events that the venue's layout table does not explain. A transaction through several venues counts
for each.

| venue | trades | right | base exact | quote close | swaps read | agrees | else | unheard | unparsed | layout checked |
|---|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501 - a table's head is one line

REASONS_HEAD = """
Without a real trade here, so that only the public source speaks for them: {unproven}.

## Reasons

Confidence is 1 less what a swap's reasons cost.

| reason | costs | what it says |
|---|---|---|
"""


@dataclass
class Row:
    """Counts of one venue."""

    expected: int = 0
    right: int = 0
    base: int = 0
    quote_known: int = 0
    quote: int = 0
    swaps: int = 0
    agrees: int = 0
    contradicts: int = 0
    unheard: int = 0
    unparsed: int = 0
    seen: bool = False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    args = parser.parse_args()
    folder = Path(os.environ.get("PW_CORPUS_DIR", "../shared/corpus"))
    if not (folder / "expected.jsonl").is_file():
        sys.stderr.write(f"no real transactions in {folder}: set PW_CORPUS_DIR\n")
        return 2
    page = page_of(folder)
    if args.check:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        sys.stderr.write(f"{PAGE.relative_to(ROOT)} is out of date: run make accuracy\n")
        return 1
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


@dataclass
class Set:
    """One folder of captures: its figures, in all and by year."""

    name: str
    total: Row = field(default_factory=Row)
    years: defaultdict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    nones: int = 0
    invented: int = 0
    others: int = 0
    swaps: int = 0
    disagree: int = 0


def page_of(folder: Path) -> str:
    """The whole page."""
    rows: defaultdict[str, Row] = defaultdict(Row)
    sets: list[Set] = []
    transactions = successful = 0
    for name, where in (("whole blocks, assorted", folder), ("2024 to 2026", folder / "2026")):
        if not (where / "expected.jsonl").is_file():
            continue
        parsed = _parsed(where)
        transactions += len(parsed)
        successful += sum(not (one.parsed.failed or one.parsed.vote) for one in parsed)
        sets.append(_set_of(name, where, parsed, rows))
    known = {program.name for program in BUILT_IN.by_key.values() if program.kind == "venue"}
    seen = {name for name in rows if rows[name].seen}
    head = HEAD.format(
        transactions=transactions,
        successful=successful,
        sets="\n".join(map(_set_line, sets)),
        years="\n".join(
            f"| {one.name} | {year or 'not stated'} | {_scores(one.years[year])} |"
            for one in sets
            for year in sorted(one.years)
        ),
    )
    reasons = [
        f"| `{name}` | {reason.penalty:g} | {reason.sentence} |" for name, reason in REASONS.items()
    ]
    rest = REASONS_HEAD.format(unproven=", ".join(sorted(known - seen)))
    return head + "\n".join(_lines(rows, seen)) + "\n" + rest + "\n".join(reasons) + "\n"


class Read(NamedTuple):
    """One transaction, and the year in which it was; empty where the capture does not say."""

    signature: str
    year: str
    parsed: Parsed


def _parsed(folder: Path) -> list[Read]:
    found = []
    for path in sorted(folder.glob("*.pb.gz")):
        for update in read_capture(path):
            one = parse(update)
            if one.kind == "transaction":
                raw = geyser_pb2.SubscribeUpdate.FromString(update)
                signature = signature_text(raw.transaction.transaction.signature)
                created_s = raw.created_at.seconds
                year = (
                    str(datetime.fromtimestamp(created_s, UTC).year) if created_s > FIRST_S else ""
                )
                found.append(Read(signature, year, one))
    return found


def _set_of(name: str, folder: Path, parsed: list[Read], rows: defaultdict[str, Row]) -> Set:
    made = Set(name)
    swaps: defaultdict[str, list[Swap]] = defaultdict(list)
    years = {one.signature: one.year for one in parsed}
    for _, _, one in parsed:
        _count_said(rows, one)
        for event in one.events:
            if isinstance(event, Swap):
                swaps[event.signature].append(event)
                made.swaps += 1
                made.disagree += "event_disagrees" in event.reasons
                _count_swap(rows, event)
    for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        want = json.loads(line)
        found = swaps.get(want["signature"], [])
        if want["expect"] == "none":
            made.nones += 1
            made.invented += bool(found)
            continue
        venues = {venue for swap in found for venue in swap.venues}
        year = made.years[years[want["signature"]]]
        for row in (made.total, year, *(rows[venue] for venue in venues)):
            _score(row, want, found)
        made.others += max(0, len(found) - 1)
    return made


def _set_line(one: Set) -> str:
    return (
        f"| {one.name} | {_scores(one.total)} | {one.invented} of {one.nones:,} | {one.others} "
        f"| {one.disagree} of {one.swaps} |"
    )


def _scores(row: Row) -> str:
    """Four cells: how many, and what share of them is right, exact, close."""
    cells = (
        _share(row.right, row.expected),
        _share(row.base, row.expected),
        _share(row.quote, row.quote_known),
    )
    return " | ".join((str(row.expected), *cells))


def _count_said(rows: defaultdict[str, Row], one: Parsed) -> None:
    for venue, _ in one.said.called:
        rows[venue].seen = True
    for unparsed in one.said.unparsed:
        rows[unparsed.venue].unparsed += 1


def _count_swap(rows: defaultdict[str, Row], swap: Swap) -> None:
    for venue in swap.venues:
        row = rows[venue]
        row.seen = True
        row.swaps += 1
        row.agrees += "event_agrees" in swap.reasons
        row.contradicts += "event_disagrees" in swap.reasons
        row.unheard += not {"event_agrees", "event_disagrees"} & set(swap.reasons)


def _score(row: Row, want: dict[str, Any], found: list[Swap]) -> None:
    row.expected += 1
    same = (want["trader"], want["side"], want["mint"])
    right = [swap for swap in found if (swap.trader, swap.side, swap.mint) == same]
    row.right += bool(right)
    row.base += any(str(swap.base_amount_raw) == want["base_amount_raw"] for swap in right)
    if want.get("quote_amount_raw"):
        target = int(want["quote_amount_raw"])
        row.quote_known += 1
        row.quote += any(
            swap.quote_mint == want["quote_mint"]
            and abs((swap.quote_amount_raw or 0) - target) <= QUOTE_TOLERANCE * target
            for swap in right
        )


def _lines(rows: defaultdict[str, Row], seen: set[str]) -> list[str]:
    lines = []
    for name in sorted(seen, key=lambda venue: (-rows[venue].swaps, venue)):
        row, venue = rows[name], VENUES.get(name)
        checked = venue.checked if venue is not None else "no layout"
        unparsed = row.unparsed if venue is not None else ""
        shown = f"`{name}`" if name.startswith(UNLISTED) else name
        lines.append(
            f"| {shown} | {_scores(row)} | {row.swaps} | {row.agrees} | "
            f"{row.contradicts} | {row.unheard} | {unparsed} | {checked} |"
        )
    return lines


def _share(count: int, of: int) -> str:
    """A share with its Wilson interval, in percent."""
    if not of:
        return "-"
    low, high = wilson(count, of)
    return f"{100 * count / of:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share of independent cases (Wilson 1927)."""
    share, z_squared = count / of, Z_95**2
    middle = share + z_squared / (2 * of)
    half = Z_95 * math.sqrt(share * (1 - share) / of + z_squared / (4 * of * of))
    return (middle - half) / (1 + z_squared / of), (middle + half) / (1 + z_squared / of)


if __name__ == "__main__":
    sys.exit(main())
