"""What keeps the file from being opened is said with what to do, and no other advice."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from pw_history.store.file import NAME, Unusable, open_file, why_unusable


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (duckdb.IOException('Cannot open file "x": Permission denied'), "may not be written"),
        (duckdb.OutOfMemoryException("failed to allocate 1 MiB"), "it is tried again"),
        (duckdb.IOException("No space left on device"), "its disk is full"),
        (duckdb.IOException("Could not set lock on file"), "another process"),
        (duckdb.IOException("Corrupt database file"), "`pw history rebuild`"),
    ],
)
def test_only_a_damaged_file_is_to_be_made_again(error: duckdb.Error, advice: str) -> None:
    said = why_unusable(Path("history.duckdb"), error)
    assert advice in said
    assert ("rebuild" in said) == (advice == "`pw history rebuild`")


def test_a_damaged_log_of_what_is_not_merged_yet_is_named_with_what_mends_it(
    tmp_path: Path,
) -> None:
    killed = tmp_path / "killed"
    with open_file(tmp_path / "kept", 1 << 28) as connection:
        connection.execute("INSERT INTO open_minutes SELECT range FROM range(5000)")
        # As a process leaves it that is killed here.
        shutil.copytree(tmp_path / "kept", killed)
    wal = killed / f"{NAME}.wal"
    found = bytearray(wal.read_bytes())
    found[len(found) // 2] ^= 255
    wal.write_bytes(found)
    with pytest.raises(Unusable, match="pw history rebuild"):
        open_file(killed, 1 << 28)
