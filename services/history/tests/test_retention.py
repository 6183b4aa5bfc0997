"""Nothing is dropped before it is exported, and dropping it changes no sum that stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import duckdb

from pw_common.ordering.closed_slot import ClosedSlot
from pw_common.wire.messages import Swap
from pw_history.core.rows import Session, rows_of
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.reading import read_manifest
from pw_history.parquet.store import StoreSettings, open_store
from pw_history.shell.keeping import Keeping
from pw_history.store.schema import HOUR_MS
from pw_history.store.writer import LATE_MS, Writer
from support.filled_history import hours, opened, slot_of, swap, write
from support.kept_world import BEGIN_MS, NOWHERE

LATER = NOWHERE._replace(event_time_ms=BEGIN_MS + 30 * HOUR_MS)


def exporter_of(connection: duckdb.DuckDBPyConnection, folder: Path) -> Exporter:
    return Exporter(connection, open_store(StoreSettings(f"{folder}/out")), folder / "tmp")


def exported_rows(folder: Path) -> int:
    manifest = read_manifest(StoreSettings(f"{folder}/out"))
    entry = manifest.hour(BEGIN_MS)
    assert entry is not None
    return entry.rows("swaps")


def later(*swaps: Swap) -> ClosedSlot:
    """A slot 30 hours after the first."""
    return slot_of(500, 30, swaps)


def test_an_hour_that_is_amended_while_it_is_to_be_forgotten_is_exported_before(
    tmp_path: Path,
) -> None:
    with opened() as connection:
        hours(connection, 3)
        exporter = exporter_of(connection, tmp_path)
        keeping = Keeping(connection, hours=1, days=30)
        keeping.exporting()
        keeping.exported_before(exporter.turn(0).safe_before_ms)
        amended = slot_of(1, 0, [swap(990, 1)], amends=True)
        rows = rows_of([amended, later(swap(991, 500))], Session(1, 1, BEGIN_MS))
        asyncio.run(keeping.write(rows, LATER))
        exporter.turn(1)
        assert exported_rows(tmp_path) == 21


def test_an_hour_that_is_amended_while_the_exporter_looks_is_not_forgotten(tmp_path: Path) -> None:
    with opened() as connection:
        hours(connection, 3)
        exporter = exporter_of(connection, tmp_path)
        keeping = Keeping(connection, hours=1, days=30)
        keeping.exporting()
        turn = exporter.turn(0)
        amended = slot_of(1, 0, [swap(990, 1)], amends=True)
        present = Session(1, 1, BEGIN_MS)
        asyncio.run(keeping.write(rows_of([amended], present), LATER))
        keeping.exported_before(turn.safe_before_ms)
        asyncio.run(keeping.write(rows_of([later(swap(991, 500))], present), LATER))
        exporter.turn(1)
        assert exported_rows(tmp_path) == 21


def test_an_hour_that_waits_to_be_closed_again_is_neither_safe_nor_forgotten(
    tmp_path: Path,
) -> None:
    with opened() as connection:
        hours(connection, 3)
        exporter = exporter_of(connection, tmp_path)
        exporter.turn(0)
        writer = Writer(connection, step_rows=1)
        rows = rows_of([slot_of(1, 0, [swap(990, 1)], amends=True)], Session(1, 1, BEGIN_MS))
        writer.write(rows, NOWHERE._replace(event_time_ms=BEGIN_MS + 3 * HOUR_MS + LATE_MS))
        assert writer.is_closing
        assert exporter.turn(1).safe_before_ms == BEGIN_MS
        writer.drop_before(BEGIN_MS + 2 * HOUR_MS, BEGIN_MS)
        while writer.close_more():
            pass
        assert exporter.turn(2).exported == (BEGIN_MS,)
        assert exported_rows(tmp_path) == 21


def test_a_stream_that_is_read_again_leaves_what_was_summed_of_forgotten_hours(
    tmp_path: Path,
) -> None:
    with opened() as connection:
        hours(connection, 3)
        writer = Writer(connection)
        writer.drop_before(BEGIN_MS + 2 * HOUR_MS, BEGIN_MS)
        tables = ("minutes", "wallet_hours", "closed_hours")
        before = [connection.execute(f"FROM {one} ORDER BY ALL").fetchall() for one in tables]
        # Another session, of the end of what the first two hours had.
        again = [slot_of(hour + 1, hour, [swap(hour * 20 + 19, hour + 1)]) for hour in range(2)]
        writer.write(rows_of([again[0], again[1]]), LATER)
        after = [connection.execute(f"FROM {one} ORDER BY ALL").fetchall() for one in tables]
        assert after == before
        # A time of which nothing was ever kept is another history's: it is not left out.
        older = ClosedSlot(7, BEGIN_MS - 9 * HOUR_MS, True, (swap(7_000, 7),))
        assert writer.write(rows_of([older]), LATER).swaps == 1


def test_a_correction_is_exported_though_a_file_made_again_counts_its_revisions_from_one(
    tmp_path: Path,
) -> None:
    with opened() as connection:
        hours(connection, 1)
        write(connection, [slot_of(1, 0, [swap(900, 1)], amends=True)], 1)
        exporter_of(connection, tmp_path).turn(0)
    with opened() as connection:
        hours(connection, 1)
        write(connection, [slot_of(1, 0, [swap(900, 1), swap(901, 1)], amends=True)], 1)
        assert exporter_of(connection, tmp_path).turn(1).exported == (BEGIN_MS,)
        assert exported_rows(tmp_path) == 22
