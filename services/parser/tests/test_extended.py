"""Users' entries beside the shipped table: they name, override and keep the same revision."""

from __future__ import annotations

from typing import Any

from pw_common.documents.programs import ProgramEntry, ProgramTable, read_programs
from pw_common.wire.messages import Swap
from pw_parser.core.decode.programs import BUILT_IN, extended
from pw_parser.core.parse import parse
from pw_parser.isolate import crashing_updates

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
OTHER = "1" * 31 + "2"


def table(**changes: Any) -> ProgramTable:
    return read_programs([{"id": PUMP, "name": "mine", "kind": "venue"} | changes])


def test_an_entry_takes_the_place_of_the_shipped_one_and_leaves_the_trade_as_it_is(
    buy: Any,
) -> None:
    update = buy("alice").update()
    (shipped,) = parse(update).events
    (mine,) = parse(update, extended(BUILT_IN, table())).events
    assert isinstance(shipped, Swap)
    assert isinstance(mine, Swap)
    assert (shipped.venues, mine.venues) == (("pumpfun",), ("mine",))
    assert (shipped.trader, shipped.mint, shipped.base_amount_raw, shipped.quote_amount_raw) == (
        mine.trader,
        mine.mint,
        mine.base_amount_raw,
        mine.quote_amount_raw,
    )


def test_a_program_called_a_non_exchange_trades_no_more(buy: Any) -> None:
    update = buy("alice").update()
    assert parse(update).events
    lending = extended(BUILT_IN, table(kind="non_exchange"))
    assert not any(isinstance(one, Swap) for one in parse(update, lending).events)


def test_an_added_program_changes_no_shipped_one() -> None:
    found = extended(BUILT_IN, table(id=OTHER))
    assert len(found.by_key) == len(BUILT_IN.by_key) + 1
    assert {key: found.by_key[key] for key in BUILT_IN.by_key} == BUILT_IN.by_key
    assert BUILT_IN.exchanges < found.exchanges


def test_a_shipped_name_on_another_program_never_brings_its_layout(buy: Any) -> None:
    found = extended(BUILT_IN, table(id=OTHER, name="pumpfun"))
    names = [one.name for one in found.by_key.values()]
    assert len(names) == len(set(names))
    assert f"pumpfun:{OTHER[:4]}" in names
    (swap,) = parse(buy("alice").update(), found).events
    assert isinstance(swap, Swap)
    assert swap.venues == ("pumpfun",)


def test_a_name_of_a_shipped_program_that_is_renamed_brings_its_layout_to_no_other(
    buy: Any,
) -> None:
    pumpswap = next(one.id for one in BUILT_IN.by_key.values() if one.name == "pumpswap")
    renamed = extended(
        BUILT_IN,
        read_programs(
            [
                {"id": PUMP, "name": "old", "kind": "venue"},
                {"id": OTHER, "name": "pumpfun", "kind": "venue"},
            ]
        ),
    )
    assert {one.name for one in renamed.by_key.values()} >= {"old", f"pumpfun:{OTHER[:4]}"}
    swapped = extended(
        BUILT_IN,
        read_programs(
            [
                {"id": PUMP, "name": "pumpswap", "kind": "venue"},
                {"id": pumpswap, "name": "pumpfun", "kind": "venue"},
            ]
        ),
    )
    (swap,) = parse(buy("alice").update(), swapped).events
    assert isinstance(swap, Swap)
    assert swap.venues == (f"pumpswap:{PUMP[:4]}",)


def test_names_stay_apart_and_the_order_of_entries_changes_nothing() -> None:
    rows = [
        {"id": "1" * 31 + "3", "name": "pumpfun:1111", "kind": "venue"},
        {"id": OTHER, "name": "pumpfun", "kind": "venue"},
    ]
    one, other = (extended(BUILT_IN, read_programs(some)) for some in (rows, rows[::-1]))
    names = [program.name for program in one.by_key.values()]
    assert len(names) == len(set(names))
    assert (one.by_key, one.revision) == (other.by_key, other.revision)


def test_a_revision_is_of_what_the_entries_say() -> None:
    assert extended(BUILT_IN, ProgramTable()) is BUILT_IN
    one, two = extended(BUILT_IN, table()), extended(BUILT_IN, table(kind="bot"))
    assert one.revision == extended(BUILT_IN, table()).revision
    assert len({BUILT_IN.revision, one.revision, two.revision}) == 3


def test_a_user_beyond_an_instructions_accounts_harms_nothing(buy: Any) -> None:
    update = buy("alice").update()
    far = extended(BUILT_IN, table(users={"*": [255, -256]}))
    assert len(parse(update, far).events) == len(parse(update).events)


async def test_a_suspect_message_is_tried_with_the_table_that_it_names(buy: Any) -> None:
    from pw_common.wire.envelope import compress
    from pw_common.wire.framing import join

    body = compress(join([buy("alice").update()] * 2))
    assert await crashing_updates(body, table=table()) == {}
    # A table that no door would let in shows that the child reads with it.
    entry = ProgramEntry(id=PUMP, name="mine", kind="venue", users={"*": (0,) * 5})
    bad = ProgramTable(entries=(entry,))
    try:
        await crashing_updates(body, table=bad)
    except RuntimeError as error:
        assert "account indexes" in str(error)
    else:
        raise AssertionError("the child did not look at the table")
