"""A file of an earlier version is brought forward with what it holds."""

from __future__ import annotations

import duckdb
import pytest

from pw_common.wire.history import SwapsAsked
from pw_history.asked.reader import Reader
from pw_history.store.schema import MIGRATIONS, VERSION, migrate
from pw_history.store.writer import Writer

ROW = """
    INSERT INTO open_rows VALUES (
        1, 7, 1800000000000, 0, 'sig', 0, 'ann', 'buy', 'mint', 5, 6, NULL, NULL, NULL, 'pump',
        1, 1.0, '', NULL, NULL, false, 0)
"""


@pytest.mark.parametrize("version", range(1, VERSION))
def test_each_version_before_becomes_this_one_and_keeps_its_swaps(version: int) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE versions (version INTEGER NOT NULL)")
        for number in range(version):
            connection.execute(MIGRATIONS[number])
            connection.execute("INSERT INTO versions VALUES (?)", [number + 1])
        connection.execute(ROW)
        assert migrate(connection) == version
        assert migrate(connection) == VERSION
        connection.execute("INSERT INTO open_hours VALUES (1800000000000)")
        assert Writer(connection).session() is None
        [swap] = Reader(connection).swaps(SwapsAsked(mint="mint"))
        assert (swap.signature, swap.base_amount_raw) == ("sig", 5)
