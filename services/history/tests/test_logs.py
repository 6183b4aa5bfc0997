"""What is kept of gaps and alerts says what is missing now, in the order of their streams."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pw_common.topology.subjects import STREAM_GAP
from pw_common.wire.messages import Gap
from pw_history.asked.reader import Reader
from pw_history.store.logs import LogPosition, LogWriter
from pw_history.store.schema import migrate


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        migrate(opened)
        yield opened


def gap(*, filled: bool) -> Gap:
    return Gap(
        source="main", epoch=1, first_missing_slot=10, last_missing_slot=20, why="lost",
        filled=filled,
    )  # fmt: skip


@pytest.mark.parametrize("together", [False, True])
def test_a_gap_that_is_opened_again_is_a_hole_again(
    connection: duckdb.DuckDBPyConnection, together: bool
) -> None:
    logs = LogWriter(connection)
    records = [gap(filled=False), gap(filled=True), gap(filled=False)]
    # In one batch or one by one, and read again from the beginning, as after a restore.
    parts = [records] if together else [[one] for one in records]
    for _ in range(2):
        for seq, part in enumerate(parts, start=1):
            logs.write_gaps(part, LogPosition(STREAM_GAP, "then", seq))
        assert [one.why for one in Reader(connection).head().holes] == ["lost"]
    logs.write_gaps([gap(filled=True)], LogPosition(STREAM_GAP, "then", 9))
    assert Reader(connection).head().holes == ()
