"""The list of transactions and what was traded in them: facts, one line each."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Final, Literal

import msgspec

FOLDER: Final = Path(__file__).resolve().parent.parent
LIST: Final = FOLDER / "trades.jsonl"
UNKNOWN_YEAR: Final = "unknown"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trade, or that a transaction holds none.

    `expect` is `trade`; or `leg`, one of the two tokens where a token was paid with a token, of
    which either is right; or `none`. Slot and year are absent where nothing states them. A quote is
    absent where the trade has none, or where no second source confirms ours.
    """

    signature: str
    slot: int | None = None
    year: int | None = None
    expect: Literal["trade", "leg", "none"]
    # Of a trade: venues joined by `+`. Of none: what the transaction is instead.
    venue: str
    trader: str = ""
    mint: str = ""
    side: Literal["buy", "sell", ""] = ""
    base_amount_raw: str = ""
    quote_mint: str | None = None
    quote_amount_raw: str | None = None
    # What confirms our reading: another reader's expectation, or the balances.
    checked: Literal["expectation", "balances"]

    @property
    def venues(self) -> list[str]:
        """The venues by name."""
        return self.venue.split("+")

    @property
    def year_text(self) -> str:
        """The year, as a name of a row."""
        return UNKNOWN_YEAR if self.year is None else str(self.year)


class BadList(ValueError):
    """A list that cannot be read; says where."""


def read_list(path: Path = LIST) -> list[Entry]:
    """Every line of a list. Raises BadList, OSError."""
    decoder = msgspec.json.Decoder(Entry)
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(decoder.decode(line))
        except msgspec.MsgspecError as error:
            raise BadList(f"{path.name}:{number}: {error}") from error
    return found


def list_text(entries: list[Entry]) -> bytes:
    """The list as it is stored."""
    return b"".join(msgspec.json.encode(one) + b"\n" for one in entries)


def list_digest(path: Path = LIST) -> str:
    """Which list a result is of: the first 12 digits of its sha-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def by_signature(entries: list[Entry]) -> dict[str, list[Entry]]:
    """The lines of each transaction, in the list's order."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for one in entries:
        found[one.signature].append(one)
    return dict(found)
