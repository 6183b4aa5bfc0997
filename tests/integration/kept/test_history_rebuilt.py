"""`pw history rebuild` takes the place of what was there once it is whole, and not before."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pw_cli.commands.captures import rebuild
from pw_common.wire.captures import CaptureWriter
from pw_history.parquet.exporter import Exporter
from pw_history.parquet.manifest import FileEntry
from pw_history.parquet.store import StoreSettings, open_store
from pw_history.store.restoring import Restoring
from pw_replay.market import generate
from support.filled_history import hours, opened

FILE = "history.duckdb"
PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"


def rebuilt(*words: str) -> int:
    parser = argparse.ArgumentParser()
    rebuild.add_arguments(parser)
    return rebuild.run(parser.parse_args(words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two exported hours, and a file of before with one row."""
    with opened() as connection:
        hours(connection, 2)
        store = open_store(StoreSettings(str(tmp_path / "kept" / "parquet")))
        exporter = Exporter(connection, store, tmp_path / "exporting")
        exporter.turn(0)
        exporter.close()
    with duckdb.connect(str(tmp_path / "kept" / FILE)) as before:
        before.execute("CREATE TABLE former AS SELECT 1 AS number")
    return tmp_path / "kept"


def holds_before(folder: Path) -> bool:
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        return connection.execute("SELECT number FROM former").fetchall() == [(1,)]


def left(folder: Path) -> set[str]:
    """What is in the folder, beside the lock, which stays."""
    return {one.name for one in folder.iterdir()} - {rebuild.LOCK}


@contextmanager
def another_process_has(path: Path) -> Iterator[None]:
    held = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.communicate(b"\n")


def test_a_file_whose_blocks_are_damaged_is_not_taken_for_one_in_use(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = bytearray((folder / FILE).read_bytes())
    body[64:128] = b"\xff" * 64
    (folder / FILE).write_bytes(body)
    code = rebuilt(str(folder))
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "40 swaps" in out
    # No file of an hour has these.
    assert "only in what was set aside: alerts that PW_ALERT holds no more" in err


def test_a_file_that_is_in_use_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with another_process_has(folder / FILE):
        assert rebuilt(str(folder)) == 2
    assert "stop history first" in capsys.readouterr().err
    assert left(folder) == {FILE, "parquet"}


def test_a_second_rebuild_of_a_folder_takes_nothing_from_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However little of its file the first has made."""
    seconds: list[tuple[int, str]] = []
    check = rebuild._check

    def checked(root: Path, file: FileEntry) -> None:
        if not seconds:
            command = [sys.executable, "-m", "pw_cli.main", "history", "rebuild", str(folder)]
            second = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds.append((second.returncode, second.stderr))
        check(root, file)

    monkeypatch.setattr(rebuild, "_check", checked)
    assert rebuilt(str(folder)) == 0
    [(code, said)] = seconds
    assert (code, "another rebuild of it runs" in said) == (2, True)
    assert "40 swaps" in capsys.readouterr().out
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM swaps").fetchall() == [(40,)]


def test_where_what_was_made_is_gone_what_was_there_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put = rebuild._put_in_place

    def gone(where: Path, making: Path) -> list[Path]:
        (making / FILE).unlink()
        return put(where, making)

    monkeypatch.setattr(rebuild, "_put_in_place", gone)
    assert rebuilt(str(folder)) == 1
    assert "what was made is gone" in capsys.readouterr().err
    assert holds_before(folder)


def test_a_file_that_is_in_use_is_said_before_anything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with another_process_has(tmp_path / FILE):
        assert rebuilt(str(tmp_path)) == 2
    assert "stop history first" in capsys.readouterr().err


def test_before_the_first_hour_is_exported_it_is_said_when_one_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    duckdb.connect(str(tmp_path / FILE)).close()
    assert rebuilt(str(tmp_path)) == 2
    said = capsys.readouterr().err
    assert "history exports an hour once it is over" in said
    assert "--empty" in said


def test_nothing_is_made_where_history_keeps_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuilt(str(tmp_path), "--empty") == 2
    assert f"no {FILE} in it" in capsys.readouterr().err
    assert left(tmp_path) == set()


def test_a_rebuild_that_cannot_be_made_leaves_what_was_there(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuilt(str(folder), "--capture", str(tmp_path / "none.pb")) == 1
    assert "none.pb: No such file" in capsys.readouterr().err
    assert holds_before(folder)
    assert left(folder) == {FILE, "parquet"}


def test_a_rebuild_that_is_interrupted_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Restoring, "close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rebuilt(str(folder))
    assert holds_before(folder)
    assert left(folder) == {FILE, "parquet"}


def test_a_rebuild_that_was_killed_is_begun_again(folder: Path) -> None:
    (folder / rebuild.MAKING).mkdir()
    (folder / rebuild.MAKING / FILE).write_bytes(b"half")
    assert rebuilt(str(folder)) == 0
    assert not (folder / rebuild.MAKING).exists()


@pytest.mark.parametrize("harm", ["gone", "other rows"])
def test_exported_hours_that_are_not_those_of_the_manifest_are_named_and_nothing_is_made(
    folder: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, other = sorted((folder / "parquet").rglob("swaps.parquet"))
    if harm == "gone":
        wrong.unlink()
    else:
        wrong.write_bytes(other.read_bytes())
    assert rebuilt(str(folder)) == 1
    said = capsys.readouterr().err
    assert str(wrong.relative_to(folder / "parquet")) in said
    assert holds_before(folder)
    assert left(folder) == {FILE, "parquet"}


def test_captures_are_read_with_the_programs_that_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, table = tmp_path / "a.pb", tmp_path / "programs.jsonl"
    with CaptureWriter(capture) as writer:
        for update in generate(seed=5, minutes=0.1, tps=20):
            writer.write(update)
    table.write_text(json.dumps({"id": PUMP, "name": "curve_of_old", "kind": "venue"}) + "\n")
    named = "--programs", str(table)
    assert rebuilt(str(tmp_path), "--empty", *named) == 2
    assert "--programs is for captures" in capsys.readouterr().err
    assert rebuilt(str(tmp_path), "--capture", str(capture), *named) == 0
    with duckdb.connect(str(tmp_path / FILE), read_only=True) as connection:
        venues = connection.execute("SELECT DISTINCT venues FROM swaps").fetchall()
    assert ("curve_of_old",) in venues
