"""Whatever dies when, the manifest names whole files, and each closed hour comes into it once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from pw_history.parquet.exporter import GRACE_MS, Exporter, OtherExporter
from pw_history.parquet.layout import MANIFEST, file_path
from pw_history.parquet.manifest import BadManifest, decoded
from pw_history.parquet.reading import read_manifest
from pw_history.parquet.store import Store, StoreSettings, open_store
from pw_history.parquet.verifying import Damage, verify
from pw_history.store.schema import HOUR_MS
from pw_history.store.writer import Writer
from support.filled_history import hours, opened, slot_of, swap, token, write
from support.kept_world import BEGIN_MS

FIRST = file_path("swaps", BEGIN_MS, 1)


class Died(Exception):
    pass


class DyingStore:
    """A real folder behind a process that dies before its nth call."""

    def __init__(self, store: Store, lives: int) -> None:
        self._store, self._lives = store, lives

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if self._lives == 0:
                raise Died
            self._lives -= 1
            return getattr(self._store, name)(*arguments)

        return call


def exported(connection: Any, tmp_path: Path, store: Any = None, **more: Any) -> Exporter:
    found = store or open_store(StoreSettings(f"{tmp_path}/out"))
    return Exporter(connection, found, tmp_path / "tmp", **more)


def test_wherever_an_export_dies_the_manifest_is_whole_and_the_next_one_ends_it(
    tmp_path: Path,
) -> None:
    store = open_store(StoreSettings(f"{tmp_path}/out"))
    with opened() as connection:
        hours(connection, 1, 3)
        exported(connection, tmp_path).turn(0)
        for lives in range(20):
            write(connection, [slot_of(1, 0, [swap(900 + lives, 1)], amends=True)], 1)
            before = read_manifest(store)
            try:
                dying: Any = DyingStore(store, lives)
                exported(connection, tmp_path, dying).turn(lives * 2 * GRACE_MS)
            except Died:
                assert list(verify(store, read_manifest(store))) == []
                assert read_manifest(store).hours[0].revision >= before.hours[0].revision
            else:
                break
        else:
            pytest.fail("an export takes more calls than were tried")
        exporter = exported(connection, tmp_path)
        exporter.turn(10**9)
        exporter.turn(2 * 10**9)
        entry = read_manifest(store).hours[0]
        assert entry.rows("swaps") == 3 + lives + 1
        # Nothing is left of those that died: a reader by folders sees each swap once.
        assert store.names("swaps") == [entry.files["swaps"].path]
        assert exporter.due() == ([], [])
        assert not (tmp_path / "tmp").exists()


def test_a_correction_is_a_new_file_and_the_former_one_goes_after_the_grace(tmp_path: Path) -> None:
    store = open_store(StoreSettings(f"{tmp_path}/out"))
    with opened() as connection:
        hours(connection, 2)
        exporter = exported(connection, tmp_path)
        assert exporter.turn(0).exported == (BEGIN_MS, BEGIN_MS + HOUR_MS)
        former = store.get(FIRST)
        write(connection, [slot_of(1, 0, [swap(990, 1)], amends=True)], 2)
        assert exporter.turn(1).exported == (BEGIN_MS,)
        entry = read_manifest(store).hours[0]
        assert (entry.revision, entry.rows("swaps")) == (2, 21)
        assert store.get(FIRST) == former
        assert exporter.turn(GRACE_MS).removed == 0
        assert exporter.turn(GRACE_MS + 1).removed == 3
        assert FIRST not in store.names("swaps")
        assert read_manifest(store).superseded == ()
        assert exporter.turn(GRACE_MS + 1)[:4] == ((), 0, (), 0)


def test_a_token_that_comes_late_is_exported_too_and_one_without_swaps(tmp_path: Path) -> None:
    with opened() as connection:
        hours(connection, 1)
        exporter = exported(connection, tmp_path)
        exporter.turn(0)
        late = slot_of(1, 0, [], tokens=(token("late", 1),), amends=True)
        alone = slot_of(2, 1, [], tokens=(token("alone", 2),))
        write(connection, [late, alone], 1)
        assert exporter.turn(1).exported == (BEGIN_MS,)
        write(connection, [], 2)
        assert exporter.turn(2).exported == (BEGIN_MS + HOUR_MS,)
        first, second = exporter.manifest().hours
        assert (first.rows("swaps"), first.rows("tokens")) == (20, 2)
        assert (list(second.files), second.slot_max) == (["tokens"], None)


def test_damage_is_found_named_and_mended_while_duckdb_has_the_hour(tmp_path: Path) -> None:
    store = open_store(StoreSettings(f"{tmp_path}/out"))
    with opened() as connection:
        hours(connection, 3)
        exporter = exported(connection, tmp_path)
        exporter.turn(0)
        paths = [one.files["swaps"].path for one in exporter.manifest().hours]
        raw = bytearray(store.get(paths[0]))
        raw[len(raw) // 2] ^= 1
        store.replace(paths[0], bytes(raw))
        store.remove(paths[1])
        # Good bytes under a wrong name, with a manifest to match: only the rows tell.
        text = store.get(MANIFEST).decode()
        digest = exporter.manifest().hours[2].files["swaps"].digest
        store.replace(MANIFEST, text.replace(digest, "0" * 32).encode())
        found = list(verify(store, read_manifest(store)))
        assert found == [
            Damage(BEGIN_MS, paths[0], "other bytes"),
            Damage(BEGIN_MS + HOUR_MS, paths[1], "missing"),
            Damage(BEGIN_MS + 2 * HOUR_MS, paths[2], "other rows"),
        ]
        left = exported(connection, tmp_path).again([*(one.hour_ms for one in found), 0], 1)
        assert left == ((), (0,))
        assert list(verify(store, read_manifest(store))) == []


def test_a_new_duckdb_that_has_less_of_an_hour_does_not_take_its_files_place(
    tmp_path: Path,
) -> None:
    with opened() as connection:
        hours(connection, 1)
        write(connection, [slot_of(1, 0, [swap(990, 1)], amends=True)], 1)
        exported(connection, tmp_path).turn(0)
    with opened() as connection:
        hours(connection, 1, 2)
        for number in range(3):
            write(connection, [slot_of(1, 0, [swap(900 + number, 1)], amends=True)], 1)
        exporter = exported(connection, tmp_path)
        assert exporter.turn(1)[:4] == ((), 0, (BEGIN_MS,), 0)
        assert exporter.manifest().hours[0].rows("swaps") == 21


def test_an_open_hour_of_which_duckdb_has_less_than_its_file_does_not_wait(tmp_path: Path) -> None:
    with opened() as connection:
        hours(connection, 1)
        exported(connection, tmp_path).turn(0)
    with opened() as connection:
        write(connection, [slot_of(1, 0, [swap(number, 1) for number in range(3)])], 0)
        assert exported(connection, tmp_path).again([BEGIN_MS], 1) == ((), (BEGIN_MS,))
    with opened() as connection:
        write(connection, [slot_of(1, 0, [swap(number, 1) for number in range(20)])], 0)
        write(connection, [slot_of(2, 0, [], tokens=(token("t", 2), token("u", 2)))], 0)
        assert exported(connection, tmp_path).again([BEGIN_MS], 1) == ((BEGIN_MS,), ())


def test_hours_before_what_is_kept_go_and_do_not_come_back(tmp_path: Path) -> None:
    store = open_store(StoreSettings(f"{tmp_path}/out"))
    with opened() as connection:
        hours(connection, 4)
        exporter = exported(connection, tmp_path, kept_hours=2, grace_ms=0)
        first = exporter.turn(0, hours_max=3)
        assert (first.left, first.safe_before_ms) == (1, BEGIN_MS + 3 * HOUR_MS)
        exporter.turn(1)
        assert [one.hour_ms for one in exporter.manifest().hours] == [
            BEGIN_MS + 2 * HOUR_MS,
            BEGIN_MS + 3 * HOUR_MS,
        ]
        assert len(store.names("swaps")) == 2
        assert exported(connection, tmp_path).turn(2)[:4] == ((), 0, (), 0)


def test_what_duckdb_forgets_stays_in_the_files(tmp_path: Path) -> None:
    with opened() as connection:
        hours(connection, 3)
        exporter = exported(connection, tmp_path)
        assert exporter.turn(0).safe_before_ms == BEGIN_MS + 3 * HOUR_MS
        Writer(connection).drop_before(BEGIN_MS + 2 * HOUR_MS, BEGIN_MS)
        late = slot_of(1, 0, [], tokens=(token("late", 1),), amends=True)
        write(connection, [late], 3)
        assert exporter.turn(1)[:4] == ((), 0, (), 0)
        assert [one.rows("swaps") for one in exporter.manifest().hours] == [20, 20, 20]
        assert exporter.again([BEGIN_MS], 1) == ((), (BEGIN_MS,))


def test_an_hour_that_waits_to_be_closed_again_is_not_exported(tmp_path: Path) -> None:
    with opened() as connection:
        hours(connection, 1)
        write(connection, [slot_of(1, 0, [swap(990, 1)])], 0)
        assert exported(connection, tmp_path).turn(0).exported == ()
        write(connection, [], 1)
        assert exported(connection, tmp_path).turn(0).exported == (BEGIN_MS,)


def test_the_writer_goes_on_while_hours_are_exported(tmp_path: Path) -> None:
    """And each file holds its hour as it was at one moment."""
    with opened(str(tmp_path / "file.duckdb")) as connection:
        hours(connection, 2, 200)
        done = threading.Event()
        failures: list[BaseException] = []

        def export() -> None:
            try:
                exporter = exported(connection, tmp_path)
                while not done.is_set():
                    exporter.turn(0, hours_max=1)
                exporter.turn(0)
                exporter.turn(0)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=export)
        thread.start()
        for number in range(12):
            write(connection, [slot_of(1, 0, [swap(900 + number, 1)], amends=True)], 2)
        done.set()
        thread.join()
        assert failures == []
        store = open_store(StoreSettings(f"{tmp_path}/out"))
        manifest = read_manifest(store)
        assert [one.rows("swaps") for one in manifest.hours] == [212, 200]
        assert list(verify(store, manifest)) == []


def test_another_history_that_exports_to_the_same_place_is_said_and_not_written_over(
    tmp_path: Path,
) -> None:
    store = open_store(StoreSettings(f"{tmp_path}/out"))
    with opened() as one, opened() as another:
        hours(one, 2)
        hours(another, 1, 3)
        first, second = (
            exported(one, tmp_path / "a", store),
            exported(another, tmp_path / "b", store),
        )
        second.manifest()
        first.turn(0)
        whole = store.get(MANIFEST)
        with pytest.raises(OtherExporter):
            second.turn(1)
        assert store.get(MANIFEST) == whole
        assert list(verify(store, read_manifest(store))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"swaps/date=", b"../../date="), "below its own folders"),
        ((b"swaps/date=", b"/etc/date="), "below its own folders"),
        ((b'"signature"', b'"1); COPY (SELECT 1) TO (1"'), "column"),
        ((b'"UBIGINT"', b'"1; DROP"'), "column"),
    ],
)
def test_a_manifest_that_names_what_is_none_of_its_own_is_refused(
    tmp_path: Path, change: tuple[bytes, bytes], said: str
) -> None:
    store = open_store(StoreSettings(f"{tmp_path}/out"))
    with opened() as connection:
        hours(connection, 1)
        exported(connection, tmp_path).turn(0)
    raw = store.get(MANIFEST)
    assert change[0] in raw
    with pytest.raises(BadManifest, match=said):
        decoded(raw.replace(*change))
