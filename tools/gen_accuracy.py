"""docs/accuracy.md from real transactions: what is right, by venue. `--check` compares."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pw_common.captures import read_capture
from pw_common.messages import Swap
from pw_parser.core.parse import Parsed, parse
from pw_parser.core.programs import EXCHANGES, VENUE_KINDS
from pw_parser.core.reasons import REASONS
from pw_parser.core.venues.registry import VENUES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
QUOTE_TOLERANCE = 0.03

HEAD = """# Accuracy

Real mainnet transactions against expectations that independent decoders asserted. A trade is
right where trader, side and token are; base amounts must be equal to the unit, quote amounts
within 3 % of what the program moved. "Agrees" counts swaps whose venue's own event states the
same amounts, "else" those that it contradicts, and "unheard" those about which no event speaks.
"Unparsed" counts instructions and events that the venue's layout table does not explain.

Made by `make accuracy` from the captures in `PW_CORPUS_DIR`; figures are of these captures,
{transactions:,} transactions of which {successful:,} succeeded and are no votes.

**All trades: {trades} expected, right {right:.1f} %, base exact {base:.1f} %, quote close
{quote:.1f} %. Invented where there is none: {invented} of {nones:,}.**

| venue | expected | right | base exact | quote close | swaps read | agrees | else | unheard | unparsed | layout checked |
|---|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501 - a table's head is one line

REASONS_HEAD = """
Venues without a real transaction here are marked `unproven`: their tables come from the public
source alone. A transaction through several venues counts for each.

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


def page_of(folder: Path) -> str:
    """The whole page."""
    updates = [u for path in sorted(folder.glob("*.pb.gz")) for u in read_capture(path)]
    parsed = [one for one in map(parse, updates) if one.kind == "transaction"]
    swaps: defaultdict[str, list[Swap]] = defaultdict(list)
    rows: defaultdict[str, Row] = defaultdict(Row)
    for one in parsed:
        _count_said(rows, one)
        for event in one.events:
            if isinstance(event, Swap):
                swaps[event.signature].append(event)
                _count_swap(rows, event)
    lines = (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = [json.loads(line) for line in lines if line.strip()]
    total, nones, invented = Row(), 0, 0
    for want in wanted:
        found = swaps.get(want["signature"], [])
        if want["expect"] == "none":
            nones += 1
            invented += bool(found)
            continue
        venues = {venue for swap in found for venue in swap.venues}
        for row in [total, *(rows[venue] for venue in venues)]:
            _score(row, want, found)
    head = HEAD.format(
        transactions=len(parsed),
        successful=sum(not (one.failed or one.vote) for one in parsed),
        trades=total.expected,
        right=100 * total.right / total.expected,
        base=100 * total.base / total.expected,
        quote=100 * total.quote / total.quote_known,
        invented=invented,
        nones=nones,
    )
    reasons = [
        f"| `{name}` | {reason.penalty:.1f} | {reason.sentence} |"
        for name, reason in REASONS.items()
    ]
    return head + "\n".join(_lines(rows)) + "\n" + REASONS_HEAD + "\n".join(reasons) + "\n"


def _count_said(rows: defaultdict[str, Row], one: Parsed) -> None:
    for venue, _ in one.findings.said.called:
        rows[venue].seen = True
    for unparsed in one.findings.said.unparsed:
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


def _lines(rows: defaultdict[str, Row]) -> list[str]:
    known = {program.name for program in EXCHANGES.values() if program.kind in VENUE_KINDS}
    known |= set(VENUES)
    lines = []
    for name in sorted(known, key=lambda venue: (-rows[venue].swaps, venue)):
        row, venue = rows[name], VENUES.get(name)
        checked = venue.checked if venue is not None else "no layout"
        if not row.seen:
            lines.append(f"| {name} | `unproven` | | | | | | | | | {checked} |")
            continue
        scores = (_share(n, row.expected) for n in (row.right, row.base))
        unparsed = row.unparsed if venue is not None else ""
        lines.append(
            f"| {name} | {row.expected} | {' | '.join(scores)} | "
            f"{_share(row.quote, row.quote_known)} | {row.swaps} | {row.agrees} | "
            f"{row.contradicts} | {row.unheard} | {unparsed} | {checked} |"
        )
    return lines


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "-"


if __name__ == "__main__":
    sys.exit(main())
