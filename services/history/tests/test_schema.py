"""A file of an earlier version is brought forward with what it holds."""

from __future__ import annotations

import duckdb
import pytest

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.history import SearchAsked, SwapsAsked
from pw_history.asked.reader import Reader
from pw_history.asked.search import found_of
from pw_history.core.rows import rows_of
from pw_history.store.schema import MIGRATIONS, VERSION, migrate
from pw_history.store.writer import Writer
from support.filled_history import swap
from support.kept_world import NOWHERE

ROW = """
    INSERT INTO open_rows VALUES (
        1, 7, 1800000000000, 0, 'sig', 0, 'ann', 'buy', 'mint', 5, 6, NULL, NULL, NULL, 'pump',
        1, 1.0, '', NULL, NULL, false, 0{more})
"""


def row(version: int) -> str:
    """A swap as this version stored it."""
    return ROW.format(more=", 0" if version >= 4 else "")


@pytest.mark.parametrize("version", range(1, VERSION))
def test_each_version_before_becomes_this_one_and_keeps_its_swaps(version: int) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE versions (version INTEGER NOT NULL)")
        for number in range(version):
            connection.execute(MIGRATIONS[number])
            connection.execute("INSERT INTO versions VALUES (?)", [number + 1])
        connection.execute(row(version))
        assert migrate(connection) == version
        assert migrate(connection) == VERSION
        connection.execute("INSERT INTO open_hours VALUES (1800000000000)")
        assert Writer(connection).session() is None
        [swap] = Reader(connection).swaps(SwapsAsked(mint="mint"))
        assert (swap.signature, swap.base_amount_raw) == ("sig", 5)


@pytest.mark.parametrize("version", range(1, VERSION))
def test_what_each_version_before_kept_is_found_after_the_next_write(version: int) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE versions (version INTEGER NOT NULL)")
        for number in range(version):
            connection.execute(MIGRATIONS[number])
            connection.execute("INSERT INTO versions VALUES (?)", [number + 1])
        connection.execute(row(version))
        connection.execute("INSERT INTO open_hours VALUES (1800000000000)")
        if version >= 3:
            # The writers of these noted it themselves.
            connection.execute("UPDATE kept SET oldest_ms = 1800000000000")
            connection.execute("INSERT INTO mints VALUES ('mint')")
        migrate(connection)
        later_ms = 1_800_000_060_000
        rows = rows_of([ClosedSlot(9, later_ms, True, (swap(1, 9, mint="other"),))])
        Writer(connection).write(rows, NOWHERE._replace(event_time_ms=later_ms))
        reader = Reader(connection)
        assert reader.head().swaps_since_ms == 1_800_000_000_000
        assert [one.signature for one in reader.swaps(SwapsAsked())] == ["s1", "sig"]
        [found] = found_of(reader, SearchAsked(text="mint"))
        assert found.kind == "token"
