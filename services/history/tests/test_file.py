"""What keeps the file from being opened is said with what to do, and no other advice."""

from __future__ import annotations

import shutil
import subprocess
import sys
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


def test_a_damaged_block_is_damage_and_no_other_process() -> None:
    error = duckdb.IOException(
        "Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at "
        "location 3682304"
    )
    said = why_unusable(Path(NAME), error)
    assert "cannot be read" in said
    assert "pw history rebuild" in said


def test_a_file_that_another_connection_has_is_said_to_be_open(tmp_path: Path) -> None:
    script = (
        f"import duckdb, sys; kept = duckdb.connect({str(tmp_path / NAME)!r}); "
        "print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(Unusable, match="another process has it open"):
            open_file(tmp_path, 1 << 28)
        other.kill()
