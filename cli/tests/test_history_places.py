"""Which Parquet files a question is about: those of a manifest, of a folder, or of the run here."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import duckdb
import pytest

from pw_cli.connect.runs import announce, this_run, withdraw
from pw_cli.offline.bad_input import BadInput
from pw_cli.parquet.locked import locked
from pw_cli.parquet.places import default_folder, files_of, kept_in
from pw_cli.parquet.question import ask
from support.history_questions import pw, slot
from support.offline_files import write_parquet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    slots = [slot(1), slot(2, amount_raw=2**64 - 1), slot(3, mint="\x1b[31mred")]
    write_parquet(tmp_path / "kept", slots, parts=2)
    return tmp_path / "kept"


def manifest(folder: Path, *paths: str, **changed: object) -> Path:
    """As history writes it: an hour for each file, and one file that is not current any more."""
    document = {
        "schema": "pw.history.parquet",
        "version": 1,
        "digest_rule": "md5-sum.1",
        "hours": [
            {"hour_ms": 0, "revision": 2, "files": {"swaps": {"path": one, "rows": 1}}}
            for one in paths
        ],
        "superseded": [{"path": "swaps-0.parquet", "since_ms": 5}],
    }
    (folder / "manifest.json").write_text(json.dumps(document | changed))
    return folder / "manifest.json"


def test_a_manifest_says_which_files_are_current(folder: Path) -> None:
    path = manifest(folder, "swaps-1.parquet")
    assert files_of([folder]) == files_of([path]) == [folder / "swaps-1.parquet"]
    assert pw("SELECT * FROM swaps", "--dir", str(folder)) == 0
    cases: list[tuple[tuple[str, ...], dict[str, object], str]] = [
        (("../other/swaps-0.parquet",), {}, "allowed: files below its folder"),
        (("/etc/passwd",), {}, "allowed: files below its folder"),
        ((), {}, "names no"),
        ((), {"version": 2}, "'pw.history.parquet' 2; allowed: 'pw.history.parquet' 1"),
        ((), {"hours": [5]}, "not a manifest: Expected `object`, got `int`"),
    ]
    for paths, changed, said in cases:
        with pytest.raises(BadInput, match=re.escape(said)):
            files_of([manifest(folder, *paths, **changed)])


def test_a_file_that_was_cut_off_is_named_and_not_asked(tmp_path: Path) -> None:
    write_parquet(tmp_path, [slot(1)])
    path = tmp_path / "swaps-0.parquet"
    whole = path.stat().st_size
    file = {"path": path.name, "size_bytes": whole}
    body = {"schema": "pw.history.parquet", "version": 1, "hours": [{"files": {"swaps": file}}]}
    (tmp_path / "manifest.json").write_bytes(json.dumps(body).encode())
    assert files_of([tmp_path]) == [path]
    path.write_bytes(path.read_bytes() + b"x")
    said = f"{whole + 1} bytes, and manifest.json says {whole}: pw history verify"
    with pytest.raises(BadInput, match=said):
        files_of([tmp_path])


def test_without_a_manifest_the_highest_revision_of_each_hour_is_current(tmp_path: Path) -> None:
    for hour, revision in (("07", 1), ("07", 2), ("07", 10), ("08", 1)):
        at = tmp_path / f"swaps/date=2026-11-27/hour={hour}/revision={revision}"
        write_parquet(at, [slot(int(hour) * 100 + revision)])
        (at / "swaps-0.parquet").rename(at / "swaps.parquet")
        (at / "tokens-0.parquet").unlink()
    with locked(files_of([tmp_path])) as connection:
        found = ask(connection, "SELECT slot FROM swaps ORDER BY 1", rows_max=9, timeout_s=30)
    assert found.rows == [(710,), (801,)]


def test_histories_own_folder_means_its_exported_files_alone(tmp_path: Path) -> None:
    for at in ("parquet", "exporting"):
        (tmp_path / at).mkdir()
        (tmp_path / at / "swaps.parquet").touch()
    assert files_of([tmp_path]) == [tmp_path / "parquet" / "swaps.parquet"]


def test_what_is_not_parquet_of_history_is_named(tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    other.write_text("no")
    with pytest.raises(BadInput, match=r"other\.parquet"), locked(files_of([other])):
        pass
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{other}' (FORMAT parquet)")
    with pytest.raises(BadInput, match="swaps, minutes, tokens"), locked(files_of([other])):
        pass
    for path, said in (
        (tmp_path / "none.parquet", "no such file"),
        (tmp_path / "a.txt", "not Parquet by its name"),
    ):
        with pytest.raises(BadInput, match=said):
            files_of([path])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match=r"no manifest\.json and no \*\.parquet in it"):
        files_of([empty])
    (tmp_path / "a*.parquet").write_bytes(b"")
    with pytest.raises(BadInput, match=r"without \*"):
        files_of([tmp_path / "a*.parquet"])


def test_the_data_folder_of_the_run_that_is_here_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(BadInput, match="say --dir"):
        default_folder()
    data = tmp_path / "data"
    assert announce(this_run("http://127.0.0.1:1", "", None, data), data) == []
    try:
        assert default_folder() == data / "history" / "parquet"
        write_parquet(kept_in(data), [slot(1)])
        assert files_of([default_folder()]) == files_of([data]) != []
    finally:
        withdraw(data)
    assert os.environ["XDG_RUNTIME_DIR"] == str(tmp_path)
