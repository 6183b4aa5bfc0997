"""Histories with closed hours, and what a stranger's program says of their files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap, TokenCreated
from pw_history.core.rows import RowMaker
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.manifest import Manifest
from pw_history.parquet.store import StoreSettings, open_store
from pw_history.store.schema import HOUR_MS, migrate
from pw_history.store.writer import LATE_MS, Writer
from support.kept_world import BEGIN_MS, NOWHERE, SOL

DOCS = Path(__file__).parents[2] / "docs" / "history.md"


def opened(path: str = ":memory:") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path, config={"threads": 1})
    migrate(connection)
    return connection


def swap(number: int, slot: int, **changed: Any) -> Swap:
    fields: dict[str, Any] = {
        "signature": f"s{number}", "ordinal": 0, "slot": slot, "index": number % 7,
        "trader": f"t{number % 3}", "side": "buy" if number % 2 else "sell",
        "mint": f"m{number % 5}", "base_amount_raw": 10**6 + number, "base_decimals": 6,
        "quote_mint": SOL, "quote_amount_raw": 10**9, "quote_decimals": 9,
        "venues": ("pump", "raydium"), "signers": ("ann", "bob"),
    }  # fmt: skip
    return Swap(**(fields | changed))


def token(mint: str, slot: int) -> TokenCreated:
    return TokenCreated(
        signature=f"of {mint}", ordinal=0, slot=slot, index=0, mint=mint, name="It's ☃\n",
        symbol="", creator="ann", decimals=None, supply_raw=2**64 - 1,
    )  # fmt: skip


def slot_of(number: int, hour: int, swaps: Iterable[Swap], **more: Any) -> ClosedSlot:
    """A slot at the beginning of an hour after `BEGIN_MS`."""
    return ClosedSlot(number, BEGIN_MS + hour * HOUR_MS + number, number == 1, tuple(swaps), **more)


def write(
    connection: duckdb.DuckDBPyConnection, slots: Iterable[ClosedSlot], now_hour: int
) -> None:
    """Store slots; event time is then so far that hours before `now_hour` are closed."""
    writer = Writer(connection)
    maker = RowMaker(writer.session())
    for one in slots:
        maker.take(one)
    time_ms = BEGIN_MS + now_hour * HOUR_MS + LATE_MS
    writer.write(maker.give(), NOWHERE._replace(event_time_ms=time_ms))


def hours(connection: duckdb.DuckDBPyConnection, count: int, swaps: int = 20) -> None:
    """So many closed hours with so many swaps and a token each."""
    slots = [
        slot_of(
            hour + 1, hour, (swap(hour * swaps + n, hour + 1) for n in range(swaps)),
            tokens=(token(f"new{hour}", hour + 1),),
        )
        for hour in range(count)
    ]  # fmt: skip
    write(connection, slots, count)


def exported(data: Path) -> Manifest:
    """A data folder as `pw up` leaves it: the file, and three hours of it exported."""
    kept = data / "history"
    kept.mkdir(parents=True)
    with opened(str(kept / "history.duckdb")) as connection:
        hours(connection, 3)
        store = open_store(StoreSettings(url=str(kept / "parquet")))
        exporter = Exporter(connection, store, kept / "exporting")
        exporter.turn(0)
        found = exporter.manifest()
        exporter.close()
    return found


def strangers_digest() -> Callable[[Iterable[Any]], str]:
    """The recount that docs/history.md gives to a stranger, which knows nothing of our code."""
    block = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert block is not None
    found: dict[str, Any] = {"__name__": "stranger"}
    exec(compile(block[1], str(DOCS), "exec"), found)  # noqa: S102 - our own page
    digest: Callable[[Iterable[Any]], str] = found["digest"]
    return digest
