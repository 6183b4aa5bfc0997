"""Answers against the list: what is right, wrong, missing, extra, by venue and by year. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec
from gen_accuracy import wilson

from pw_benchmark.listed import Entry, by_signature

# A venue's own fee counts to what a trade cost, or does not: both are right.
QUOTE_TOLERANCE: Final = 0.03


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One trade as a reader gives it; raw amounts as text or number."""

    trader: str
    side: Literal["buy", "sell"]
    mint: str
    base_amount_raw: str | int
    quote_mint: str | None = None
    quote_amount_raw: str | int | None = None

    def __post_init__(self) -> None:
        """A reader's mistake is its own: an amount that is none is refused where it is read."""
        for amount in (self.base_amount_raw, self.quote_amount_raw):
            if amount is not None and not str(amount).isdecimal():
                raise ValueError(f"{amount!r}: amounts are whole numbers of the smallest unit")


@dataclass
class Row:
    """Counts of one venue, one year, or all.

    `right` has trader, token and side; `base` the exact amount too; `quote` the quote of those
    of which it is listed. `missing` are listed trades of which no answer names trader and token.
    """

    trades: int = 0
    right: int = 0
    base: int = 0
    quote_listed: int = 0
    quote: int = 0
    missing: int = 0
    extra: int = 0


@dataclass
class Score:
    """A whole result.

    `invented` counts transactions without a trade that got one, of the `nothing` that were read:
    a reader that fails on them all has not been right about any.
    """

    total: Row = field(default_factory=Row)
    venues: dict[str, Row] = field(default_factory=dict)
    years: dict[str, Row] = field(default_factory=dict)
    nothing: int = 0
    invented: int = 0
    transactions: int = 0
    listed: int = 0
    unanswered: int = 0


def score(
    entries: Iterable[Entry], answers: Mapping[str, list[Trade] | None], present: set[str]
) -> Score:
    """Score the answers to the listed transactions that a capture holds.

    Args:
        entries: The list.
        answers: Trades by signature; None where the reader failed on the transaction.
        present: The signatures that were there to be read.
    """
    made = Score()
    for signature, lines in by_signature(list(entries)).items():
        made.listed += 1
        if signature not in present:
            continue
        made.transactions += 1
        given = answers.get(signature)
        made.unanswered += given is None
        if given is not None or lines[0].expect != "none":
            _transaction(made, lines, list(given or ()))
    return made


def _transaction(made: Score, lines: list[Entry], left: list[Trade]) -> None:
    if lines[0].expect == "none":
        made.nothing += 1
        made.invented += bool(left)
        made.total.extra += len(left)
        made.years.setdefault(lines[0].year_text, Row()).extra += len(left)
        return
    groups = _groups(lines)
    matched = [[(one, _taken(one, left)) for one in group] for group in groups]
    # What nothing listed took away is beyond the list; a second time the same is too.
    for group, pairs in zip(groups, matched, strict=True):
        for row in _rows(made, group[0]):
            _count(row, pairs, left)
    for row in _rows(made, lines[0]):
        row.extra += len(left)


def _groups(lines: list[Entry]) -> list[list[Entry]]:
    """One group for each trade: the two legs of a wallet's token paid with a token are one."""
    legs: defaultdict[str, list[Entry]] = defaultdict(list)
    groups = []
    for one in lines:
        if one.expect != "leg":
            groups.append([one])
        else:
            if not legs[one.trader]:
                groups.append(legs[one.trader])
            legs[one.trader].append(one)
    return groups


def _taken(one: Entry, left: list[Trade]) -> Trade | None:
    """The best answer to a listed trade, which no other may take then."""
    same = [t for t in left if (t.trader, t.mint, t.side) == (one.trader, one.mint, one.side)]
    if not same:
        return None
    best = max(same, key=lambda trade: (_base_is_right(one, trade), _quote_is_right(one, trade)))
    left.remove(best)
    return best


def _count(row: Row, pairs: list[tuple[Entry, Trade | None]], left: list[Trade]) -> None:
    answered = [(one, trade) for one, trade in pairs if trade is not None]
    row.trades += 1
    row.right += bool(answered)
    row.base += any(_base_is_right(one, trade) for one, trade in answered)
    # One leg has the other for its quote, which is not listed.
    if len(pairs) == 1 and pairs[0][0].quote_amount_raw is not None:
        row.quote_listed += 1
        row.quote += any(_quote_is_right(one, trade) for one, trade in answered)
    if not answered:
        named = {(trade.trader, trade.mint) for trade in left}
        row.missing += not any((one.trader, one.mint) in named for one, _ in pairs)


def _base_is_right(one: Entry, trade: Trade) -> bool:
    return str(trade.base_amount_raw) == one.base_amount_raw


def _quote_is_right(one: Entry, trade: Trade) -> bool:
    if one.quote_amount_raw is None or trade.quote_amount_raw is None:
        return False
    target = int(one.quote_amount_raw)
    apart = abs(int(trade.quote_amount_raw) - target)
    return trade.quote_mint == one.quote_mint and apart <= QUOTE_TOLERANCE * target


def _rows(made: Score, one: Entry) -> list[Row]:
    year = made.years.setdefault(one.year_text, Row())
    return [made.total, year, *(made.venues.setdefault(name, Row()) for name in one.venues)]


def share_text(count: int, of: int) -> str:
    """A share with its 95 % interval, in percent."""
    if not of:
        return "-"
    low, high = wilson(count, of)
    share = "100" if count == of else f"{100 * count / of:.1f}"
    return f"{share} ({100 * low:.0f}-{100 * high:.0f})"


def figures(made: Score) -> dict[str, object]:
    """Everything as JSON."""
    return {
        "listed": made.listed,
        "transactions": made.transactions,
        "unanswered": made.unanswered,
        "without_trade": made.nothing,
        "invented": _share(made.invented, made.nothing),
        "total": _row(made.total),
        "years": {name: _row(made.years[name]) for name in sorted(made.years)},
        "venues": {name: _row(made.venues[name]) for name in by_size(made.venues)},
    }


def by_size(rows: Mapping[str, Row]) -> list[str]:
    """Names, those with most trades first."""
    return sorted(rows, key=lambda name: (-rows[name].trades, name))


def _row(row: Row) -> dict[str, object]:
    return {
        "trades": row.trades,
        "right": _share(row.right, row.trades),
        "base": _share(row.base, row.trades),
        "quote": _share(row.quote, row.quote_listed),
        "missing": row.missing,
        "extra": row.extra,
    }


def _share(count: int, of: int) -> dict[str, object]:
    if not of:
        return {"count": 0, "of": 0, "percent": None, "low": None, "high": None}
    low, high = wilson(count, of)
    percents = (100 * count / of, 100 * low, 100 * high)
    share, least, most = (round(one, 1) for one in percents)
    return {"count": count, "of": of, "percent": share, "low": least, "high": most}
