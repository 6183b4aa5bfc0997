"""The table of programs is data: read, checked, exchanged at run time, and named by revision."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pw_common.documents.programs import BadPrograms
from pw_common.wire.messages import Swap
from pw_parser.core.decode.programs import (
    BUILT_IN,
    KINDS,
    TABLE_ENTRIES_MAX,
    read_programs,
)
from pw_parser.core.parse import parse
from pw_parser.core.venues.layout import instruction_tag
from pw_parser.core.venues.registry import VENUES

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"


def line(**changes: Any) -> str:
    return json.dumps({"id": PUMP, "name": "one", "kind": "venue"} | changes)


def test_every_entry_says_where_it_comes_from_and_when_it_was_checked() -> None:
    assert len(BUILT_IN.by_key) >= 120
    for program in BUILT_IN.by_key.values():
        assert program.kind in KINDS
        assert program.source
        assert program.date >= "2026-11-24"


def test_every_layout_has_a_program_of_its_name() -> None:
    names = {program.name: program.kind for program in BUILT_IN.by_key.values()}
    for venue in VENUES.values():
        assert names[venue.name] == ("router" if venue.router else "venue")


def test_the_user_stands_where_the_instruction_says() -> None:
    pump = next(p for p in BUILT_IN.by_key.values() if p.name == "pumpfun")
    assert pump.user_places(instruction_tag("buy")) == (6,)
    for name in ("buy_v2", "sell_v2", "buy_exact_quote_in_v2"):
        assert pump.user_places(instruction_tag(name)) == (13,)


def test_another_table_gives_other_names_and_the_same_trade(buy: Any) -> None:
    update = buy("alice").update()
    (built_in,) = parse(update).events
    (renamed,) = parse(update, read_programs(line(name="curve_of_old"))).events
    assert isinstance(built_in, Swap)
    assert isinstance(renamed, Swap)
    assert (built_in.venues, renamed.venues) == (("pumpfun",), ("curve_of_old",))
    assert built_in.quote_amount_raw == renamed.quote_amount_raw
    # A table is an argument: the next reading without one is as before.
    assert parse(update).events == (built_in,)


def test_a_revision_is_of_the_entries_and_not_of_their_spelling() -> None:
    one, spaced = line(), json.dumps(json.loads(line()), indent=None, separators=(" , ", " : "))
    assert read_programs(one).revision == read_programs(f"\n{spaced}\n\n").revision
    assert read_programs(one).revision != read_programs(line(name="two")).revision


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        line(id="not a key"),
        line(kind="exchange"),
        line(name=""),
        line(name="unlisted:something"),
        line(users=[6]),
        line(users={"*": ["six"]}),
        line(takes=["not hex"]),
        line() + "\n" + line(name="two"),
        line() + "\n" + line(id=PUMPSWAP),
    ],
)
def test_a_table_that_cannot_be_used_names_the_line(text: str) -> None:
    with pytest.raises(BadPrograms, match=r"line [12]: "):
        read_programs(text)


def test_a_table_is_bounded() -> None:
    assert len(BUILT_IN.by_key) < TABLE_ENTRIES_MAX
