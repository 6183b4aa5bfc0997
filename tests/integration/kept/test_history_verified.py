"""`pw history verify`: what is not as the manifest says is named, and made again by one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pw_history.parquet.exporter import Exporter
from pw_history.parquet.manifest import Manifest
from pw_history.parquet.store import open_store
from support.command import pw
from support.filled_history import exported, hours, opened, slot_of, swap, write
from support.s3_server import BUCKET, s3_server


def path_of(data: Path, manifest: Manifest, hour: int) -> Path:
    return data / "history" / "parquet" / manifest.hours[hour].files["swaps"].path


async def test_whole_files_are_said_to_be_whole(tmp_path: Path) -> None:
    exported(tmp_path)
    shown = await pw("history", "verify", str(tmp_path))
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == "3 hours, 9 files, 78 rows: all as the manifest says\n"


async def test_a_damaged_file_is_named_and_one_command_makes_it_again(tmp_path: Path) -> None:
    manifest = exported(tmp_path)
    damaged, missing = path_of(tmp_path, manifest, 0), path_of(tmp_path, manifest, 2)
    body = bytearray(damaged.read_bytes())
    body[len(body) // 2] ^= 1
    damaged.write_bytes(body)
    missing.unlink()
    shown = await pw("history", "verify", str(tmp_path))
    assert shown.code == 1
    assert "other bytes" in shown.out
    assert "missing" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    lines = (await pw("history", "verify", str(tmp_path), "--json")).out.splitlines()
    assert [(json.loads(one)["path"], json.loads(one)["what"]) for one in lines] == [
        (manifest.hours[0].files["swaps"].path, "other bytes"),
        (manifest.hours[2].files["swaps"].path, "missing"),
    ]
    mended = await pw("history", "verify", str(tmp_path), "--mend", str(tmp_path / "history"))
    assert mended.code == 0, mended
    assert "2 hours" in mended.err
    again = await pw("history", "verify", str(tmp_path))
    assert again.code == 0, again


async def test_an_hour_that_the_file_does_not_have_is_said_to_be_gone(tmp_path: Path) -> None:
    manifest = exported(tmp_path)
    path_of(tmp_path, manifest, 1).unlink()
    (tmp_path / "other").mkdir()
    opened(str(tmp_path / "other" / "history.duckdb")).close()
    kept = await pw("history", "verify", str(tmp_path), "--mend", str(tmp_path / "other"))
    assert kept.code == 1
    assert "does not have this hour whole" in kept.err


async def test_an_hour_for_which_more_came_is_said_to_wait_for_its_close(tmp_path: Path) -> None:
    manifest = exported(tmp_path)
    path_of(tmp_path, manifest, 1).unlink()
    with opened(str(tmp_path / "history" / "history.duckdb")) as connection:
        write(connection, [slot_of(1, 1, [swap(990, 1)], amends=True)], 0)
    kept = await pw("history", "verify", str(tmp_path), "--mend", str(tmp_path / "history"))
    assert kept.code == 1
    assert "has it and more, and waits to close it again: start history" in kept.err
    assert "whole" not in kept.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "no such folder"),
        ((".",), "there is no manifest.json: history exports an hour once it is over"),
        ((), "no pw up with --data runs here"),
        (("s3://",), "BUCKET"),
    ],
)
async def test_what_cannot_be_verified_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = await pw("history", "verify", *words, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err


async def test_a_bucket_is_verified_with_the_settings_of_history(tmp_path: Path) -> None:
    with s3_server() as server:
        settings = server.settings(tmp_path, "hours")
        store = open_store(settings)
        with opened() as connection:
            hours(connection, 2)
            exporter = Exporter(connection, store, tmp_path / "exporting")
            exporter.turn(0)
            path = exporter.manifest().hours[1].files["swaps"].path
        where = f"s3://{BUCKET}/hours"
        environ = {
            "PW_HISTORY_S3_ENDPOINT": server.url,
            "PW_HISTORY_S3_IN_CLEAR": "true",
            "PW_HISTORY_S3_ACCESS_KEY_FILE": str(settings.access_key_file),
            "PW_HISTORY_S3_SECRET_KEY_FILE": str(settings.secret_key_file),
        }
        shown = await pw("history", "verify", where, **environ)
        assert shown.code == 0, shown
        store.replace(path, b"no Parquet")
        shown = await pw("history", "verify", where, **environ)
        assert shown.code == 1, shown
        assert "other bytes" in shown.out
